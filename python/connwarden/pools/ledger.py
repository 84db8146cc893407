"""Who holds what: every traced checkout of one watch, and which of them are leaks. It knows no pool and no
library.

The way of a checkout is kept short: one small record, one lock for the counts, a stack only where the
checkout is sampled. A return takes no lock. Everything else happens at a look.

A connection that is dropped while it is out is noticed by the garbage collector, which may run anywhere,
inside of this ledger's lock too: that way takes no lock and writes no log. It leaves the loan in a queue for
the next look.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from .loan import Loan, Tie, Who, thread
from .sampling import Choice
from .shape import Borrowed
from .stack import here

log = logging.getLogger("connwarden.pools")

Clock = Callable[[], float]


class Ledger:
    """The loans of one pool. Threads and tasks may share it."""

    def __init__(
        self,
        name: str,
        *,
        leak_after: float,
        chosen: Choice,
        limit: int,
        clock: Clock = time.monotonic,
        who: Who = thread,
        closed: Callable[[Any], bool] | None = None,
    ) -> None:
        """`closed` says of what a tie holds strongly that it is back without a return having been seen."""
        self.name = name
        self.leak_after = leak_after
        self._chosen = chosen
        self._limit = limit
        self._clock = clock
        self._who = who
        self._closed = closed
        self._out: dict[int, Loan] = {}
        self._dropped: deque[Loan] = deque(maxlen=limit)
        self._drop = self._on_drop
        self._lock = threading.Lock()
        self.lent_total = 0
        self.leaks_total = 0
        self.abandoned_total = 0
        self.overlooked_total = 0
        _ALL.add(self)

    def __len__(self) -> int:
        return len(self._out)

    def request(self) -> Loan:
        """Somebody asks for a connection, here and now: to be called in the borrower's own thread or task."""
        return Loan(self._who(), here() if self._chosen() else None)

    def lent(self, loan: Loan, key: int, lent: object, *, weakly: bool = True) -> None:
        """The request was served. `key` is the same at the return; `lent` is kept weakly if it can be."""
        if weakly:
            loan.tie = tie = Tie(lent, self._drop)
            tie.key = key
        else:
            loan.tie = lent
        loan.since = self._clock()
        with self._lock:
            self.lent_total += 1
            if room := len(self._out) < self._limit:
                self._out[key] = loan
        if not room:
            self._make_room(key, loan)

    def returned(self, key: int) -> None:
        """What was lent under this key is back. Keys from before the watch are passed over."""
        loan = self._out.pop(key, None)
        if loan is None:
            return
        if type(tie := loan.tie) is Tie and tie() is None:
            self._dropped.append(loan)
            return
        held = self._clock() - loan.since
        if held > self.leak_after:
            self._came_late(loan, held)

    def look(self) -> list[Borrowed]:
        """All that is out, the longest first. Leaks and dropped connections are told, each once."""
        now = self._clock()
        self._tell_dropped(now)
        self._sweep()
        found = []
        for loan in list(self._out.values()):
            held = now - loan.since
            leak = held > self.leak_after
            if leak and self._first(loan):
                self._say(logging.WARNING, "a connection is out for longer than leak_after", loan, held)
            found.append(loan.borrowed(self.name, held, leak))
        return sorted(found, key=lambda one: -one.held_seconds)

    def clear(self) -> None:
        """Forgets what is out: the watch has ended, or this is a forked child, which holds nothing."""
        self._lock = threading.Lock()
        self._out.clear()
        self._dropped.clear()

    def _make_room(self, key: int, loan: Loan) -> None:
        self._sweep()
        with self._lock:
            if len(self._out) < self._limit:
                self._out[key] = loan
            else:
                self.overlooked_total += 1

    def _on_drop(self, tie: Tie) -> None:
        loan = self._out.get(tie.key)
        if loan is not None and loan.tie is tie:
            del self._out[tie.key]
            self._dropped.append(loan)

    def _first(self, loan: Loan) -> bool:
        """Whether this leak is news; then it is counted."""
        with self._lock:
            news, loan.told = not loan.told, True
            self.leaks_total += news
        return news

    def _came_late(self, loan: Loan, held: float) -> None:
        level = logging.WARNING if self._first(loan) else logging.INFO
        self._say(level, "a connection came back after leak_after", loan, held)

    def _tell_dropped(self, now: float) -> None:
        while True:
            try:
                loan = self._dropped.popleft()
            except IndexError:
                return
            with self._lock:
                self.abandoned_total += 1
            self._say(logging.WARNING, "a borrower dropped its connection unreturned", loan, now - loan.since)

    def _sweep(self) -> None:
        """Takes out what came back without a return."""
        if self._closed is not None:
            for key, loan in list(self._out.items()):
                if self._closed(loan.tie):
                    self._out.pop(key, None)

    def _say(self, level: int, text: str, loan: Loan, held: float) -> None:
        one = loan.borrowed(self.name, held, held > self.leak_after)
        places = None if one.stack is None else [str(frame) for frame in one.stack]
        facts = {
            "pool": one.pool,
            "held_seconds": round(held, 3),
            "leak_after_seconds": self.leak_after,
            "borrower": one.borrower,
            "borrower_ended": one.ended,
            "where": one.where,
            "stack": places,
        }
        log.log(level, text, extra=facts)


_ALL: weakref.WeakSet[Ledger] = weakref.WeakSet()


def _in_child() -> None:
    """After a fork: the parent's loans are not ours, and a lock may have been taken by a thread that is not
    here.
    """
    for ledger in list(_ALL):
        ledger.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
