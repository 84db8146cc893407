"""`connection_monitor` in one thread, on a real server."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Generator, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.db import (
    IntegrityError,
    ProgrammingError,
    connections,
    transaction,
)
from monitor_bed import ALIAS, OTHER, aliases, ask, psycopg_3, query_of, quiet, watched

from connwarden.django.monitor import Monitor, connection_monitor
from connwarden.django.monitor.tally import STATEMENTS_MAX


@pytest.fixture
def connection(server: Any) -> Iterator[Any]:
    with aliases(server) as found:
        yield found
        assert not watched(found), "no wrapper is left behind"


# What it counts


def test_statements_shapes_errors_and_time_are_counted(connection: Any) -> None:
    ask(connection, "SELECT 0")
    with quiet() as m:
        for n in range(3):
            ask(connection, "SELECT %s::int", [n])
        ask(connection, "SELECT 'text'")
        with pytest.raises(ProgrammingError):
            ask(connection, "SELECT missing")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO item VALUES (%s, %s)", [(1, "a"), (2, "b")])
        assert m.queries == 6, "it can be asked meanwhile"
    ask(connection, "SELECT 1")
    assert (m.queries, m.shapes, m.errors, m.failed) == (6, 4, 1, False)
    assert 0 < m.database_seconds <= m.seconds


def test_what_ran_in_an_inner_scope_counts_for_the_outer_one_too(connection: Any) -> None:
    with quiet("outer") as outer:
        ask(connection, "SELECT 1")
        with quiet("inner") as inner:
            ask(connection, "SELECT 1")
            ask(connection, "SELECT 'a'")
        ask(connection, "SELECT 1")
    assert (inner.queries, outer.queries) == (2, 4)
    assert (inner.shapes, outer.shapes) == (1, 1)
    assert outer.database_seconds >= inner.database_seconds


def test_only_the_aliases_in_use_are_counted(connection: Any) -> None:
    with quiet("all") as every, quiet("one", using=ALIAS) as one, quiet("list", using=[OTHER]) as listed:
        ask(connection, "SELECT 1")
        ask(connections[OTHER], "SELECT 1")
        ask(connections[OTHER], "SELECT 2")
    assert (every.queries, one.queries, listed.queries) == (3, 1, 2)


def test_a_cursor_of_a_composed_statement_is_counted_and_tagged(connection: Any) -> None:
    sql = import_module("psycopg.sql" if psycopg_3() else "psycopg2.sql")
    with quiet("composed") as m:
        statement = sql.SQL("SELECT {} || current_query()").format(sql.Literal("it"))
        assert ask(connection, statement) == "it/*op='composed'*/ SELECT 'it' || current_query()"
    assert (m.queries, m.shapes) == (1, 1)


def test_what_goes_past_djangos_cursor_is_not_counted(connection: Any) -> None:
    connection.ensure_connection()
    with quiet() as m:
        connection.connection.cursor().execute("SELECT 1")
        with connection.cursor() as cursor:
            cursor.callproc("pg_backend_pid")
            if psycopg_3():
                with cursor.copy("COPY (SELECT 7) TO STDOUT") as rows:
                    assert [bytes(row) for row in rows] == [b"7\n"]
            else:
                cursor.copy_expert("COPY (SELECT 7) TO STDOUT", io.StringIO())
    assert m.queries == 0


def test_what_is_put_off_until_after_the_scope_is_not_counted(connection: Any) -> None:
    with quiet() as m:
        streamed = (ask(connection, "SELECT current_query()") for _ in range(2))
    assert list(streamed) == ["SELECT current_query()"] * 2
    assert m.queries == 0


def test_while_a_generator_is_suspended_its_callers_statements_count(connection: Any) -> None:
    def rows() -> Generator[Monitor, None, None]:
        with quiet() as m:
            yield m

    generator = rows()
    m = next(generator)
    ask(connection, "SELECT 1")
    generator.close()
    ask(connection, "SELECT 1")
    assert (m.queries, m.failed) == (1, True)


def test_statements_beyond_the_bounds_are_counted_but_not_told_apart(connection: Any) -> None:
    with quiet() as m:
        with connection.cursor() as cursor:
            for n in range(STATEMENTS_MAX + 100):
                cursor.execute(f"SELECT {n} AS c{n}")
        assert m.queries == STATEMENTS_MAX + 100
    assert m.shapes == STATEMENTS_MAX


# Transactions


def test_a_committed_transaction_counts_until_its_commit(connection: Any) -> None:
    with quiet() as m:
        with transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
            slept(connection, 0.05)
        slept(connection, 0.2)
    assert 0.05 <= m.longest_transaction_seconds <= m.seconds - 0.2


def test_a_rolled_back_transaction_counts_until_its_rollback(connection: Any) -> None:
    with quiet() as m:
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
            slept(connection, 0.05)
            raise ZeroDivisionError
        slept(connection, 0.2)
    assert 0.05 <= m.longest_transaction_seconds <= m.seconds - 0.2


def test_a_rollback_to_a_savepoint_does_not_end_a_transaction(connection: Any) -> None:
    with quiet() as m, transaction.atomic(using=ALIAS):
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
            raise ZeroDivisionError
        slept(connection, 0.05)
        ask(connection, "SELECT 1")
        slept(connection, 0.05)
    assert m.longest_transaction_seconds >= 0.1


def test_transactions_in_a_row_are_told_apart(connection: Any) -> None:
    with quiet() as m:
        for _ in range(4):
            with transaction.atomic(using=ALIAS):
                ask(connection, "SELECT 1")
                slept(connection, 0.06)
    assert 0.06 <= m.longest_transaction_seconds <= m.seconds - 3 * 0.06


def test_a_committed_transaction_is_over_whatever_the_connection_does_next(connection: Any) -> None:
    with quiet() as m:
        with transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
        connection.connection.cursor().execute("BEGIN")
        slept(connection, 0.2)
    connection.connection.cursor().execute("ROLLBACK")
    assert m.longest_transaction_seconds <= m.seconds - 0.2


def test_a_transaction_that_began_past_django_is_not_the_one_before(connection: Any) -> None:
    with quiet() as m:
        with transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
        slept(connection, 0.2)
        with transaction.atomic(using=ALIAS):
            slept(connection, 0)
            ask(connection, "SELECT 1")
    assert m.longest_transaction_seconds <= m.seconds - 0.2


def test_of_a_transaction_around_the_scope_only_the_part_within_counts(connection: Any) -> None:
    with transaction.atomic(using=ALIAS):
        ask(connection, "SELECT 1")
        slept(connection, 0.2)
        with quiet() as m:
            slept(connection, 0.05)
    assert 0.05 <= m.longest_transaction_seconds <= m.seconds
    assert m.warnings == []


def test_a_transaction_seen_in_an_inner_scope_counts_for_the_outer_one(connection: Any) -> None:
    with quiet("outer") as outer:
        with transaction.atomic(using=ALIAS):
            with quiet("inner") as inner:
                ask(connection, "SELECT 1")
            slept(connection, 0.05)
        slept(connection, 0.2)
    assert not inner.warnings and not outer.warnings
    assert inner.longest_transaction_seconds <= inner.seconds
    assert 0.05 <= outer.longest_transaction_seconds <= outer.seconds - 0.2


def test_the_work_of_others_at_a_commit_is_done_as_ever(connection: Any) -> None:
    done: list[str] = []
    with quiet():
        with transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
            transaction.on_commit(lambda: done.append("committed"), using=ALIAS)
        with pytest.raises(ZeroDivisionError), transaction.atomic(using=ALIAS):
            ask(connection, "SELECT 1")
            transaction.on_commit(lambda: done.append("rolled back"), using=ALIAS)
            raise ZeroDivisionError
    assert done == ["committed"]
    assert connection.run_on_commit == []


def test_in_a_testcase_no_callback_is_left(connection: Any) -> None:
    block = transaction.atomic(using=ALIAS)
    vars(block)["_from_testcase"] = True
    with block, quiet() as m:
        ask(connection, "SELECT 1")
        assert connection.run_on_commit == []
    assert m.queries == 1


# Connections


def test_connections_opened_and_left_open_are_counted_by_alias(connection: Any) -> None:
    with quiet() as m:
        ask(connection, "SELECT 1")
        ask(connections[OTHER], "SELECT 1")
        connections[OTHER].close()
    assert m.connections_opened == {ALIAS: 1, OTHER: 1}
    assert m.connections_left_open == {ALIAS: 1}


def test_a_connection_in_the_place_of_another_is_not_growth(connection: Any) -> None:
    ask(connection, "SELECT 1")
    with quiet() as m:
        connection.close()
        ask(connection, "SELECT 1")
    assert m.connections_opened == {ALIAS: 1}
    assert m.connections_left_open == {}


def test_a_scope_does_not_open_a_connection_by_itself(connection: Any) -> None:
    with quiet() as m:
        pass
    assert connection.connection is None
    assert m.connections_opened == {}


# What it warns about


def test_a_transaction_that_is_left_open_is_warned_about(connection: Any, caplog: Any) -> None:
    block = transaction.atomic(using=ALIAS)
    with caplog.at_level(logging.WARNING, "connwarden.django"), quiet("leaky") as m:
        block.__enter__()
        ask(connection, "SELECT 1")
    block.__exit__(None, None, None)
    assert m.warnings == ["leaky: a transaction is left open on 'monitored': commit it, or use atomic()"]
    [record] = caplog.records
    assert record.getMessage() == "a monitored scope left a transaction open"
    assert (record.operation, record.alias) == ("leaky", ALIAS)


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN; SELECT 1"])
def test_a_transaction_behind_djangos_back_is_warned_about(connection: Any, begin: str) -> None:
    with quiet("raw") as m:
        connection.cursor().execute(begin)
    connection.cursor().execute("ROLLBACK")
    assert [text.split(" on ")[0] for text in m.warnings] == ["raw: a transaction is left open"]


def test_autocommit_that_is_left_off_is_warned_about(connection: Any) -> None:
    with quiet("manual") as m:
        transaction.set_autocommit(False, using=ALIAS)
    transaction.set_autocommit(True, using=ALIAS)
    assert m.warnings == [
        "manual: autocommit is left off on 'monitored': call set_autocommit(True), or use atomic()"
    ]


def test_a_state_that_was_there_before_is_not_warned_about(connection: Any) -> None:
    transaction.set_autocommit(False, using=ALIAS)
    ask(connection, "SELECT 1")
    with quiet() as m:
        ask(connection, "SELECT 1")
    transaction.rollback(using=ALIAS)
    transaction.set_autocommit(True, using=ALIAS)
    assert m.warnings == []


def test_more_connections_than_the_delta_are_warned_about(connection: Any) -> None:
    with quiet("grows", max_connections_delta=1) as m:
        ask(connection, "SELECT 1")
        ask(connections[OTHER], "SELECT 1")
    assert m.warnings == ["grows: 2 connections that it opened are open still; the limit is 1"]
    with quiet("grows", max_connections_delta=None) as m:
        connection.close()
        ask(connection, "SELECT 1")
    assert m.warnings == []


def test_a_long_scope_is_warned_about(connection: Any) -> None:
    with quiet("long", warn_after=0.0) as m:
        ask(connection, "SELECT 1")
    assert m.warnings == [f"long: took {m.seconds:.1f} s; 0 s are expected"]
    with quiet("long", warn_after=None) as m:
        ask(connection, "SELECT 1")
    assert m.warnings == []


def test_many_statements_alike_are_a_hint_at_batching_without_a_value(connection: Any, caplog: Any) -> None:
    with caplog.at_level(logging.DEBUG, "connwarden.django"), quiet("loop") as m:
        for n in range(200):
            ask(connection, f"SELECT name FROM item WHERE id = %s AND name <> 'hunter{n}'", [n])
        for n in range(40):
            ask(connection, f"SELECT {n}")
    assert m.warnings == ["loop: 240 queries, 200 alike: SELECT name FROM item WHERE id = %s AND name <> ?"]
    assert (caplog.records[0].queries, caplog.records[0].alike) == (240, 200)
    assert "hunter" not in "".join(str(vars(record)) for record in caplog.records)


def test_few_or_varied_statements_are_no_hint(connection: Any) -> None:
    with quiet() as m:
        for n in range(19):
            ask(connection, f"SELECT {n}")
        for n in range(30):
            ask(connection, f"SELECT {n} AS c{n}")
    assert m.warnings == []


def test_savepoints_are_no_hint(connection: Any) -> None:
    with quiet() as m, transaction.atomic(using=ALIAS):
        for n in range(30):
            with transaction.atomic(using=ALIAS):
                ask(connection, f"SELECT 1 AS c{n}")
    assert m.warnings == []


# How it ends


def test_an_exception_passes_as_it_is(connection: Any) -> None:
    error = ZeroDivisionError("mine")
    with pytest.raises(ZeroDivisionError) as caught, quiet() as m:
        ask(connection, "SELECT 1")
        raise error
    assert caught.value is error
    assert m.failed
    assert m.queries == 1


def test_an_error_of_the_database_passes_as_django_raises_it(connection: Any) -> None:
    connection.cursor().execute("CREATE TEMP TABLE once (id int PRIMARY KEY); INSERT INTO once VALUES (1)")
    with quiet() as m, pytest.raises(IntegrityError):
        connection.cursor().execute("INSERT INTO once VALUES (%s)", [1])
    assert (m.errors, m.failed) == (1, False)


def test_everything_is_a_dictionary_fit_for_json(connection: Any) -> None:
    with quiet("named") as m:
        ask(connection, "SELECT 1")
    found = json.loads(json.dumps(m.as_dict()))
    assert set(found) == {
        "operation",
        "seconds",
        "failed",
        "queries",
        "shapes",
        "errors",
        "database_seconds",
        "longest_transaction_seconds",
        "connections_opened",
        "connections_left_open",
        "utilization_before",
        "utilization_after",
        "warnings",
    }
    assert (found["operation"], found["queries"], found["connections_opened"]) == ("named", 1, {ALIAS: 1})


def test_a_monitor_is_for_one_scope(connection: Any) -> None:
    m = quiet("once")
    with pytest.raises(RuntimeError, match="has seen nothing"):
        _ = m.queries
    with m:
        pass
    with pytest.raises(RuntimeError, match="was entered before"), m:
        pass


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"operation": len}, TypeError, "wants a name"),
        ({"operation": ""}, ValueError, "not empty"),
        ({"operation": "a", "warn_after": -1}, ValueError, "warn_after is -1"),
        ({"operation": "a", "max_connections_delta": -1}, ValueError, "max_connections_delta is -1"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(
    arguments: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        connection_monitor(**arguments)


def test_an_unknown_alias_is_refused_with_the_known_ones(connection: Any) -> None:
    with (
        pytest.raises(ValueError, match="using names 'nowhere'; DATABASES has .*monitored"),
        quiet(using="nowhere"),
    ):
        pass


# As a decorator


def test_each_call_of_a_decorated_function_is_a_scope_of_its_own(connection: Any, caplog: Any) -> None:
    @quiet("decorated", warn_after=0.0)
    def work(deeper: int) -> str:
        """Its own text."""
        return work(deeper - 1) if deeper else str(ask(connection, "SELECT current_query()"))

    with caplog.at_level(logging.WARNING, "connwarden.django"):
        assert work(1) == "/*op='decorated/decorated'*/ SELECT current_query()"
        assert work(0) == "/*op='decorated'*/ SELECT current_query()"
    assert (work.__name__, work.__doc__) == ("work", "Its own text.")
    assert len(caplog.records) == 3


def test_a_generator_is_not_decorated(connection: Any) -> None:
    with pytest.raises(TypeError, match="use `with` inside"):

        @quiet("generator")
        def rows() -> Iterator[int]:
            yield 1


# The tag


def test_the_server_shows_which_operation_a_session_runs(connection: Any, server: Any) -> None:
    pid = ask(connection, "SELECT pg_backend_pid()")
    with quiet("bulk_operation"), connection.cursor() as cursor:
        cursor.execute("SELECT %s::int FROM pg_sleep(0) -- " + "x" * 2000, [1])
        assert query_of(server, pid, "idle").startswith("/*op='bulk_operation'*/ SELECT ")


@pytest.mark.parametrize("params", [None, [], [5]])
@pytest.mark.parametrize("name", ["*/ DROP TABLE item; --", "it's", "100% %s %(a)s", "a\nb", "/*", "\\"])
def test_a_hostile_name_changes_no_statement(connection: Any, name: str, params: Any) -> None:
    with quiet(name), connection.cursor() as cursor:
        cursor.execute("SELECT 5, current_query()" if not params else "SELECT %s, current_query()", params)
        number, text = cursor.fetchone()
    assert number == 5
    assert text.startswith("/*op='") and text.count("*/") == 1 and "\n" not in text and "%%" not in text
    assert ask(connection, "SELECT count(*) FROM item") == 0


def test_percent_signs_of_a_statement_survive_the_tag(connection: Any) -> None:
    with quiet("a b"):
        assert ask(connection, "SELECT '5%'") == "5%"
        assert ask(connection, "SELECT '5%%' || %s", ["x"]) == "5%x"


def test_untagged_scopes_leave_the_text_alone(connection: Any) -> None:
    with quiet("outer"), quiet("inner", tag=False):
        assert ask(connection, "SELECT current_query()") == "SELECT current_query()"


def test_a_server_side_cursor_is_tagged_and_works(connection: Any) -> None:
    with quiet("streamed") as m, transaction.atomic(using=ALIAS):
        with connection.chunked_cursor() as cursor:
            cursor.execute("SELECT n, current_query() FROM generate_series(1, %s) AS n", [250])
            rows = cursor.fetchmany(200) + cursor.fetchmany(200)
        assert ask(connection, "SELECT count(*) FROM pg_cursors WHERE statement LIKE %s", ["%"]) == 0
    assert len(rows) == 250
    assert m.queries == 2


def test_a_server_side_cursors_statement_holds_the_tag(connection: Any) -> None:
    with quiet("streamed"), transaction.atomic(using=ALIAS), connection.chunked_cursor() as cursor:
        cursor.execute("SELECT 1")
        assert "/*op='streamed'*/ SELECT 1" in ask(connection, "SELECT statement FROM pg_cursors")


def test_the_tag_is_one_for_an_operation_so_that_prepared_statements_hold(connection: Any) -> None:
    if not psycopg_3():
        pytest.skip("psycopg2 prepares nothing")
    connection.settings_dict["OPTIONS"] = {"server_side_binding": True, "prepare_threshold": 1}
    for _ in range(5):
        with quiet("prepared"):
            ask(connection, "SELECT name FROM item WHERE id = %s", [1])
    sql = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM item%'"
    assert ask(connection, sql) == 1


def slept(connection: Any, seconds: float) -> None:
    """Lets the server sleep, past Django: the monitor sees no statement."""
    connection.ensure_connection()
    raw = connection.connection.cursor()
    raw.execute(f"SELECT pg_sleep({seconds})")
    raw.close()
