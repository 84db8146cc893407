"""Which server a project means, and the way to it: over a connection of Django's, or, where none gets in, over the ways
in that the commands know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import OperationalError

from .._core import Server, failure
from ..asking import asking, over
from .conf import conf
from .postgresql import wanted
from .postgresql.refusals import BreakerIsOpen

# Words of a connection string that an entry of DATABASES may hold in its OPTIONS. Whatever else stands there is Django's or
# the driver's own.
_WORDS = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "gssencmode",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "options",
        "passfile",
        "require_auth",
        "service",
        "sslcert",
        "sslcertmode",
        "sslcrl",
        "sslkey",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "sslmode",
        "sslnegotiation",
        "sslrootcert",
        "sslsni",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
_KEYS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


class NotPostgreSQL(ValueError):
    """The alias is of another kind of database."""


def alias_of(alias: str | None) -> str:
    """The alias that looks: the one given, else `CONNWARDEN["ADMIN_ALIAS"]`, else `default`.

    Raises `NotPostgreSQL` where that is another kind of database, and Django's `ConnectionDoesNotExist`.
    """
    alias = alias or conf().admin_alias or "default"
    vendor = connections[alias].vendor
    if vendor != "postgresql":
        raise NotPostgreSQL(f"DATABASES[{alias!r}] is {vendor}: there is nothing of PostgreSQL to look at")
    return alias


@contextmanager
def server(alias: str | None = None, *, application: str, wait_slot: float | None = None) -> Iterator[Server]:
    """A server to look at, over this thread's connection of the alias. One that was not open is closed again where Django
    would not keep it either, and where it is the administrator's: a look shall cost no slot for longer than it takes.

    Where Django's login is refused, `connwarden.Server.connect` tries every way in, with the alias's own credentials; a
    `ConnwardenError` says why none was open.
    """
    alias = alias_of(alias)
    connection = connections[alias]
    _drop_dead(connection)
    age = connection.settings_dict.get("CONN_MAX_AGE", 0)
    stays = connection.connection is not None or (age != 0 and alias != conf().admin_alias)
    try:
        connection.ensure_connection()
    except OperationalError as error:
        if isinstance(error, BreakerIsOpen):
            # Whoever opened it wants the server left alone.
            raise failure(
                "network", str(error), "the breaker closes by itself once the server lets somebody in"
            ) from error
        own = Server.connect(dsn(connection), application=application, wait_slot=wait_slot)
        try:
            yield own
        finally:
            own.close()
        return
    try:
        yield over(connection.connection)
    finally:
        _drop_dead(connection)
        if not stays and not connection.in_atomic_block:
            connection.close()


def _drop_dead(connection: BaseDatabaseWrapper) -> None:
    """The driver knows that it is gone, and Django does not: the questions went past Django."""
    raw = connection.connection
    if raw is not None and raw.closed and not connection.in_atomic_block:
        connection.close()


def is_pooled(alias: str) -> bool:
    """Whether somebody stands between this thread's open connection of the alias and the server: a pooler makes up the
    process id that it announces."""
    connection = connections[alias].connection
    if connection is None or connection.info.transaction_status != 0:
        return False
    [(_, [[backend]])] = asking(connection)(["SELECT pg_catalog.pg_backend_pid()"])
    return str(connection.info.backend_pid) != backend


def apart(alias: str) -> BaseDatabaseWrapper:
    """A connection of the alias's settings that nobody else uses and no pool or limit knows of. Not open yet.

    Threads may pass it on, one at a time.
    """
    usual = connections[alias]
    settings: dict[str, Any] = dict(usual.settings_dict)
    own = {"pool", *wanted.KEYS}
    options = {key: value for key, value in settings.get("OPTIONS", {}).items() if key not in own}
    options["application_name"] = "connwarden health"
    settings = {key: value for key, value in settings.items() if key not in own} | {"OPTIONS": options}
    # The project's own engine, which may know how to log in; under a name that no limit is kept by.
    connection = type(usual)(settings, alias=f"{alias} (held)")
    connection.inc_thread_sharing()
    return connection


def dsn(connection: BaseDatabaseWrapper) -> str:
    """A connection string of an alias's settings. It holds the password: not to be logged."""
    settings: dict[str, Any] = connection.settings_dict
    words: dict[str, Any] = {
        word: settings[key] for key, word in _KEYS.items() if settings.get(key) not in (None, "")
    }
    options = settings.get("OPTIONS", {})
    words |= {word: value for word, value in options.items() if word in _WORDS and value not in (None, "")}
    return " ".join(f"{word}='{_quoted(value)}'" for word, value in words.items())


def _quoted(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("'", "\\'")
