"""What is installed here."""

from __future__ import annotations

import importlib.util
import sys

import django


def has_pool() -> bool:
    """Whether Django can pool: from 5.1 on, with psycopg 3 and its pool."""
    return django.VERSION >= (5, 1) and all(_installed(name) for name in ("psycopg", "psycopg_pool"))


def _installed(name: str) -> bool:
    if name in sys.modules:
        return sys.modules[name] is not None
    return importlib.util.find_spec(name) is not None
