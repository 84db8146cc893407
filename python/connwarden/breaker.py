"""A circuit breaker with retries, for opening connections: while a server is down or full, most callers are
told so at once instead of each waiting for it and pressing on it.

It is *not* for statements: whoever repeats a statement may do it twice. A connection that failed to open
has done nothing.

    breaker = Breaker("default")
    connection = breaker.call(lambda: psycopg.connect(dsn), is_transient=lambda error: ...)

             failures_max in a row                  open_s passed, somebody comes
    CLOSED --------------------------> OPEN ------------------------------------> HALF_OPEN
       ^                                 ^  <------ the probe failed ----------------  |
       '----------------------- the probe succeeded -----------------------------------'
"""

from __future__ import annotations

import enum
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")

_LOG = logging.getLogger("connwarden.breaker")


class Phase(enum.Enum):
    """What a breaker does with whoever comes."""

    CLOSED = "closed"
    """All may try."""
    OPEN = "open"
    """Nobody may."""
    HALF_OPEN = "half-open"
    """One is trying, for all."""


@dataclass(frozen=True)
class Policy:
    """When a breaker opens, and how long things take. Times are in seconds. Raises `ValueError` for
    impossible values.
    """

    failures_max: int = 5
    """Failures in a row that open it."""
    open_s: float = 5.0
    """How long it stays open before one may try; doubled by every probe that fails."""
    open_s_max: float = 60.0
    """The most that doubling leads to."""
    deadline_s: float = 10.0
    """How long `call` goes on trying. No attempt begins after it; 0 tries once."""
    backoff_s: float = 0.1
    """The pause behind the first failed attempt, doubled by each further one; a part of it is drawn by
    chance.
    """
    backoff_s_max: float = 2.0
    """The longest pause between two attempts."""
    probe_s_max: float = 60.0
    """A probe that says nothing for so long is given up, so that another may try."""

    def __post_init__(self) -> None:
        if (
            isinstance(self.failures_max, bool)
            or not isinstance(self.failures_max, int)
            or self.failures_max < 1
        ):
            raise ValueError(f"failures_max is a whole number from 1 on, not {self.failures_max!r}")
        for name in ("open_s", "open_s_max", "deadline_s", "backoff_s", "backoff_s_max", "probe_s_max"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not 0 <= value < float("inf")
            ):
                raise ValueError(f"{name} is a number of seconds from 0 on, not {value!r}")


class BreakerOpen(Exception):
    """Nothing was tried, because of what was seen before. `retry_after_s` says when it is worth while
    again.
    """

    def __init__(self, name: str, failures: int, retry_after_s: float, last_error: str | None) -> None:
        self.name = name
        self.failures = failures
        self.retry_after_s = retry_after_s
        self.last_error = last_error
        seen = f"; the last one: {last_error}" if last_error else ""
        super().__init__(
            f"{name}: not tried, after {failures} failures in a row{seen} (next try in {retry_after_s:.1f} s)"
        )


@dataclass(frozen=True)
class Snapshot:
    """A breaker at one moment."""

    name: str
    phase: Phase
    failures: int
    """Failures in a row."""
    opened_total: int
    """How often it has opened."""
    refused_total: int
    """How many were turned away."""
    retry_after_s: float
    """Seconds until somebody may try; 0 where one may now."""
    last_error: str | None
    """The text of the last failure."""


class Ticket:
    """Leave to try once. It is settled by one of its three methods; a second one changes nothing.

    As a context manager it is settled by what happens: no exception is a success, any exception tells
    nothing.
    """

    def __init__(self, breaker: Breaker, epoch: int) -> None:
        self._breaker = breaker
        self._epoch = epoch
        self._open = True

    def succeeded(self) -> None:
        """The server let us in."""
        self._settle(self._breaker._on_success)

    def failed(self, error: BaseException) -> None:
        """It did not, for a reason that passes."""
        if self._open:
            self._open = False
            self._breaker._on_failure(self._epoch, str(error).strip() or type(error).__name__)

    def told_nothing(self) -> None:
        """What happened says nothing about the server: a wrong password, a limit of our own."""
        self._settle(self._breaker._on_nothing)

    def _settle(self, told: Callable[[int], None]) -> None:
        if self._open:
            self._open = False
            told(self._epoch)

    def __enter__(self) -> Ticket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.succeeded()
        else:
            self.told_nothing()


class Breaker:
    """One breaker, for one server; threads share it.

    `clock` gives seconds that only grow; `sleep` waits; `chance` gives the jitter. Tests hand in their own.
    """

    def __init__(
        self,
        name: str,
        policy: Policy | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: random.Random | None = None,
    ) -> None:
        self.name = name
        self.policy = policy or Policy()
        self._clock = clock
        self._sleep = sleep
        self._chance = chance or random.Random()
        self._lock = threading.Lock()
        self._phase = Phase.CLOSED
        # Counts changes of the phase: what was begun in an earlier one says nothing about this one.
        self._epoch = 0
        self._failures = 0
        self._pause_s = self.policy.open_s
        # OPEN: when one may try. HALF_OPEN: when the probe is given up.
        self._until = 0.0
        self._opened_total = 0
        self._refused_total = 0
        self._last_error: str | None = None

    def snapshot(self) -> Snapshot:
        """Where it stands."""
        with self._lock:
            wait = 0.0 if self._phase is Phase.CLOSED else max(0.0, self._until - self._clock())
            return Snapshot(
                self.name,
                self._phase,
                self._failures,
                self._opened_total,
                self._refused_total,
                wait,
                self._last_error,
            )

    def enter(self) -> Ticket:
        """Leave to try once. Raises `BreakerOpen`."""
        with self._lock:
            now = self._clock()
            if self._phase is Phase.CLOSED:
                return Ticket(self, self._epoch)
            if now < self._until:
                self._refused_total += 1
                raise BreakerOpen(self.name, self._failures, self._until - now, self._last_error)
            self._turn(Phase.HALF_OPEN)
            self._until = now + self.policy.probe_s_max
            ticket = Ticket(self, self._epoch)
        _LOG.info(
            "a connection is tried for all", extra={"breaker": self.name, "phase": Phase.HALF_OPEN.value}
        )
        return ticket

    def call(self, attempt: Callable[[], T], is_transient: Callable[[Exception], bool]) -> T:
        """Calls `attempt`, again and again while it raises what `is_transient` says will pass, until the
        deadline.

        Raises `BreakerOpen` where it was not tried, and else what the last attempt raised.
        """
        deadline = self._clock() + self.policy.deadline_s
        number = 0
        while True:
            ticket = self.enter()
            try:
                result = attempt()
            except Exception as error:
                if not is_transient(error):
                    ticket.told_nothing()
                    raise
                ticket.failed(error)
                pause = self._backoff_s(number)
                if self.snapshot().phase is not Phase.CLOSED or self._clock() + pause >= deadline:
                    raise
            except BaseException:
                ticket.told_nothing()
                raise
            else:
                ticket.succeeded()
                return result
            number += 1
            self._sleep(pause)

    def _backoff_s(self, number: int) -> float:
        # 2**30 is past any pause, and doubling without an end would overflow.
        full = min(self.policy.backoff_s_max, self.policy.backoff_s * 2.0 ** min(number, 30))
        return full * (0.5 + 0.5 * self._chance.random())

    def _turn(self, phase: Phase) -> None:
        self._phase = phase
        self._epoch += 1

    def _on_success(self, epoch: int) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            was = self._phase
            self._failures = 0
            self._pause_s = self.policy.open_s
            if was is Phase.HALF_OPEN:
                self._turn(Phase.CLOSED)
        if was is Phase.HALF_OPEN:
            _LOG.info(
                "connections are opened again", extra={"breaker": self.name, "phase": Phase.CLOSED.value}
            )

    def _on_failure(self, epoch: int, text: str) -> None:
        with self._lock:
            if epoch != self._epoch:
                return
            self._failures += 1
            self._last_error = text
            if self._phase is Phase.HALF_OPEN:
                self._pause_s = min(self.policy.open_s_max, self._pause_s * 2)
            elif self._failures < self.policy.failures_max:
                return
            self._turn(Phase.OPEN)
            self._until = self._clock() + self._pause_s
            self._opened_total += 1
            facts = {"breaker": self.name, "phase": Phase.OPEN.value, "failures": self._failures}
            facts |= {"pause_s": self._pause_s, "error": text}
        _LOG.warning("no connection is opened for a while", extra=facts)

    def _on_nothing(self, epoch: int) -> None:
        with self._lock:
            if epoch == self._epoch and self._phase is Phase.HALF_OPEN:
                # The next one probes, at once: nothing was learned.
                self._turn(Phase.OPEN)
                self._until = self._clock()
