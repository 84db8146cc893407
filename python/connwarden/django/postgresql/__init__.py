"""A database backend that counts: `ENGINE = "connwarden.django.postgresql"`. Django asks for `base`."""

from .lease import Holding, State
from .process import breakers, holdings

__all__ = ["Holding", "State", "breakers", "holdings"]
