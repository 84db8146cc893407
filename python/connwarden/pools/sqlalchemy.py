"""Pools of SQLAlchemy: any engine, by the events of its pool; and queue pools that count who waits.

SQLAlchemy tells checkouts, returns and openings of every pool as events, so that nothing has to be replaced.
It has no event for a request that waits: `CountedQueuePool` counts those, as `create_engine(...,
poolclass=CountedQueuePool)`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

from sqlalchemy import Engine, event, exc
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, Pool, PoolProxiedConnection, QueuePool

from . import loan
from .ledger import Ledger
from .line import Line
from .loan import Who
from .shape import PoolStats


class CountedQueuePool(QueuePool):
    """A `QueuePool` that counts its requests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.line = Line()

    def connect(self) -> PoolProxiedConnection:
        """As the original."""
        with self.line.request(self.checkedin() == 0, exc.TimeoutError):
            return super().connect()

    def recreate(self) -> QueuePool:
        """As the original; counts go on."""
        fresh = super().recreate()
        if isinstance(fresh, CountedQueuePool):
            fresh.line = self.line
        return fresh


class CountedAsyncQueuePool(CountedQueuePool, AsyncAdaptedQueuePool):
    """The same for `create_async_engine`."""


class SqlalchemyAdapter:
    """One engine, or one pool."""

    of: ClassVar[tuple[type, ...]] = (Engine, AsyncEngine, Pool)
    untraced: str | None = None
    closed: Callable[[Any], bool] | None = None

    def __init__(self, watched: Engine | AsyncEngine | Pool) -> None:
        self._of = watched.sync_engine if isinstance(watched, AsyncEngine) else watched
        self._asynchronous = isinstance(watched, (AsyncEngine, AsyncAdaptedQueuePool))
        self._lock = threading.Lock()
        self._opened = 0
        self._lost = 0
        self._ledger: Ledger | None = None
        self._listened: Pool | None = None

    @property
    def name(self) -> str:
        """The database's name, for an engine."""
        database = self._of.url.database if isinstance(self._of, Engine) else None
        return database or "sqlalchemy"

    @property
    def who(self) -> Who:
        """A task where the engine is asynchronous."""
        return loan.task if self._asynchronous else loan.thread

    def attach(self, ledger: Ledger) -> None:
        """Listens. An engine's next pool, after `dispose()`, inherits the listeners of this one."""
        self._ledger = ledger
        self._listened = self._pool
        for name, listener in self._listeners():
            event.listen(self._listened, name, listener)

    def detach(self) -> None:
        """Takes the listeners away, from all pools that have them."""
        if self._listened is not None:
            for name, listener in self._listeners():
                event.remove(self._listened, name, listener)
        self._listened = None
        self._ledger = None

    def stats(self, name: str, out: int) -> PoolStats:
        """A queue pool tells its sizes. Of other pools what is out is known by the events."""
        pool = self._pool
        size: int | None = None
        idle: int | None = None
        in_use = out
        if isinstance(pool, QueuePool):
            idle, in_use = pool.checkedin(), max(0, pool.checkedout())
            size = idle + in_use
        elif isinstance(pool, NullPool):
            size, idle = out, 0
        line = pool.line if isinstance(pool, CountedQueuePool) else None
        stats = PoolStats(
            name=name,
            kind="sqlalchemy",
            size=size,
            idle=idle,
            in_use=in_use,
            max=_bound(pool),
            opened_total=self._opened,
            lost_total=self._lost,
        )
        return stats if line is None else line.told(stats)

    @property
    def _pool(self) -> Pool:
        """An engine gets another one with `dispose()`."""
        return self._of.pool if isinstance(self._of, Engine) else self._of

    def _listeners(self) -> list[tuple[str, Callable[..., None]]]:
        return [
            ("checkout", self._on_checkout),
            ("checkin", self._on_return),
            ("detach", self._on_return),
            ("connect", self._on_connect),
            ("invalidate", self._on_invalidate),
        ]

    def _on_checkout(self, _driver: object, record: object, proxy: object) -> None:
        if (ledger := self._ledger) is not None:
            ledger.lent(ledger.request(), id(record), proxy)

    def _on_return(self, _driver: object, record: object) -> None:
        if (ledger := self._ledger) is not None:
            ledger.returned(id(record))

    def _on_connect(self, _driver: object, _record: object) -> None:
        with self._lock:
            self._opened += 1

    def _on_invalidate(self, _driver: object, _record: object, _error: object) -> None:
        with self._lock:
            self._lost += 1


def _bound(pool: Pool) -> int | None:
    """Size and overflow together. A queue pool shows its overflow's bound to nobody, but it has always had
    this name; without it there is no answer.
    """
    if not isinstance(pool, QueuePool) or pool.size() == 0:
        return None
    overflow = getattr(pool, "_max_overflow", -1)
    return None if overflow < 0 else pool.size() + overflow
