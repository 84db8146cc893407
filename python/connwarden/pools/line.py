"""Requests in front of a pool that does not count them itself: how many asked, waited, and left without
success.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .shape import PoolStats

Clock = Callable[[], float]


class Line:
    """Counts requests. Threads and tasks may share it."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.requests = 0
        """Times a connection was asked for."""
        self.waiting = 0
        """Requests that wait now."""
        self.waited = 0
        """Requests that found no idle connection."""
        self.wait_seconds = 0.0
        """Time such requests waited."""
        self.gave_up = 0
        """Requests that timed out or were cancelled."""

    @contextmanager
    def request(self, waits: bool, refusal: type[BaseException] = TimeoutError) -> Iterator[None]:
        """Around one request; `waits` says that no idle connection was there when it came.

        `refusal` is what the pool raises when time is up, beside the interpreter's own.
        """
        began = self._clock()
        with self._lock:
            self.requests += 1
            self.waited += waits
            self.waiting += waits
        try:
            yield
        except (refusal, TimeoutError, asyncio.TimeoutError, asyncio.CancelledError):
            with self._lock:
                self.gave_up += 1
            raise
        finally:
            if waits:
                with self._lock:
                    self.waiting -= 1
                    self.wait_seconds += self._clock() - began

    def told(self, stats: PoolStats) -> PoolStats:
        """The same numbers with this line's beside them."""
        with self._lock:
            return dataclasses.replace(
                stats,
                waiting=self.waiting,
                requests_total=self.requests,
                waited_total=self.waited,
                wait_seconds_total=self.wait_seconds,
                timeouts_total=self.gave_up,
            )
