"""A watch over one pool: what a program holds in its hand."""

from __future__ import annotations

import dataclasses
import importlib
import threading
import time
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .adapter import Adapter, NotTracedError
from .ledger import Ledger, log
from .sampling import choice
from .shape import Borrowed, PoolStats

_ADAPTERS = {
    "asyncpg": ("connwarden.pools.asyncpg", "AsyncpgAdapter"),
    "psycopg_pool": ("connwarden.pools.psycopg", "PsycopgAdapter"),
    "sqlalchemy": ("connwarden.pools.sqlalchemy", "SqlalchemyAdapter"),
}
"""By the top-level package that a pool's class, or one of its bases, comes from."""


class Watched:
    """One pool under watch; made by `watch`. A context manager that stops at its end."""

    def __init__(self, adapter: Adapter, ledger: Ledger, every: float | None) -> None:
        self._adapter = adapter
        self._ledger = ledger
        self._over = threading.Event()
        adapter.attach(ledger)
        if every is not None:
            # Knows the watch weakly: a watch that is let go of takes its thread with it.
            beat = threading.Thread(
                target=_look_every,
                args=(weakref.ref(self), self._over, every),
                name=f"connwarden-{ledger.name}",
                daemon=True,
            )
            beat.start()

    @property
    def name(self) -> str:
        """The name under which the pool is told."""
        return self._ledger.name

    @property
    def traced(self) -> bool:
        """Whether checkouts are seen. Where not, `stats()` works and the rest raises `NotTracedError`."""
        return self._adapter.untraced is None

    def stats(self) -> PoolStats:
        """The numbers now. Looks for leaks, too."""
        if not self.traced:
            return self._adapter.stats(self.name, 0)
        leaks = sum(one.leak for one in self._ledger.look())
        ledger = self._ledger
        return dataclasses.replace(
            self._adapter.stats(self.name, len(ledger)),
            lent_total=ledger.lent_total,
            leaks=leaks,
            leaks_total=ledger.leaks_total,
            abandoned_total=ledger.abandoned_total,
            overlooked_total=ledger.overlooked_total,
        )

    def borrowed(self) -> list[Borrowed]:
        """All traced checkouts that are out, the longest first. Raises `NotTracedError`."""
        if (instead := self._adapter.untraced) is not None:
            raise NotTracedError(f"the pool {self.name!r} tells numbers only: {instead}")
        return self._ledger.look()

    def leaks(self) -> list[Borrowed]:
        """Those that are out for longer than `leak_after`. Raises `NotTracedError`."""
        return [one for one in self.borrowed() if one.leak]

    def stop(self) -> None:
        """Ends the watch: nothing of it stays at the pool, and what is out is forgotten. Again: nothing
        happens.
        """
        if not self._over.is_set():
            self._over.set()
            self._adapter.detach()
            self._ledger.clear()

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Watched {self.name!r}, {len(self._ledger)} out>"


def watch(
    pool: Any,
    *,
    name: str | None = None,
    leak_after: float = 30.0,
    sample: float = 0.1,
    seed: int | None = None,
    every: float | None = None,
    limit: int = 1000,
    clock: Callable[[], float] = time.monotonic,
) -> Watched:
    """Watches a pool of psycopg_pool or asyncpg, or an engine or pool of SQLAlchemy.

    `leak_after`: seconds; a checkout older than that is a leak. `sample`: the fraction of checkouts whose
    stack is taken, or a whole number N for every Nth; `seed` repeats the same choice. `every`: seconds
    between looks of a daemon thread; without it leaks are told when somebody looks. `limit`: checkouts on
    record at most. `clock`: monotonic seconds, for tests.

    Raises `TypeError` for any other object; `ValueError` for a bad number, or where the pool is watched
    already; `NotTracedError` for `every` on a pool whose checkouts can't be seen.
    """
    for word, number in (("leak_after", leak_after), ("every", every), ("limit", limit)):
        if number is not None and not number > 0:
            raise ValueError(f"{word} is a number above 0, not {number!r}")
    adapter = _adapter(pool)
    name = name or adapter.name
    if every is not None and (instead := adapter.untraced) is not None:
        raise NotTracedError(f"nothing to look for in the pool {name!r}: {instead}")
    ledger = Ledger(
        name,
        leak_after=leak_after,
        chosen=choice(sample, seed),
        limit=limit,
        clock=clock,
        who=adapter.who,
        closed=adapter.closed,
    )
    return Watched(adapter, ledger, every)


def _adapter(pool: object) -> Adapter:
    """By name, so that no library is loaded that the program does not use."""
    for base in type(pool).__mro__:
        found = _ADAPTERS.get(base.__module__.partition(".")[0])
        if found is not None:
            module, name = found
            kind = getattr(importlib.import_module(module), name)
            if isinstance(pool, kind.of):
                made: Adapter = kind(pool)
                return made
    kinds = "a pool of psycopg_pool, a pool of asyncpg, or an engine or pool of SQLAlchemy"
    raise TypeError(f"watch takes {kinds}, not a {type(pool).__name__}")


def _look_every(watched: weakref.ref[Watched], over: threading.Event, every: float) -> None:
    while not over.wait(every):
        one = watched()
        if one is None:
            return
        try:
            one.leaks()
        except Exception:
            log.exception("a look at a pool failed", extra={"pool": one.name})
        del one
