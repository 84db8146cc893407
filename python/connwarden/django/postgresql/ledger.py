"""Who holds which connection of one alias in this process, and how many there may be: `DB_MAX_CONNS`, held.

A lease is the right to one connection. It lives from before the connection is opened until the server's
process has ended, so that the server never has more sessions of this process than there are leases:

    OPENING --> HELD <--> PARKED     parked: between two requests, and may be taken for somebody who waits
       |         |           |
       |         |         TAKEN     another thread closes it
       |         v           |
       |      LEAVING <------'       closed on this side; the server has not ended yet
       v         |
      GONE <-----'

This is *not* a pool: a connection belongs to one thread all its life. Before a pool it says who may ask it.
"""

from __future__ import annotations

import collections
import contextlib
import queue
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from . import sockets
from .lease import Holding, Lease, State, Terms

LEAVE_S_MAX = 5.0
"""A server that has not ended so long after the goodbye is given up: its lease goes back."""

_SLICE_S = 0.25
"""How often a waiter looks for threads that died with a connection: nothing announces them."""
_POLL_MS = 20
"""How long a waiter listens for the end of servers before it looks for other changes."""


class LimitReached(Exception):
    """No connection became free in time. `holdings` says who has them, the longest first."""

    def __init__(
        self, alias: str, limit: int, waited_s: float, waiting: int, holdings: list[Holding]
    ) -> None:
        self.alias = alias
        self.limit = limit
        self.waited_s = waited_s
        self.waiting = waiting
        self.holdings = holdings
        super().__init__(alias, limit, waited_s)


class _Waiter:
    """A place in line. Finalizers put to its queue: they run at any point of any thread, where no lock may
    be taken.
    """

    def __init__(self) -> None:
        self.news: queue.SimpleQueue[None] = queue.SimpleQueue()


class Ledger:
    """The leases of one alias in this process. Threads share it; whoever comes first is served first."""

    def __init__(self, alias: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.alias = alias
        self._clock = clock
        self._fresh()

    def _fresh(self) -> None:
        # Reentrant: the collector may run a destructor of somebody's that closes a connection, within any
        # method here.
        self._lock = threading.RLock()
        self._limit: int | None = None
        self._leases: set[Lease] = set()
        self._line: collections.deque[_Waiter] = collections.deque()
        self._lost: collections.deque[Lease] = collections.deque()

    # Taking and giving back

    def acquire(self, limit: int | None, timeout_s: float) -> Lease:
        """A lease, after at most `timeout_s`. Raises `LimitReached`. `limit` holds from now on; `None` is
        none.
        """
        waiter = _Waiter()
        started = self._clock()
        with self._lock:
            self._limit = limit
            self._line.append(waiter)
        try:
            while (lease := self._take(waiter)) is None:
                left_s = started + timeout_s - self._clock()
                if left_s <= 0:
                    raise self._limit_reached(self._clock() - started)
                self._wait(waiter, left_s)
        finally:
            with self._lock:
                if waiter in self._line:
                    self._line.remove(waiter)
                self._wake()
        return lease

    def opened(self, lease: Lease, raw: Any, terms: Terms) -> None:
        """The lease's connection is there. Raises `OSError` where no descriptor is left to watch it by."""
        watch = sockets.watched(raw) if terms.watched else None
        finalizer = weakref.finalize(raw, self._on_lost, lease)
        finalizer.atexit = False
        with self._lock:
            lease.hold(raw, terms, watch, finalizer.detach)

    def closed(self, lease: Lease) -> None:
        """The driver has closed the connection, or never opened one. A second time changes nothing."""
        with self._lock:
            if lease.state not in (State.LEAVING, State.GONE):
                lease.forget_raw()
                if lease.watch is not None:
                    sockets.no_more_is_sent(lease.watch)
                self._leave(lease)
            self._sweep()
            self._wake()

    def park(self, lease: Lease) -> None:
        """Its thread needs the connection no more for now: it may be taken away for somebody who waits."""
        with self._lock:
            if lease.state is State.HELD:
                lease.state = State.PARKED
                self._wake()

    def claim(self, lease: Lease) -> bool:
        """Its thread wants the connection. False where there is none any more."""
        with self._lock:
            if lease.state is State.PARKED:
                lease.state = State.HELD
            return lease.state is State.HELD

    def evict(self, lease: Lease, in_use: bool = False) -> bool:
        """Ends the connection of a lease that nobody uses: parked, or of a dead thread. False where somebody
        does, unless `in_use`: then it is for the caller to know that no statement runs.
        """
        with self._lock:
            if not (lease.idle() or (in_use and lease.state is State.HELD)):
                return False
            # From here on its thread cannot claim it.
            lease.state = State.TAKEN
        lease.end()
        self.closed(lease)
        return True

    def reclaim(self) -> None:
        """Ends what dead threads have left."""
        for lease in self.live():
            if lease.orphaned():
                self.evict(lease)

    # Looking

    def holdings(self) -> list[Holding]:
        """Who holds what, the longest first."""
        with self._lock:
            self._sweep()
            leases = sorted(self._leases, key=lambda lease: lease.since)
        now = self._clock()
        return [lease.holding(now) for lease in leases]

    def count(self) -> int:
        """How many leases are out."""
        with self._lock:
            self._sweep()
            return len(self._leases)

    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._line)

    def live(self) -> list[Lease]:
        """The leases whose connection is open."""
        with self._lock:
            return [lease for lease in self._leases if lease.state in (State.HELD, State.PARKED)]

    def abandon(self) -> list[Any]:
        """After a fork, in the child: the connections are the parent's. Returns them, cut off from their
        sockets; they must be kept, so that no destructor of theirs runs.
        """
        leases, kept = list(self._leases), []
        self._fresh()
        for lease in leases:
            raw = lease.connection()
            if raw is not None:
                sockets.cut_off(raw)
                kept.append(raw)
            lease.forget_raw()
            if lease.watch is not None:
                sockets.close(lease.watch)
            lease.state, lease.watch = State.GONE, None
        return kept

    # Within

    def _take(self, waiter: _Waiter) -> Lease | None:
        with self._lock:
            self._sweep()
            ahead = self._line.index(waiter)
            if self._limit is not None and len(self._leases) + ahead >= self._limit:
                return None
            self._line.remove(waiter)
            lease = Lease(self._clock())
            self._leases.add(lease)
            return lease

    def _wait(self, waiter: _Waiter, left_s: float) -> None:
        """Until something may have changed. Only the first in line does more than wait."""
        with self._lock:
            first = self._line[0] is waiter
            idle = min((one for one in self._leases if one.idle()), key=lambda one: one.since, default=None)
            leaving = self._leaving()
        if first and leaving:
            # Without the lock: a descriptor that is closed meanwhile makes this end early, and nothing is
            # read here.
            sockets.heard(list(leaving), min(_POLL_MS, int(left_s * 1000) + 1))
        elif first and idle is not None:
            self.evict(idle)
        else:
            with contextlib.suppress(queue.Empty):
                waiter.news.get(timeout=min(left_s, _SLICE_S))

    def _leaving(self) -> dict[int, Lease]:
        return {
            lease.watch: lease
            for lease in self._leases
            if lease.state is State.LEAVING and lease.watch is not None
        }

    def _leave(self, lease: Lease) -> None:
        lease.state = State.LEAVING
        lease.leaving_since = self._clock()
        if lease.watch is None:
            self._gone(lease)

    def _gone(self, lease: Lease) -> None:
        lease.state = State.GONE
        self._leases.discard(lease)
        if lease.watch is not None:
            sockets.close(lease.watch)
            lease.watch = None

    def _sweep(self) -> None:
        while self._lost:
            lease = self._lost.popleft()
            if lease.state in (State.HELD, State.PARKED):
                self._leave(lease)
        leaving = self._leaving()
        if not leaving:
            return
        ended = sockets.ended(list(leaving))
        now = self._clock()
        for watch, lease in leaving.items():
            if watch in ended or now - lease.leaving_since > LEAVE_S_MAX:
                self._gone(lease)

    def _wake(self) -> None:
        with contextlib.suppress(IndexError):
            self._line[0].news.put(None)

    def _on_lost(self, lease: Lease) -> None:
        # Called by the collector when a connection is thrown away without a close: see `_Waiter`.
        self._lost.append(lease)
        self._wake()

    def _limit_reached(self, waited_s: float) -> LimitReached:
        with self._lock:
            others, limit = len(self._line) - 1, self._limit or 0
        return LimitReached(self.alias, limit, waited_s, others, self.holdings())
