"""Django's PostgreSQL backend, with `MAX_CONNS` held: `ENGINE = "connwarden.django.postgresql"`.

What a connection does is Django's own business. This module only says who may open one, and gives back what
is left.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any

import django
from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.utils.asyncio import async_unsafe

from connwarden.breaker import BreakerOpen

from . import process, refusals, wanted
from .lease import Lease, State, Terms
from .ledger import Ledger, LimitReached

_HAS_POOL = django.VERSION >= (5, 1)

if _HAS_POOL:
    process.pools_live_in(vars(base.DatabaseWrapper)["_connection_pools"])


class DatabaseWrapper(base.DatabaseWrapper):
    """A thread's connection of one alias. Beside Django's errors, opening one raises `OperationalError`
    where the limit stays reached for `MAX_CONNS_TIMEOUT` seconds, or the breaker is open.
    """

    def __init__(self, settings_dict: dict[str, Any], alias: str = DEFAULT_DB_ALIAS) -> None:
        super().__init__(settings_dict, alias)
        self._lease: Lease | None = None
        if _HAS_POOL:
            self._bound_pool()

    # Opening

    def get_connection_params(self) -> dict[str, Any]:
        """What the driver is told: Django's, without this backend's own keys, and with the process in the
        name.
        """
        params: dict[str, Any] = super().get_connection_params()
        for key in wanted.KEYS:
            params.pop(key, None)
        if not _HAS_POOL:
            # Django before 5.1 has no pool, and would hand the key to libpq.
            params.pop("pool", None)
        name = params.get("application_name")
        if isinstance(name, str):
            params["application_name"] = name.replace("{pid}", str(os.getpid()))
        return params

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection of the driver, once there is room for it."""
        policy = wanted.breaker(self.settings_dict, self.alias)
        try:
            if policy is None:
                return self._open(conn_params)
            breaker = process.breaker(self.alias, policy)
            return breaker.call(lambda: self._open(conn_params), refusals.will_pass)
        except LimitReached as why:
            raise refusals.limit_reached(why, pooled=self._pool() is not None) from None
        except BreakerOpen as why:
            raise refusals.breaker_open(why) from None

    def _open(self, conn_params: dict[str, Any]) -> Any:
        pool = self._pool()
        ledger = self._ledger()
        if pool is None:
            limit = wanted.max_conns(self.settings_dict, self.alias) or self._unused_pool_size()
            timeout_s = wanted.max_conns_timeout_s(self.settings_dict, self.alias)
        else:
            limit, timeout_s = pool.max_size, pool.timeout
        lease = ledger.acquire(limit, timeout_s)
        try:
            raw = self._connected(conn_params, pool)
            terms = Terms(
                release=_close if pool is None else _give_back,
                shared=_sharing(self),
                watched=pool is None and limit is not None,
                kept=pool is not None,
            )
            try:
                ledger.opened(lease, raw, terms)
            except BaseException:
                terms.release(raw)
                raise
        except BaseException:
            ledger.closed(lease)
            raise
        self._lease = lease
        return raw

    def _connected(self, conn_params: dict[str, Any], pool: Any | None) -> Any:
        if pool is None:
            return super().get_new_connection(conn_params)
        from psycopg_pool import PoolTimeout

        try:
            return super().get_new_connection(conn_params)
        except PoolTimeout as why:
            raise refusals.pool_is_dry(self.alias, pool.timeout) from why

    def _configure_connection(self, connection: Any) -> bool:
        if self._pool_wanted():
            process.pooled(connection)
        return bool(super()._configure_connection(connection))  # type: ignore[misc]

    # Using

    @async_unsafe
    def ensure_connection(self) -> None:
        """A connection is there afterwards: the one that was, or a new one where it was taken for somebody
        else.
        """
        self._claim()
        super().ensure_connection()

    def close_if_health_check_failed(self) -> None:
        """As Django's."""
        self._claim()
        super().close_if_health_check_failed()

    def close_if_unusable_or_obsolete(self) -> None:
        """As Django's, at the beginning and the end of a request. What stays open may go to somebody who
        waits.
        """
        self._claim()
        super().close_if_unusable_or_obsolete()
        lease = self._lease
        if lease is None or self.connection is None or self.in_atomic_block or self.allow_thread_sharing:
            return
        if self.autocommit:
            self._ledger().park(lease)

    def _commit(self) -> None:
        self._claim()
        super()._commit()  # type: ignore[misc]

    def _rollback(self) -> None:
        self._claim()
        super()._rollback()  # type: ignore[misc]

    def _close(self) -> None:
        self._claim()
        lease, self._lease = self._lease, None
        try:
            super()._close()  # type: ignore[misc]
        finally:
            if lease is not None:
                self._ledger().closed(lease)

    def _claim(self) -> None:
        lease = self._lease
        # Asked for every cursor: in use already is the usual answer, and nobody but this thread changes that.
        if lease is None or lease.state is State.HELD or self._ledger().claim(lease):
            return
        # Somebody who waited has it now, or, after a fork, it is the parent's.
        self._lease = None
        if self.in_atomic_block:
            # As where the server has gone: nothing may be asked until the block has ended.
            self.closed_in_transaction = True
            self.needs_rollback = True
        else:
            self.connection = None

    # Within

    def _ledger(self) -> Ledger:
        return process.ledger(self.alias)

    def _pool_wanted(self) -> bool:
        return _HAS_POOL and self.alias != NO_DB_ALIAS and bool(self.settings_dict["OPTIONS"].get("pool"))

    def _pool(self) -> Any | None:
        return self.pool if self._pool_wanted() else None

    def _unused_pool_size(self) -> int | None:
        """The limit of a pool that this Django does not have."""
        options = None if _HAS_POOL else self.settings_dict["OPTIONS"].get("pool")
        return options.get("max_size") if isinstance(options, dict) else None

    def _bound_pool(self) -> None:
        """Where there is a pool, MAX_CONNS is its size. In place: Django's other threads read the same
        dictionary.
        """
        limit = wanted.max_conns(self.settings_dict, self.alias)
        options = self.settings_dict["OPTIONS"]
        if limit is None or not options.get("pool"):
            return
        pool = {} if options["pool"] is True else dict(options["pool"])
        if pool.setdefault("max_size", limit) != limit:
            raise wanted.conflict(self.alias, limit, pool["max_size"])
        # The pool's own default of 4 would be refused beside a smaller limit.
        pool["min_size"] = min(pool.get("min_size", 0), limit)
        pool.setdefault("timeout", wanted.max_conns_timeout_s(self.settings_dict, self.alias))
        options["pool"] = pool


def _close(raw: Any) -> None:
    raw.close()


def _give_back(raw: Any) -> None:
    # As Django itself does it: the pool that the connection came from.
    pool = raw._pool
    if pool is not None:
        pool.putconn(raw)


def _sharing(wrapper: DatabaseWrapper) -> Callable[[], bool]:
    reference = weakref.ref(wrapper)

    def shared() -> bool:
        found = reference()
        return found is not None and found.allow_thread_sharing

    return shared
