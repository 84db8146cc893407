"""The app."""

from __future__ import annotations

from django.apps import AppConfig


class ConnwardenConfig(AppConfig):
    """Knows the project's settings, and adds its checks."""

    name = "connwarden.django"
    label = "connwarden"
    verbose_name = "connwarden"

    def ready(self) -> None:
        """Adds the checks."""
        from .checks import register_all

        register_all()
