"""What only a database can tell. A server that does not answer is no finding of these checks: other ones
say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.checks import CheckMessage
from django.core.checks import Warning as Caution
from django.db import connections
from django.db.utils import Error

from ..conf import Conf
from .pitfalls import is_postgresql, too_many
from .surroundings import Surroundings

_SUPERUSER = "select rolname, rolsuper from pg_roles where rolname = session_user"

# A role of the server may have 0 to reserve before version 16.
_ROOM = """
    select current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int
        - coalesce(current_setting('reserved_connections', true), '0')::int,
      (select rolconnlimit from pg_roles where rolname = session_user),
      (select datconnlimit from pg_database where datname = current_database())
"""


def role(alias: str) -> list[CheckMessage]:
    """W007: the application logs in as a superuser."""
    row = _row(alias, _SUPERUSER)
    if row is None or not row[1]:
        return []
    return [
        Caution(
            f"The application logs in to {alias!r} as {row[0]!r}, a superuser: it can take the slots that "
            "are kept for administrators, so that nobody gets in when the server is full; and no limit of "
            "a role holds for it.",
            hint="Give the application a role of its own: CREATE ROLE wall LOGIN PASSWORD '...'; make it the "
            "owner of what it needs; and set USER to it.",
            obj=f"DATABASES[{alias!r}]",
            id="connwarden.W007",
        )
    ]


def size(alias: str, entry: Mapping[str, Any], around: Surroundings, conf: Conf) -> list[CheckMessage]:
    """W005 by the server's limits, where no allowance is given: that one is smaller, and says more."""
    if conf.allowed(alias) is not None:
        return []
    row = _row(alias, _ROOM)
    if row is None:
        return []
    limits = (
        (row[0], "max_connections less what is reserved"),
        (row[1], "the role's connection limit"),
        (row[2], "the database's connection limit"),
    )
    # A negative one is none.
    budget, whose = min(
        (limit for limit in limits if limit[0] is not None and limit[0] >= 0), key=lambda one: one[0]
    )
    found = too_many(alias, entry, around, conf, budget, whose)
    return [] if found is None else [found]


def _row(alias: str, sql: str) -> Any | None:
    connection = connections[alias]
    if not is_postgresql(connection.settings_dict):
        return None
    try:
        # Closes what it has opened: a check leaves nothing behind.
        with connection.temporary_connection() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()
    except Error:
        return None
