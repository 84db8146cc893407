"""One connection that is out: who asked, and the tie to what was lent. Only a ledger makes loans."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import Any

from .shape import Borrowed, Frame


class Tie(weakref.ref[Any]):
    """A weak reference that knows the key of its loan: the borrower may drop what was lent."""

    __slots__ = ("key",)

    key: int
    """Set right after it is made, which is faster than a constructor of its own."""


class Borrower:
    """A thread or a task, held weakly; its name outlives it."""

    __slots__ = ("_ref", "name")

    def __init__(self, of: threading.Thread | asyncio.Task[Any]) -> None:
        self.name = of.name if isinstance(of, threading.Thread) else of.get_name()
        self._ref: weakref.ref[threading.Thread | asyncio.Task[Any]] = weakref.ref(of)

    @property
    def ended(self) -> bool:
        """It is over."""
        of = self._ref()
        if of is None:
            return True
        return not of.is_alive() if isinstance(of, threading.Thread) else of.done()


class Loan:
    """Who asked, from where, since when. `since` and `tie` are there once the request is served."""

    __slots__ = ("borrower", "since", "stack", "tie", "told")

    since: float
    tie: object
    """A `Tie`, or what was lent itself, where it can't be referred to weakly."""

    def __init__(self, borrower: Borrower, stack: tuple[Frame, ...] | None) -> None:
        self.borrower = borrower
        self.stack = stack
        self.told = False

    def borrowed(self, pool: str, held_seconds: float, leak: bool) -> Borrowed:
        """The loan as it is told."""
        return Borrowed(
            pool=pool,
            held_seconds=held_seconds,
            borrower=self.borrower.name,
            ended=self.borrower.ended,
            leak=leak,
            stack=self.stack,
        )


Who = Callable[[], Borrower]
"""Says who runs."""

_HERE = threading.local()


def thread() -> Borrower:
    """The running thread. It is asked for its name once."""
    try:
        known: Borrower = _HERE.borrower
    except AttributeError:
        known = _HERE.borrower = Borrower(threading.current_thread())
    return known


def task() -> Borrower:
    """The running task; outside of any, the thread."""
    try:
        running = asyncio.current_task()
    except RuntimeError:
        running = None
    return thread() if running is None else Borrower(running)
