"""A database backend that counts: `ENGINE = "connwarden.django.postgresql"`. `base` is what Django asks
for; `process` says who holds what.
"""
