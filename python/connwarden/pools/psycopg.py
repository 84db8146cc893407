"""Pools of psycopg: psycopg_pool's four classes, and the same four with their checkouts told.

A pool of psycopg_pool has no hook for a return (its `reset` is not asked for every connection, and costs a
hop to a worker), so tracing is a subclass that overrides `getconn` and `putconn` and adds nothing else:
`connection()` goes through both. A pool made by somebody else, like Django's, is watched for its numbers
alone.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar

from psycopg_pool import AsyncConnectionPool, AsyncNullConnectionPool, ConnectionPool, NullConnectionPool
from psycopg_pool.abc import ACT, CT

from . import loan
from .ledger import Ledger
from .loan import Loan, Who
from .shape import PoolStats


class TracedConnectionPool(ConnectionPool[CT]):
    """A `ConnectionPool` whose checkouts a watch can see."""

    ledger: Ledger | None = None
    """The watch's, while there is one."""

    def getconn(self, timeout: float | None = None) -> CT:
        """As the original."""
        connection = super().getconn(timeout)
        if (ledger := self.ledger) is not None:
            ledger.lent(ledger.request(), id(connection), connection)
        return connection

    def putconn(self, conn: CT) -> None:
        """As the original."""
        # First, since the pool may lend it to somebody else before it answers.
        if (ledger := self.ledger) is not None:
            ledger.returned(id(conn))
        super().putconn(conn)


class TracedNullConnectionPool(TracedConnectionPool[CT], NullConnectionPool[CT]):
    """A `NullConnectionPool` whose checkouts a watch can see."""


class TracedAsyncConnectionPool(AsyncConnectionPool[ACT]):
    """An `AsyncConnectionPool` whose checkouts a watch can see."""

    ledger: Ledger | None = None
    """The watch's, while there is one."""

    def getconn(self, timeout: float | None = None) -> Coroutine[Any, Any, ACT]:
        """As the original. The borrower is whoever calls this, though another task may await it."""
        ledger = self.ledger
        if ledger is None:
            return super().getconn(timeout)
        return self._told(super().getconn(timeout), ledger, ledger.request())

    async def putconn(self, conn: ACT) -> None:
        """As the original."""
        if (ledger := self.ledger) is not None:
            ledger.returned(id(conn))
        await super().putconn(conn)

    async def _told(self, asked: Coroutine[Any, Any, ACT], ledger: Ledger, request: Loan) -> ACT:
        connection = await asked
        ledger.lent(request, id(connection), connection)
        return connection


class TracedAsyncNullConnectionPool(TracedAsyncConnectionPool[ACT], AsyncNullConnectionPool[ACT]):
    """An `AsyncNullConnectionPool` whose checkouts a watch can see."""


class PsycopgAdapter:
    """One of psycopg_pool's pools."""

    of: ClassVar[tuple[type, ...]] = (ConnectionPool, AsyncConnectionPool)
    closed: Callable[[Any], bool] | None = None

    def __init__(self, pool: ConnectionPool[Any] | AsyncConnectionPool[Any]) -> None:
        self._pool = pool
        self._opened = 0

    @property
    def name(self) -> str:
        """The pool's name."""
        return self._pool.name

    @property
    def untraced(self) -> str | None:
        """Traced are the subclasses of this module."""
        if isinstance(self._pool, (TracedConnectionPool, TracedAsyncConnectionPool)):
            return None
        kind = type(self._pool).__name__
        return f"make it a connwarden.pools.psycopg.Traced{kind.removeprefix('Traced')} instead of a {kind}"

    @property
    def who(self) -> Who:
        """A task where the pool is asynchronous."""
        return loan.task if isinstance(self._pool, AsyncConnectionPool) else loan.thread

    def attach(self, ledger: Ledger) -> None:
        """Raises `ValueError` where the pool is being watched."""
        if isinstance(self._pool, (TracedConnectionPool, TracedAsyncConnectionPool)):
            if self._pool.ledger is not None:
                raise ValueError(f"the pool {self.name!r} is watched already: stop that watch first")
            self._pool.ledger = ledger

    def detach(self) -> None:
        """The pool is as it was made."""
        if isinstance(self._pool, (TracedConnectionPool, TracedAsyncConnectionPool)):
            del self._pool.ledger

    def stats(self, name: str, out: int) -> PoolStats:
        """From `get_stats()`, whose zeros are absent keys and whose times are milliseconds."""
        told = self._pool.get_stats()
        size, idle = told["pool_size"], told["pool_available"]
        failed = told.get("connections_errors", 0)
        # Attempts are counted when they begin: one that fails later must not take a count back.
        self._opened = max(self._opened, told.get("connections_num", 0) - failed)
        return PoolStats(
            name=name,
            kind="psycopg",
            size=size,
            idle=idle,
            in_use=max(0, size - idle),
            max=told["pool_max"] or None,
            waiting=told.get("requests_waiting", 0),
            requests_total=told.get("requests_num", 0),
            waited_total=told.get("requests_queued", 0),
            wait_seconds_total=told.get("requests_wait_ms", 0) / 1000,
            timeouts_total=told.get("requests_errors", 0),
            opened_total=self._opened,
            open_failed_total=failed,
            lost_total=told.get("connections_lost", 0) + told.get("returns_bad", 0),
        )
