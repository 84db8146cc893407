"""Pools of asyncpg: its `Pool`, and the same with its checkouts told and its requests counted.

A pool of asyncpg tells sizes and nothing else, and `create_pool` takes no class, so `create_pool` of this
module makes a `TracedPool` from the same arguments and the library's own defaults. `pool.execute()` and its
like go through `acquire()`, and are seen as well.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, ClassVar

from asyncpg import InterfaceError, Record
from asyncpg import create_pool as library_create_pool
from asyncpg.pool import Pool, PoolAcquireContext, PoolConnectionProxy

from . import loan
from .ledger import Ledger
from .line import Line
from .loan import Loan, Who
from .shape import PoolStats

if TYPE_CHECKING:
    _Pool = Pool[Record]
    _PoolAcquireContext = PoolAcquireContext[Record]
else:
    # Generic in their stubs alone.
    _Pool, _PoolAcquireContext = Pool, PoolAcquireContext


class TracedPool(_Pool):
    """An asyncpg `Pool` whose checkouts a watch can see; see `create_pool`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = Line()
        self.ledger: Ledger | None = None

    def acquire(self, *, timeout: float | None = None) -> TracedAcquire:
        """As the original. The borrower is whoever calls this, though another task may await it."""
        return TracedAcquire(self, timeout)

    async def release(self, connection: PoolConnectionProxy[Record], *, timeout: float | None = None) -> None:
        """As the original."""
        # First, since the pool may lend it to somebody else before it answers.
        if (ledger := self.ledger) is not None:
            ledger.returned(id(connection))
        await super().release(connection, timeout=timeout)


class TracedAcquire(_PoolAcquireContext):
    """What `acquire()` gives: awaited, or entered."""

    __slots__ = ("_ledger", "_line", "_request")

    def __init__(self, pool: TracedPool, timeout: float | None) -> None:
        super().__init__(pool, timeout)
        self._line = pool.line
        self._ledger = pool.ledger
        self._request: Loan | None = None if self._ledger is None else self._ledger.request()

    async def __aenter__(self) -> PoolConnectionProxy[Record]:
        with self._line.request(self.pool.get_idle_size() == 0):
            connection = await super().__aenter__()
        return self._told(connection)

    def __await__(self) -> Generator[Any, None, PoolConnectionProxy[Record]]:
        with self._line.request(self.pool.get_idle_size() == 0):
            connection = yield from super().__await__()
        return self._told(connection)

    def _told(self, connection: PoolConnectionProxy[Record]) -> PoolConnectionProxy[Record]:
        if self._ledger is not None and self._request is not None:
            # The proxy can't be referred to weakly. It is hollow once the connection is back.
            self._ledger.lent(self._request, id(connection), connection, weakly=False)
        return connection


def create_pool(dsn: str | None = None, **kwargs: Any) -> TracedPool:
    """A `TracedPool`, from what `asyncpg.create_pool` takes. Raises what that raises."""
    parameters = inspect.signature(library_create_pool).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.kind is one.KEYWORD_ONLY}
    return TracedPool(dsn, **{**defaults, **kwargs})


class AsyncpgAdapter:
    """One pool of asyncpg."""

    of: ClassVar[tuple[type, ...]] = (Pool,)
    name = "asyncpg"

    def __init__(self, pool: Pool[Any]) -> None:
        self._pool = pool

    @property
    def untraced(self) -> str | None:
        """Traced are the pools of this module."""
        if isinstance(self._pool, TracedPool):
            return None
        return "make it with connwarden.pools.asyncpg.create_pool instead of asyncpg.create_pool"

    @property
    def who(self) -> Who:
        """A task."""
        return loan.task

    @property
    def closed(self) -> Callable[[Any], bool]:
        """A borrower that closes its connection frees the place in the pool, and releases nothing."""
        return _back

    def attach(self, ledger: Ledger) -> None:
        """Raises `ValueError` where the pool is being watched."""
        if isinstance(self._pool, TracedPool):
            if self._pool.ledger is not None:
                raise ValueError(f"the pool {ledger.name!r} is watched already: stop that watch first")
            self._pool.ledger = ledger

    def detach(self) -> None:
        """The pool is as it was made."""
        if isinstance(self._pool, TracedPool):
            self._pool.ledger = None

    def stats(self, name: str, out: int) -> PoolStats:
        """Sizes of any pool, requests of a traced one."""
        size, idle = self._pool.get_size(), self._pool.get_idle_size()
        line = self._pool.line if isinstance(self._pool, TracedPool) else None
        stats = PoolStats(
            name=name,
            kind="asyncpg",
            size=size,
            idle=idle,
            in_use=max(0, size - idle),
            max=self._pool.get_max_size(),
        )
        return stats if line is None else line.told(stats)


def _back(connection: PoolConnectionProxy[Record]) -> bool:
    """Any call to a proxy without its connection is refused. One that has merely lost the server still holds
    its place.
    """
    try:
        connection.is_closed()
    except InterfaceError:
        return True
    return False
