"""The app."""

from django.apps import AppConfig


class WallConfig(AppConfig):
    """Posts on a wall."""

    name = "wall"
