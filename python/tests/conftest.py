"""Servers for the tests of the package. The Django project that they drive is `wall`, beside this file."""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "py"))

from bed import start, stop  # noqa: E402


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A PostgreSQL of 50 slots, without a proxy."""
    process, bed = start("transaction", direct=True)
    yield bed
    stop(process)


@pytest.fixture(scope="session")
def proxied() -> Iterator[Any]:
    """A PostgreSQL of 50 slots and a proxy in transaction mode before it."""
    process, bed = start("transaction")
    yield bed
    stop(process)
