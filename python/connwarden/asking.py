"""Looking at a server over a connection that is already there: psycopg 3's or psycopg2's.

The driver is used bare: nothing of what a framework has put around it (logs of statements, wrappers) sees these questions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ._core import Server

Answer = tuple[list[str], list[list[str | None]]]

_SAVEPOINT = "connwarden_look"
_IDLE, _FAILED = 0, 3  # libpq's transaction status, alike in both drivers


def over(connection: Any) -> Server:
    """A server, looked at over an open connection of psycopg 3 or psycopg2.

    The connection is left as it was: without a transaction where there was none, in the same one where there was one.
    Not to be used by another thread meanwhile, as ever with these drivers.
    """
    info = connection.info
    version: int = info.server_version
    return Server.over(asking(connection), place(info.host, info.port), version // 10_000)


def asking(connection: Any) -> Callable[[list[str]], list[Answer]]:
    """The function that puts statements over a connection."""
    bring = _bring if hasattr(connection, "pgconn") and hasattr(connection, "execute") else _bring2

    def ask(statements: list[str]) -> list[Answer]:
        status = connection.info.transaction_status
        if status == _FAILED:
            raise RuntimeError(
                "the connection is in a failed transaction, in which no statement runs: roll it back first"
            )
        if status != _IDLE:
            return _within(connection, bring, statements)
        try:
            return bring(connection, statements)
        finally:
            if not connection.autocommit and not connection.closed:
                connection.rollback()

    return ask


def place(host: str | None, port: int | str | None) -> str:
    """What reports call a server."""
    host = host or "local"
    if host.startswith("/"):
        return f"{host}/.s.PGSQL.{port or 5432}"
    return f"[{host}]:{port or 5432}" if ":" in host else f"{host}:{port or 5432}"


def _within(
    connection: Any, bring: Callable[[Any, list[str]], list[Answer]], statements: list[str]
) -> list[Answer]:
    """Inside somebody's transaction: a refusal must not fail it, and what was seen earlier in it is forgotten, since a
    transaction sees the activity of its first look."""
    with connection.cursor() as cursor:
        cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        try:
            cursor.execute("SELECT pg_catalog.pg_stat_clear_snapshot()")
            return bring(connection, statements)
        except BaseException:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            raise
        finally:
            cursor.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}")


def _bring(connection: Any, statements: list[str]) -> list[Answer]:
    """psycopg 3: all in one round trip, values as the server wrote them."""
    from psycopg import Cursor

    answers: list[Answer] = []
    encoding = connection.info.encoding
    # A cursor of the plain kind, whatever kind the connection makes.
    with Cursor(connection) as cursor:
        cursor.execute(";".join(statements).encode(encoding), prepare=False)
        while True:
            answers.append(_texts(cursor.pgresult, encoding))
            if not cursor.nextset():
                return answers


def _texts(result: Any, encoding: str) -> Answer:
    columns = range(result.nfields)
    names = [result.fname(column).decode(encoding, "replace") for column in columns]

    def text(row: int, column: int) -> str | None:
        value: bytes | None = result.get_value(row, column)
        return None if value is None else bytes(value).decode(encoding, "replace")

    return names, [[text(row, column) for column in columns] for row in range(result.ntuples)]


def _bring2(connection: Any, statements: list[str]) -> list[Answer]:
    """psycopg2: one after another, for it keeps only the last of several results."""
    from psycopg2.extensions import cursor as plain

    answers: list[Answer] = []
    with connection.cursor(cursor_factory=plain) as cursor:
        for statement in statements:
            # Without parameters, a percent sign is only that.
            cursor.execute(statement)
            names = [column.name for column in cursor.description]
            answers.append((names, [[_text(value) for value in row] for row in cursor.fetchall()]))
    return answers


def _text(value: Any) -> str | None:
    """A value as PostgreSQL would have written it."""
    match value:
        case None:
            return None
        case bool():
            return "t" if value else "f"
        case list():
            return "{" + ",".join("NULL" if one is None else str(_text(one)) for one in value) + "}"
        case _:
            return str(value)
