"""The environments an application runs in, and what one of its processes is given in each: the program's table, and the
timeouts that a process asks for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from . import _core

# Seconds of the longest statement, and of the longest pause within a transaction; nothing for the developer, who looks
# around with a debugger.
_TIMEOUTS: dict[str, tuple[int | None, int | None]] = {
    "development": (None, None),
    "staging": (300, 300),
    "production": (300, 300),
    "high-load": (60, 60),
}


@dataclass(frozen=True)
class Preset:
    """What one process gets. Times are in seconds; `None` leaves it as the server has it."""

    name: str
    connections_max: int
    """Connections it may hold: `DB_MAX_CONNS`."""
    connection_age_s: int
    """How long it keeps one: `CONN_MAX_AGE`, or how long an idle one stays in a pool."""
    debug: bool
    """Whether the application runs in debug mode."""
    statement_timeout_s: int | None
    """The longest statement."""
    idle_in_transaction_timeout_s: int | None
    """The longest pause within a transaction."""


@cache
def presets() -> dict[str, Preset]:
    """All of them by name, from the smallest to the largest."""
    return {
        name: Preset(name, one["max_conns"], one["conn_max_age"], one["debug"], *_TIMEOUTS[name])
        for name, one in _core.presets().items()
    }
