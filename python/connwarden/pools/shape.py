"""The shapes in which a pool is told: its numbers, and who holds its connections. Plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Frame(NamedTuple):
    """One place in a borrower's stack."""

    file: str
    """The file's name as the interpreter knows it."""
    line: int
    """The line that was running, from 1."""
    function: str
    """The function's name."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


@dataclass(frozen=True)
class PoolStats:
    """One pool's numbers at one moment. `None`: this pool, or this way of watching it, does not tell.

    Counts named `_total` only grow while the pool lives. Seconds are floats.
    """

    name: str
    """The name given to `watch`, or the pool's own."""
    kind: str
    """`psycopg`, `sqlalchemy` or `asyncpg`."""
    size: int | None = None
    """Connections open. psycopg counts those being opened, as `size` and as `in_use`."""
    idle: int | None = None
    """Connections that could be lent at once."""
    in_use: int | None = None
    """Connections lent; `size` without `idle`, where a pool tells both."""
    max: int | None = None
    """Connections the pool may hold at most, overflow included. None, too, where there is no bound."""
    waiting: int | None = None
    """Requests that stand in line."""
    requests_total: int | None = None
    """Times a connection was asked for."""
    waited_total: int | None = None
    """Requests that found no idle connection, and waited for a return or for a connection to be opened."""
    wait_seconds_total: float | None = None
    """Time such requests waited, in seconds, those without success included."""
    timeouts_total: int | None = None
    """Requests that left the line without a connection: timed out, cancelled, or refused by a full line."""
    opened_total: int | None = None
    """Connections opened."""
    open_failed_total: int | None = None
    """Attempts to open a connection that failed."""
    lost_total: int | None = None
    """Connections found broken: at a check, at their return, or when they were declared invalid."""
    lent_total: int | None = None
    """Checkouts that were traced."""
    leaks: int | None = None
    """Checkouts older than `leak_after` now."""
    leaks_total: int | None = None
    """Checkouts that became older than `leak_after`."""
    abandoned_total: int | None = None
    """Borrowers that dropped their connection without returning it."""
    overlooked_total: int | None = None
    """Checkouts that were not recorded since `limit` of them were out already."""

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class Borrowed:
    """One connection that is out."""

    pool: str
    """The watch's name."""
    held_seconds: float
    """Since it was lent."""
    borrower: str
    """Name of the thread, or of the task, that asked for it."""
    ended: bool
    """The thread or the task is over, and has not returned it."""
    leak: bool
    """Held for longer than `leak_after`."""
    stack: tuple[Frame, ...] | None
    """Where it was asked for, the borrower's own line first. None: this checkout was not sampled."""

    @property
    def where(self) -> str | None:
        """The first place of the stack: `file:line in function`."""
        return str(self.stack[0]) if self.stack else None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name; places as text."""
        places = None if self.stack is None else [str(frame) for frame in self.stack]
        return {**asdict(self), "stack": places}
