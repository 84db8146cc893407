"""What `connection_monitor` leaves alone: wrappers of others, lost connections, what Django records."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.db import (
    InterfaceError,
    OperationalError,
    connections,
)
from django.test.utils import CaptureQueriesContext
from monitor_bed import ALIAS, OTHER, aliases, ask, psycopg_3, quiet, watched


@pytest.fixture
def connection(server: Any) -> Iterator[Any]:
    with aliases(server) as found:
        yield found
        assert not watched(found), "no wrapper is left behind"


def test_wrappers_of_others_see_each_statement_and_stay_in_order(connection: Any) -> None:
    seen: list[str] = []

    def theirs(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    connection.ensure_connection()
    with connection.execute_wrapper(theirs):
        m = quiet("within").__enter__()
        ask(connection, "SELECT 1")
    ask(connection, "SELECT 2")
    m.__exit__(None, None, None)
    with quiet(), connection.execute_wrapper(theirs):
        ask(connection, "SELECT 3")
    assert seen == ["/*op='within'*/ SELECT 1", "/*op='op'*/ SELECT 3"]
    assert connection.execute_wrappers == []
    assert m.queries == 2


def test_a_scope_opened_by_a_connection_within_anothers_wrapper_takes_only_its_own_away(
    connection: Any,
) -> None:
    def theirs(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return execute(sql, params, many, context)

    with connection.execute_wrapper(theirs), quiet() as m:
        ask(connection, "SELECT 1")
    assert connection.execute_wrappers == []
    assert m.queries == 1


def test_scopes_that_end_out_of_order_count_to_their_own_ends(connection: Any) -> None:
    first, second = quiet("first"), quiet("second")
    first.__enter__()
    second.__enter__()
    ask(connection, "SELECT 1")
    first.__exit__(None, None, None)
    ask(connection, "SELECT 1")
    second.__exit__(None, None, None)
    ask(connection, "SELECT 1")
    assert second.queries == 2
    assert not watched(connection)


def test_a_connection_that_is_dropped_is_not_kept_alive(connection: Any) -> None:
    with quiet() as m:
        ask(connections[OTHER], "SELECT 1")
        del connections[OTHER]
        gc.collect()
        assert m.connections_left_open == {}
    assert m.connections_opened == {OTHER: 1}
    assert m.queries == 1


def test_a_connection_that_was_lost_is_nothing_to_stumble_over(connection: Any) -> None:
    connection.ensure_connection()
    connection.connection.close()
    with quiet("lost") as m:
        with pytest.raises((OperationalError, InterfaceError)):
            ask(connection, "SELECT 1")
        connection.close()
        assert ask(connection, "SELECT 1") == 1
    assert m.warnings == []


def test_bytes_are_sent_as_they_are(connection: Any) -> None:
    with quiet() as m:
        assert ask(connection, b"SELECT current_query()") == "SELECT current_query()"
    assert (m.queries, m.shapes) == (1, 1)


def test_a_pool_of_django_counts_what_is_taken_from_it(connection: Any) -> None:
    if not psycopg_3() or django.VERSION < (5, 1):
        pytest.skip("Django has a pool since 5.1, for psycopg 3")
    connection.settings_dict["CONN_MAX_AGE"] = 0
    connection.settings_dict["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 2}}
    with quiet() as m:
        for _ in range(3):
            ask(connection, "SELECT 1")
            connection.close()
        ask(connection, "SELECT 1")
    connection.close()
    connection.close_pool()
    assert (m.queries, m.connections_opened, m.connections_left_open) == (4, {ALIAS: 4}, {ALIAS: 1})


def test_the_queries_that_django_records_are_as_many_as_before(connection: Any) -> None:
    with CaptureQueriesContext(connection) as captured, quiet():
        ask(connection, "SELECT 1")
    assert len(captured) == 1
