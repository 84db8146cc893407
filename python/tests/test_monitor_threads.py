"""`connection_monitor` and threads: what reaches a scope, and what is left behind."""

from __future__ import annotations

import contextvars
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connections, transaction
from monitor_bed import ALIAS, aliases, ask, query_of, until, watched

from connwarden.django.monitor import Monitor, connection_monitor
from connwarden.django.monitor.scope import TALLIES_MAX


@pytest.fixture
def connection(server: Any) -> Iterator[Any]:
    with aliases(server) as found:
        yield found
        assert not watched(found)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """One thread, so that each job meets the connection of the one before."""
    with ThreadPoolExecutor(1) as found:
        yield found
        found.submit(connections.close_all).result()


def quiet(operation: str = "op", **arguments: Any) -> Monitor:
    return connection_monitor(operation, utilization=False, **arguments)


def one() -> Any:
    return ask(connections[ALIAS], "SELECT current_query()")


def is_watched() -> bool:
    return watched(connections[ALIAS])


def in_context(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Any:
    return pool.submit(contextvars.copy_context().run, work).result()


def test_a_bare_threads_statements_do_not_count(connection: Any, pool: ThreadPoolExecutor) -> None:
    with quiet() as m:
        assert pool.submit(one).result() == "SELECT current_query()"
    assert (m.queries, m.connections_opened) == (0, {})


def test_a_thread_with_the_scopes_context_and_a_new_connection_counts(
    connection: Any, pool: ThreadPoolExecutor
) -> None:
    with quiet() as m:
        assert in_context(pool, one) == "/*op='op'*/ SELECT current_query()"
    assert (m.queries, m.connections_opened, m.connections_left_open) == (1, {ALIAS: 1}, {ALIAS: 1})


def test_a_wrapper_in_another_thread_takes_itself_away_at_the_next_statement(
    connection: Any, pool: ThreadPoolExecutor
) -> None:
    with quiet() as m:
        in_context(pool, one)
    assert pool.submit(is_watched).result()
    assert pool.submit(one).result() == "SELECT current_query()"
    assert not pool.submit(is_watched).result()
    assert m.queries == 1


def test_a_thread_with_an_open_connection_is_missed_unless_it_is_told(
    connection: Any, pool: ThreadPoolExecutor
) -> None:
    pool.submit(one).result()

    def told() -> None:
        with m.here():
            one()

    with quiet() as m:
        in_context(pool, one)
        assert m.queries == 0
        pool.submit(told).result()
        assert m.queries == 1
        pool.submit(one).result()
    assert m.queries == 1
    assert m.connections_opened == {}


def test_a_scope_that_has_ended_lets_no_thread_in(connection: Any, pool: ThreadPoolExecutor) -> None:
    with quiet() as m:
        pass
    with pytest.raises(RuntimeError, match="is not open"), m.here():
        pass


def test_a_context_that_outlives_its_scope_counts_for_the_scope_around_it(
    connection: Any, pool: ThreadPoolExecutor
) -> None:
    with quiet("outermost") as outermost:
        with quiet("outer") as outer:
            with quiet("inner") as inner:
                one()
                context = contextvars.copy_context()
            assert context.run(one) == "/*op='outermost/outer'*/ SELECT current_query()"
        assert context.run(one) == "/*op='outermost'*/ SELECT current_query()"
    assert context.run(one) == "SELECT current_query()"
    assert (inner.queries, outer.queries, outermost.queries) == (1, 2, 3)


def test_threads_count_at_the_same_time_without_losing_any(connection: Any) -> None:
    threads, each = 4, 100
    gate = threading.Barrier(threads)

    def work() -> None:
        gate.wait()
        try:
            for _ in range(each):
                one()
        finally:
            connections[ALIAS].close()

    with quiet(max_connections_delta=None) as m:
        started = [
            threading.Thread(target=contextvars.copy_context().run, args=(work,)) for _ in range(threads)
        ]
        for thread in started:
            thread.start()
        for thread in started:
            thread.join()
    assert (m.queries, m.shapes, m.connections_opened) == (threads * each, 1, {ALIAS: threads})
    assert m.connections_left_open == {}


def test_the_server_shows_the_operation_while_it_runs(
    connection: Any, server: Any, pool: ThreadPoolExecutor
) -> None:
    pids: list[int] = []

    def work() -> Any:
        with quiet("nightly", warn_after=None) as m:
            pids.append(ask(connections[ALIAS], "SELECT pg_backend_pid()"))
            with pytest.raises(OperationalError):
                ask(connections[ALIAS], "SELECT pg_sleep(%s)", [600])
        return m

    running = pool.submit(work)
    until(lambda: pids)
    text = until(lambda: "pg_sleep" in (shown := query_of(server, pids[0])) and shown)
    with psycopg.connect(server.server) as admin:
        admin.execute("select pg_cancel_backend(%s)", [pids[0]])
    assert text == "/*op='nightly'*/ SELECT pg_sleep(600)"
    assert running.result().errors == 1


def test_many_short_threads_are_summed_up(connection: Any) -> None:
    with quiet() as m:
        for number in range(100):
            thread = threading.Thread(target=contextvars.copy_context().run, args=(closed_after_one,))
            thread.start()
            thread.join()
            if number % 20 == 0:
                gc.collect()
        assert m._scope is not None
        assert len(m._scope.tallies) <= TALLIES_MAX + 20
    assert m.queries == 100
    assert m.connections_opened == {ALIAS: 100}


def test_scopes_of_several_threads_count_apart(connection: Any) -> None:
    gate = threading.Barrier(3)
    found: dict[int, int] = {}

    def work(times: int) -> None:
        try:
            with quiet() as m:
                gate.wait()
                for _ in range(times):
                    one()
                gate.wait()
            found[times] = m.queries
            assert not is_watched()
        finally:
            connections[ALIAS].close()

    with ThreadPoolExecutor(3) as threads:
        for job in [threads.submit(work, times) for times in (1, 2, 3)]:
            job.result()
    assert found == {1: 1, 2: 2, 3: 3}


def test_a_transaction_that_another_thread_left_open_is_warned_about(
    connection: Any, pool: ThreadPoolExecutor
) -> None:
    def leak() -> None:
        transaction.set_autocommit(False, using=ALIAS)
        one()

    with quiet() as m:
        in_context(pool, leak)
    assert m.warnings == ["op: a transaction is left open on 'monitored': commit it, or use atomic()"]


def closed_after_one() -> None:
    one()
    connections[ALIAS].close()
