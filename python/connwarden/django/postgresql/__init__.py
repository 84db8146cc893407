"""A database backend that counts: `ENGINE = "connwarden.django.postgresql"`."""
