"""One lease of a `Ledger`: what is known of it. Its state changes in `ledger`, under the ledger's lock."""

from __future__ import annotations

import contextlib
import enum
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_IDLE, _UNKNOWN = 0, 4
"""The numbers both drivers give to a transaction's status."""


class State(enum.Enum):
    """Where a lease is in its life; the picture stands in `ledger`."""

    OPENING = "opening"
    HELD = "held"
    PARKED = "parked"
    TAKEN = "taken"
    LEAVING = "leaving"
    GONE = "gone"


@dataclass(frozen=True)
class Holding:
    """One lease at one moment, for people."""

    thread: str
    """The thread's name."""
    thread_alive: bool
    held_s: float
    """Seconds since the lease was given."""
    state: State
    in_transaction: bool | None
    """`None` where the driver cannot say."""


@dataclass(frozen=True)
class Terms:
    """How a lease's connection is dealt with."""

    release: Callable[[Any], None]
    """Ends the driver's connection, or gives it back to its pool; from any thread."""
    shared: Callable[[], bool]
    """Whether other threads than the one that opened it may use it."""
    watched: bool
    """The lease lasts until the server's process has ended."""
    kept: bool
    """The connection lives as long as the lease: a pool wants it back even from a thread that died."""


class Lease:
    """The right to one connection."""

    def __init__(self, since: float) -> None:
        self.state = State.OPENING
        self.since = since
        """Seconds of the ledger's clock."""
        self.watch: int | None = None
        """A descriptor on which the server's end is heard."""
        self.leaving_since = 0.0
        self._thread = weakref.ref(threading.current_thread())
        self._thread_name = threading.current_thread().name
        self._raw: weakref.ref[Any] | None = None
        self._kept: Any | None = None
        self._detach: Callable[[], object] | None = None
        self._terms: Terms | None = None

    def hold(self, raw: Any, terms: Terms, watch: int | None, detach: Callable[[], object]) -> None:
        """Its connection is open."""
        self._raw, self._terms, self.watch, self._detach = weakref.ref(raw), terms, watch, detach
        self._kept = raw if terms.kept else None
        self.state = State.HELD

    def connection(self) -> Any | None:
        """The driver's connection, if there is one."""
        return None if self._raw is None else self._raw()

    def forget_raw(self) -> None:
        """Its connection is of no interest any more."""
        if self._detach is not None:
            self._detach()
        self._raw = self._kept = self._detach = None

    def end(self) -> None:
        """Ends the connection, whoever's it is."""
        raw = self.connection()
        if raw is not None and self._terms is not None:
            with contextlib.suppress(Exception):  # broken or not, it is to go
                self._terms.release(raw)

    def thread_alive(self) -> bool:
        """Whether the thread that opened it still runs."""
        thread = self._thread()
        return thread is not None and thread.is_alive()

    def orphaned(self) -> bool:
        """Whether it is open and nobody is left who could use it."""
        if self.state not in (State.HELD, State.PARKED) or self.thread_alive():
            return False
        return self._terms is None or not self._terms.shared()

    def idle(self) -> bool:
        """Whether it can be ended without hurting anybody."""
        return self.state is State.PARKED or self.orphaned()

    def transaction_status(self) -> int | None:
        """The driver's number: 0 idle, 1 a statement runs, 2 in a transaction, 3 in a failed one. `None`:
        unknown.
        """
        raw = self.connection()
        try:
            status = None if raw is None else int(raw.info.transaction_status)
        except Exception:  # closed meanwhile
            return None
        return None if status == _UNKNOWN else status

    def holding(self, now: float) -> Holding:
        """As it is now."""
        status = self.transaction_status()
        return Holding(
            self._thread_name,
            self.thread_alive(),
            now - self.since,
            self.state,
            None if status is None else status != _IDLE,
        )
