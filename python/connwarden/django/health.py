"""`check_connection_health()`: how full the server is, for programs. Never logs, never acts."""

from __future__ import annotations

import copy
import json
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, TypedDict

from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import connections

from .._core import ConnwardenError, Report, Server, failure
from . import held, hooks, looking
from .conf import Conf, conf

KEPT_S = 1.0
"""A look is good for so long: a storm of callers makes one."""

PATIENCE_S = 10.0
"""A caller waits no longer for the look of another."""

# What is no news of a server.
_OURS = (ImproperlyConfigured, SynchronousOnlyOperation, looking.NotPostgreSQL)

Status = Literal["ok", "warning", "critical", "unknown"]
Way = Callable[[str], AbstractContextManager[Server]]


class Application(TypedDict):
    """Sessions of one application name."""

    application: str
    total: int
    states: dict[str, int]


class PostgresqlInfo(TypedDict):
    """The server. Numbers are sessions; percentages are of `max_connections`, and of the usable slots."""

    total_connections: int
    active_connections: int
    idle_connections: int
    idle_in_transaction: int
    max_connections: int
    usable_connections: int
    utilization_percent: float
    utilization_of_usable_percent: float
    level: Status
    connections_by_application: list[Application]


class DjangoInfo(TypedDict):
    """This process."""

    alias: str
    conn_max_age: int | None
    pool: dict[str, int] | None
    open_in_this_process: int


class Health(TypedDict):
    """What a look found. `error` is None, or `code`, `sqlstate`, `message` and `hint`; then `postgresql_info` is of the last
    look that succeeded (zeros without one), except that a server that refused for want of a slot is 100 % full."""

    healthy: bool
    status: Status
    postgresql_info: PostgresqlInfo
    django_info: DjangoInfo
    checks: list[dict[str, Any]]
    error: dict[str, Any] | None


class _Looks:
    """The last look at one alias, and the lock of whoever makes the next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.looker: int | None = None
        self.health: Health | None = None
        self.at = -KEPT_S
        self.seen: PostgresqlInfo | None = None


_looks: dict[str, _Looks] = {}


def check_connection_health(
    alias: str | None = None,
    *,
    raise_on_error: bool = False,
    max_age: float = KEPT_S,
    way: Way | None = None,
) -> Health:
    """How the server behind an alias stands.

    `alias`: an entry of DATABASES; without it `CONNWARDEN["ADMIN_ALIAS"]`, else `default`. A look that is younger than
    `max_age` seconds is given again. `CONNWARDEN`'s hooks hear of each new look.

    A server that cannot be looked at is a `status` (`critical` where it is full, else `unknown`), not an exception;
    with `raise_on_error` it is a `ConnwardenError`. `ImproperlyConfigured` and `NotPostgreSQL` are raised in any case.
    """
    alias = looking.alias_of(alias)
    settings = conf()
    looks = _looks.setdefault(alias, _Looks())
    me = threading.get_ident()
    # Somebody who asks out of a look would wait for himself, and a server that hangs shall not hold everybody.
    if looks.looker == me or not looks.lock.acquire(timeout=PATIENCE_S):
        return _meanwhile(alias, looks)
    try:
        looks.looker = me
        kept = looks.health
        fresh = kept is not None and time.monotonic() - looks.at < max_age
        if kept is not None and fresh and not (raise_on_error and kept["error"]):
            return copy.deepcopy(kept)
        try:
            health = _found(alias, _looked(alias, way or _usual, settings))
            looks.seen = health["postgresql_info"]
        except _OURS:
            raise
        except Exception as error:
            if raise_on_error:
                raise
            health = _failed(alias, error, looks.seen)
        looks.health, looks.at = health, time.monotonic()
    finally:
        looks.looker = None
        looks.lock.release()
    hooks.report(dict(health))
    return copy.deepcopy(health)


def _looked(alias: str, way: Way, settings: Conf) -> Report:
    """A report. A connection that was open before may have been ended meanwhile: then over a new one."""
    try:
        with way(alias) as server:
            return server.health(thresholds=settings.thresholds)
    except ConnwardenError as error:
        # The driver's own error is the cause where there was a connection.
        if error.__cause__ is None or error.code != "network":
            raise
    with way(alias) as server:
        return server.health(thresholds=settings.thresholds)


def _meanwhile(alias: str, looks: _Looks) -> Health:
    """What is known while somebody else looks."""
    if looks.health is not None:
        return copy.deepcopy(looks.health)
    late = failure("timeout", f"no look at the server within {PATIENCE_S:.0f} s")
    return _failed(alias, late, looks.seen)


def held_health(alias: str | None = None) -> Health:
    """The same over the connection that this process holds for looks: for those who look again and again."""
    return check_connection_health(alias, way=held.over)


def forget() -> None:
    """Forgets all looks: the next is a new one. For tests, and after a fork."""
    global _looks
    _looks = {}


# A lock that another thread held at the fork would never be let go.
os.register_at_fork(after_in_child=forget)


def _usual(alias: str) -> AbstractContextManager[Server]:
    return looking.server(alias, application="connwarden health")


def _found(alias: str, report: Report) -> Health:
    document = json.loads(report.json())
    status = document["status"]
    totals, share, limits = status["totals"], status["utilization"], status["limits"]
    info = PostgresqlInfo(
        total_connections=totals["total"],
        active_connections=totals["active"],
        idle_connections=totals["idle"],
        idle_in_transaction=totals["idle_in_transaction"],
        max_connections=limits["max_connections"],
        usable_connections=limits["usable"],
        utilization_percent=share["of_max_percent"],
        utilization_of_usable_percent=share["of_usable_percent"],
        level=share["level"],
        connections_by_application=[
            Application(application=group["key"]["app"], total=group["total"], states=group["states"])
            for group in status["groups"]
        ],
    )
    return Health(
        healthy=report.level in ("ok", "warning"),
        status=report.level,
        postgresql_info=info,
        django_info=_django_info(alias),
        checks=document["checks"],
        error=None,
    )


def _failed(alias: str, error: Exception, seen: PostgresqlInfo | None) -> Health:
    told = ConnwardenError
    code = error.code if isinstance(error, told) else "network"
    full = code == "server_full"
    info: PostgresqlInfo = seen or PostgresqlInfo(
        total_connections=0,
        active_connections=0,
        idle_connections=0,
        idle_in_transaction=0,
        max_connections=0,
        usable_connections=0,
        utilization_percent=0.0,
        utilization_of_usable_percent=0.0,
        level="unknown",
        connections_by_application=[],
    )
    status: Status = "critical" if full else "unknown"
    info = {**info, "level": status}
    if full:
        most = info["max_connections"]
        info = {
            **info,
            "utilization_percent": 100.0,
            "utilization_of_usable_percent": 100.0,
            "total_connections": most,
        }
    return Health(
        healthy=False,
        status=status,
        postgresql_info=info,
        django_info=_django_info(alias),
        checks=[],
        error={
            "code": code,
            "sqlstate": error.sqlstate if isinstance(error, told) else None,
            "message": str(error).strip(),
            "hint": error.hint if isinstance(error, told) else None,
        },
    )


def _django_info(alias: str) -> DjangoInfo:
    connection = connections[alias]
    pool = (
        getattr(connection, "pool", None) if "pool" in connection.settings_dict.get("OPTIONS", {}) else None
    )
    stats = pool.get_stats() if pool is not None else None
    if stats is not None:
        opened = stats.get("pool_size", 0)
    else:
        opened = sum(one.connection is not None for one in connections.all(initialized_only=True))
    return DjangoInfo(
        alias=alias,
        conn_max_age=connection.settings_dict.get("CONN_MAX_AGE"),
        pool=stats,
        open_in_this_process=opened,
    )
