"""What settings alone show. Each function looks at one entry of DATABASES; nothing here asks anybody
anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Caution

from ..conf import Conf
from ..environment import ENGINE
from .surroundings import Surroundings

_DJANGOS = ("django.db.backends.postgresql", "django.contrib.gis.db.backends.postgis")
_MISLAID = ("MAX_CONNS", "DB_MAX_CONNS", "MAX_CONNECTIONS")
_TRANSACTION = ("transaction", "connwarden")

# Ports that are a pooler's by custom: PgBouncer's and connwarden's, and the one of a well-known hosted
# pooler. 5433 is none of them: it is where a second PostgreSQL of the same machine listens.
_PORTS = {"6432": "the custom of PgBouncer and connwarden", "6543": "the custom of hosted poolers"}


def of_entry(alias: str, entry: Mapping[str, Any], around: Surroundings, conf: Conf) -> list[CheckMessage]:
    """All of them for one entry; nothing for other databases than PostgreSQL."""
    if not is_postgresql(entry):
        return []
    found = (
        _limit_without_effect(alias, entry),
        _age_with_asgi(alias, entry, around),
        _cursors_through_pooler(alias, entry),
        _nameless(alias, entry, around),
        _more_than_allowed(alias, entry, around, conf),
    )
    return [message for message in found if message is not None]


def of_pools(entries: Mapping[str, Mapping[str, Any]], around: Surroundings) -> list[CheckMessage]:
    """W006: pools that were opened while the application was loaded, where workers are forked afterwards."""
    preload = around.preload()
    if preload is None:
        return []
    return [
        _caution(
            6,
            f"The pool of {alias!r} is open already, and {preload}: every worker inherits a pool whose "
            "threads are gone, and whose connections are the other workers' as well.",
            "Let nothing ask the database while the application is loaded (AppConfig.ready(), module "
            f"level), or take ENGINE = {ENGINE!r}, whose workers start with pools of their own, or import "
            "post_fork from connwarden.django.lifecycle into gunicorn.conf.py.",
            alias,
        )
        for alias in sorted(around.open_pools)
        if alias in entries and entries[alias].get("ENGINE") != ENGINE
    ]


def is_postgresql(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is Django's PostgreSQL, PostGIS or ours."""
    return entry.get("ENGINE") in (*_DJANGOS, ENGINE)


def per_process(entry: Mapping[str, Any], around: Surroundings) -> tuple[int, str] | None:
    """Connections that one process may open, and by what; `None` where nothing bounds them."""
    options = entry.get("OPTIONS") or {}
    pool = options.get("pool")
    if isinstance(pool, Mapping) and isinstance(pool.get("max_size"), int):
        return pool["max_size"], "OPTIONS['pool']['max_size']"
    limit = entry.get("MAX_CONNS") or options.get("MAX_CONNS")
    if isinstance(limit, int) and entry.get("ENGINE") == ENGINE:
        return limit, "MAX_CONNS"
    if pool is True:
        return 4, "OPTIONS['pool'] = True, which is 4"
    threads = around.threads()
    return None if threads is None or around.asgi() else (threads, "one for each of gunicorn's threads")


def processes(around: Surroundings, conf: Conf) -> tuple[int, str] | None:
    """How many processes this service has, and who says so."""
    return (conf.workers, "CONNWARDEN['WORKERS']") if conf.workers is not None else around.workers()


def _limit_without_effect(alias: str, entry: Mapping[str, Any]) -> CheckMessage | None:
    options = entry.get("OPTIONS") or {}
    beside = [key for key in entry if str(key).upper() in _MISLAID]
    within = [key for key in options if str(key).upper() in _MISLAID]
    if entry.get("ENGINE") == ENGINE:
        beside = [key for key in beside if key != "MAX_CONNS"]
        within = [key for key in within if key != "MAX_CONNS"]
    if not beside and not within:
        return None
    key = (beside + within)[0]
    if beside:
        what = f"{key!r} in DATABASES[{alias!r}] has no effect: the engine does not know it and says nothing."
    else:
        what = (
            f"{key!r} in the OPTIONS of DATABASES[{alias!r}] goes to libpq, which refuses to connect with it."
        )
    pool = "on Django 5.1 and psycopg 3, OPTIONS['pool'] = {'max_size': ...} with CONN_MAX_AGE = 0"
    ours = f"ENGINE = {ENGINE!r}, which holds MAX_CONNS (and connwarden.django.config() sets); or, "
    # There is no engine of ours for PostGIS.
    return _caution(1, what, f"Set {'' if entry.get('ENGINE') == _DJANGOS[1] else ours}{pool}.", alias)


def _age_with_asgi(alias: str, entry: Mapping[str, Any], around: Surroundings) -> CheckMessage | None:
    age, sign = entry.get("CONN_MAX_AGE", 0), around.asgi()
    if age == 0 or sign is None:
        return None
    return _caution(
        2,
        f"DATABASES[{alias!r}] has CONN_MAX_AGE = {age!r}, and requests come by ASGI ({sign}): each request "
        "has a thread of its own, so no connection is ever used again, and those that are left over stay "
        "open.",
        "Set CONN_MAX_AGE = 0, and OPTIONS['pool'] (DB_POOL=on for connwarden.django.config()) if opening "
        "connections costs too much.",
        alias,
    )


def _cursors_through_pooler(alias: str, entry: Mapping[str, Any]) -> CheckMessage | None:
    if entry.get("DISABLE_SERVER_SIDE_CURSORS"):
        return None
    pooler, port = entry.get("POOLER"), str(entry.get("PORT") or "")
    if pooler is not None:
        # Somebody has said what stands there; a port is no better witness.
        sign = f"POOLER is {pooler!r}" if pooler in _TRANSACTION else None
    else:
        sign = f"port {port} is, by {_PORTS[port]}, a pooler's" if port in _PORTS else None
    if sign is None:
        return None
    return _caution(
        3,
        f"DATABASES[{alias!r}] goes through a pooler ({sign}) without DISABLE_SERVER_SIDE_CURSORS: where it "
        "pools transactions, QuerySet.iterator() outside of one fails with 'cursor ... does not exist'.",
        "Set DISABLE_SERVER_SIDE_CURSORS = True. Where there is no pooler, or it pools sessions, say so: "
        "POOLER = 'none' or 'session' (DB_POOLER for connwarden.django.config()).",
        alias,
    )


def _nameless(alias: str, entry: Mapping[str, Any], around: Surroundings) -> CheckMessage | None:
    options = entry.get("OPTIONS") or {}
    named = ("application_name", "fallback_application_name", "service")
    if any(options.get(key) for key in named) or "application_name" in str(options.get("options", "")):
        return None
    if any(around.environ.get(key) for key in ("PGAPPNAME", "PGSERVICE")):
        return None
    return _caution(
        4,
        f"DATABASES[{alias!r}] sends no application_name: nobody can tell on the server whose connections "
        "these are.",
        "Set OPTIONS['application_name'] to the service's name, or the variable PGAPPNAME in its "
        "environment.",
        alias,
    )


def _more_than_allowed(
    alias: str, entry: Mapping[str, Any], around: Surroundings, conf: Conf
) -> CheckMessage | None:
    allowed = conf.allowed(alias)
    return (
        None if allowed is None else too_many(alias, entry, around, conf, allowed, "CONNWARDEN['ALLOWANCE']")
    )


def too_many(
    alias: str, entry: Mapping[str, Any], around: Surroundings, conf: Conf, budget: int, whose: str
) -> CheckMessage | None:
    """W005: the processes together may open more than there is for them."""
    each, count = per_process(entry, around), processes(around, conf)
    if each is None or count is None or each[0] * count[0] <= budget:
        return None
    return _caution(
        5,
        f"The processes of {alias!r} may open {each[0] * count[0]} connections together, and there are "
        f"{budget} for them ({whose}): {count[0]} processes ({count[1]}) of {each[0]} ({each[1]}).",
        f"At most {budget // count[0]} for each of {count[0]} processes: lower DB_MAX_CONNS or the number "
        "of processes, or put connwarden's proxy in front. `connwarden plan check` counts the other "
        "services as well, and a rollout.",
        alias,
    )


def _caution(number: int, text: str, hint: str, alias: str) -> CheckMessage:
    return Caution(text, hint=hint, obj=f"DATABASES[{alias!r}]", id=f"connwarden.W{number:03}")
