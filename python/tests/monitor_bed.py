"""What the tests of `connection_monitor` share: aliases on a throwaway server, and eyes on its sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django
import psycopg
from django.conf import settings
from django.db import connections

from connwarden.django.monitor import Monitor, connection_monitor

ALIAS = "monitored"
OTHER = "monitored_too"


@contextmanager
def aliases(bed: Any) -> Iterator[Any]:
    """Two aliases on `bed`, beside those of DATABASES; this thread's connection of the first, closed."""
    if not settings.configured:
        settings.configure(DATABASES={}, USE_TZ=True, ALLOWED_HOSTS=["*"])
        django.setup()
    for name in (ALIAS, OTHER):
        connections.settings[name] = _entry(bed)
    connection = connections[ALIAS]
    with psycopg.connect(bed.server, autocommit=True) as admin:
        admin.execute("create table if not exists item (id int, name text)")
        admin.execute("truncate item")
        admin.execute("grant all on item to public")
    try:
        yield connection
    finally:
        for name in (ALIAS, OTHER):
            connections[name].close()
            del connections[name]
            del connections.settings[name]


def _entry(bed: Any) -> dict[str, Any]:
    door = "SERVER" if bed.direct else "PROXY"
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": bed.database,
        "USER": "app",
        "PASSWORD": "",
        "HOST": bed.facts[f"{door}_HOST"],
        "PORT": bed.facts[f"{door}_PORT"],
        "OPTIONS": {},
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": False,
        "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False,
        "TIME_ZONE": None,
        "TEST": {"CHARSET": None, "COLLATION": None, "MIGRATE": True, "MIRROR": None, "NAME": None},
    }


def ask(connection: Any, sql: Any, params: Any = None) -> Any:
    """One value, by a cursor of Django."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return None if row is None else row[0]


def query_of(bed: Any, pid: int, state: str = "active") -> str:
    """What pg_stat_activity shows of a session, as soon as it is in `state`."""
    with psycopg.connect(bed.server, autocommit=True) as admin:

        def look() -> str | None:
            row = admin.execute(
                "select query from pg_stat_activity where pid = %s and state = %s", (pid, state)
            ).fetchone()
            return row[0] if row else None

        return str(until(look))


def until(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The first true answer of `condition`."""
    give_up = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < give_up, f"{condition} did not come true within {seconds} s"
        time.sleep(0.005)


def watched(connection: Any) -> bool:
    """Whether the monitor's wrapper is on a connection."""
    return any(
        type(getattr(one, "__self__", None)).__name__ == "Watch" for one in connection.execute_wrappers
    )


def psycopg_3() -> bool:
    """Which driver Django has chosen."""
    from django.db.backends.postgresql import psycopg_any

    return bool(psycopg_any.is_psycopg3)


def quiet(operation: str = "op", **arguments: Any) -> Monitor:
    """Without a look at the server."""
    return connection_monitor(operation, utilization=False, **arguments)
