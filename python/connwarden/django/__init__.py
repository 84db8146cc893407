"""For Django: `INSTALLED_APPS += ["connwarden.django"]`."""
