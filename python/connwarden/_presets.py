"""The environments an application runs in, and what one of its processes is given in each. The table of the
program (`connwarden`'s crate `model`) says the same of the first three columns; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass


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


_TABLE = (
    Preset("development", 10, 180, True, None, None),
    Preset("staging", 20, 300, False, 300, 300),
    Preset("production", 25, 600, False, 300, 300),
    Preset("high-load", 15, 300, False, 60, 60),
)


def presets() -> dict[str, Preset]:
    """All of them by name, from the smallest to the largest."""
    return {preset.name: preset for preset in _TABLE}
