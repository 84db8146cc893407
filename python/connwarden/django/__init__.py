"""For Django: `INSTALLED_APPS += ["connwarden.django"]`."""

from .environment import chosen_preset, config

__all__ = ["chosen_preset", "config"]
