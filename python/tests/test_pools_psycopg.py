"""Pools of psycopg on a real server: numbers of any pool, checkouts of traced ones, which behave as the
originals.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import threading
from typing import Any

import psycopg
import pytest
from pools_bed import Clock, facts, next_line, terminate, until, until_tasks
from psycopg_pool import (
    AsyncConnectionPool,
    AsyncNullConnectionPool,
    ConnectionPool,
    NullConnectionPool,
    PoolTimeout,
    TooManyRequests,
)

from connwarden.pools import NotTracedError, watch
from connwarden.pools.psycopg import (
    TracedAsyncConnectionPool,
    TracedAsyncNullConnectionPool,
    TracedConnectionPool,
    TracedNullConnectionPool,
)

SYNC = [ConnectionPool, NullConnectionPool, TracedConnectionPool, TracedNullConnectionPool]
ASYNC = [
    AsyncConnectionPool,
    AsyncNullConnectionPool,
    TracedAsyncConnectionPool,
    TracedAsyncNullConnectionPool,
]
TRACED = [TracedConnectionPool, TracedNullConnectionPool]
TRACED_ASYNC = [TracedAsyncConnectionPool, TracedAsyncNullConnectionPool]


def pool_of(kind: Any, server: Any, **more: Any) -> Any:
    size = {"max_size": 2} if "Null" in kind.__name__ else {"min_size": 1, "max_size": 2}
    return kind(server.dsn, open=False, name="orders", **{**size, **more})


@pytest.mark.parametrize("kind", SYNC)
def test_a_pool_exhausted_by_threads_tells_who_waits(kind: Any, server: Any) -> None:
    with pool_of(kind, server) as pool, watch(pool) as watched:
        release = threading.Event()

        def work() -> None:
            with pool.connection():
                release.wait(60)

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        until(lambda: watched.stats().waiting == 3)
        full = watched.stats()
        assert (full.name, full.kind, full.max) == ("orders", "psycopg", 2)
        assert (full.size, full.idle, full.in_use) == (2, 0, 2)
        release.set()
        for thread in threads:
            thread.join()
        after = watched.stats()
        assert after.requests_total == 5
        assert after.waited_total is not None and after.waited_total >= 3
        assert (after.waiting, after.timeouts_total, after.open_failed_total) == (0, 0, 0)
        assert after.wait_seconds_total is not None
        assert after.lent_total == (5 if watched.traced else None)


@pytest.mark.parametrize("kind", ASYNC)
def test_a_pool_exhausted_by_tasks_tells_who_waits(kind: Any, server: Any) -> None:
    async def run() -> None:
        async with pool_of(kind, server) as pool:
            watched = watch(pool)
            release = asyncio.Event()

            async def work() -> None:
                async with pool.connection():
                    await release.wait()

            tasks = [asyncio.create_task(work()) for _ in range(5)]
            await until_tasks(lambda: watched.stats().waiting == 3)
            full = watched.stats()
            assert (full.size, full.idle, full.in_use, full.max) == (2, 0, 2, 2)
            release.set()
            await asyncio.gather(*tasks)
            assert watched.stats().requests_total == 5
            assert watched.stats().waiting == 0
            watched.stop()

    asyncio.run(run())


class PassesOn(ConnectionPool[psycopg.Connection]):
    """Lets a return end only when the next borrower has been served."""

    served = staticmethod(lambda: True)

    def putconn(self, conn: psycopg.Connection) -> None:
        super().putconn(conn)
        until(self.served)


class TracedPassesOn(TracedConnectionPool[psycopg.Connection], PassesOn):
    pass


def test_a_connection_that_passes_from_hand_to_hand_is_always_on_record(server: Any) -> None:
    with pool_of(TracedPassesOn, server, max_size=1) as pool, watch(pool) as watched:
        first = pool.getconn()
        taken: list[psycopg.Connection] = []
        next_one = threading.Thread(target=lambda: taken.append(pool.getconn()), name="next")
        next_one.start()
        until(lambda: watched.stats().waiting == 1)
        pool.served = lambda: watched.stats().lent_total == 2
        pool.putconn(first)
        next_one.join()
        assert [one.borrower for one in watched.borrowed()] == ["next"]
        pool.putconn(taken[0])
        assert watched.borrowed() == []


@pytest.mark.parametrize("kind", TRACED)
def test_a_leak_is_found_with_the_line_that_took_it(
    kind: Any, server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "connwarden.pools")
    clock = Clock()
    with pool_of(kind, server) as pool, watch(pool, sample=1, clock=clock) as watched:
        line = next_line()
        connection = pool.getconn()
        assert watched.leaks() == []
        clock.passes(64)
        [leak] = watched.leaks()
        assert leak.where == line
        assert (leak.pool, leak.held_seconds, leak.leak, leak.ended) == ("orders", 64.0, True, False)
        assert leak.borrower == threading.current_thread().name
        assert watched.stats().leaks == 1
        pool.putconn(connection)
        assert watched.borrowed() == []
        assert [facts(record)["where"] for record in caplog.records] == [line, line]
        assert caplog.records[1].getMessage() == "a connection came back after leak_after"
        assert (watched.stats().leaks, watched.stats().leaks_total) == (0, 1)


@pytest.mark.parametrize("kind", TRACED_ASYNC)
def test_a_leak_of_a_task_is_found_with_the_line_that_took_it(kind: Any, server: Any) -> None:
    async def run() -> None:
        clock = Clock()
        async with pool_of(kind, server) as pool:
            watched = watch(pool, sample=1, clock=clock)
            lines = []

            async def leaky() -> Any:
                lines.append(next_line())
                return await pool.getconn()

            connection = await asyncio.create_task(leaky(), name="importer")
            clock.passes(64)
            [leak] = watched.leaks()
            assert leak.where == lines[0]
            assert (leak.borrower, leak.ended) == ("importer", True)
            lines.append(next_line())
            async with pool.connection():
                [_, second] = watched.borrowed()
                assert second.where == lines[1]
            await pool.putconn(connection)
            assert watched.borrowed() == []
            watched.stop()

    asyncio.run(run())


def test_the_borrower_is_who_asked_though_another_task_awaits(server: Any) -> None:
    async def run() -> None:
        async with pool_of(TracedAsyncConnectionPool, server) as pool:
            watched = watch(pool, sample=1)
            line = next_line()
            connection = await asyncio.create_task(pool.getconn(), name="another")
            [one] = watched.borrowed()
            task = asyncio.current_task()
            assert task is not None
            assert (one.where, one.borrower, one.ended) == (line, task.get_name(), False)
            await pool.putconn(connection)
            watched.stop()

    asyncio.run(run())


def test_the_line_of_a_with_block_is_the_borrowers(server: Any) -> None:
    with pool_of(TracedConnectionPool, server) as pool, watch(pool, sample=1) as watched:
        line = next_line()
        with pool.connection():
            assert watched.borrowed()[0].where == line


def test_a_seeded_fraction_of_checkouts_has_a_stack(server: Any) -> None:
    def sampled() -> list[bool]:
        with pool_of(TracedConnectionPool, server) as pool, watch(pool, sample=0.3, seed=7) as watched:
            found = []
            for _ in range(60):
                with pool.connection():
                    found.append(watched.borrowed()[0].stack is not None)
            return found

    first = sampled()
    assert first == sampled()
    assert 8 < sum(first) < 30


def test_a_connection_dropped_by_its_borrower_is_told(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pool_of(TracedConnectionPool, server) as pool, watch(pool, sample=1) as watched:
        line = next_line()
        pool.getconn()
        gc.collect()
        assert watched.borrowed() == []
        assert watched.stats().abandoned_total == 1
        told = [record for record in caplog.records if record.name == "connwarden.pools"]
        assert [record.getMessage() for record in told] == ["a borrower dropped its connection unreturned"]
        assert facts(told[0])["where"] == line


def test_a_dropped_connection_has_cost_the_pool_its_place(server: Any) -> None:
    with pool_of(TracedConnectionPool, server, max_size=1) as pool, watch(pool) as watched:
        pool.getconn()
        gc.collect()
        with pytest.raises(PoolTimeout):
            pool.getconn(timeout=0.01)
        assert (watched.stats().in_use, watched.stats().abandoned_total) == (1, 1)


def test_psycopg_counts_a_request_that_timed_out_as_waiting_until_the_next_return(server: Any) -> None:
    with pool_of(ConnectionPool, server, max_size=1) as pool, watch(pool) as watched:
        connection = pool.getconn()
        with pytest.raises(PoolTimeout):
            pool.getconn(timeout=0.01)
        assert (watched.stats().waiting, watched.stats().timeouts_total) == (1, 1)
        pool.putconn(connection)
        assert watched.stats().waiting == 0


@pytest.mark.parametrize("kind", TRACED)
def test_a_traced_pool_fails_as_the_original_does(kind: Any, server: Any) -> None:
    with pool_of(kind, server, max_waiting=1) as pool, watch(pool) as watched:
        first, second = pool.getconn(), pool.getconn()
        waiter = threading.Thread(target=lambda: pool.putconn(pool.getconn()))
        waiter.start()
        until(lambda: watched.stats().waiting == 1)
        with pytest.raises(TooManyRequests):
            pool.getconn()
        with psycopg.connect(server.dsn) as stranger, pytest.raises(ValueError):
            pool.putconn(stranger)
        pool.putconn(first)
        waiter.join()
        first = pool.getconn()
        with pytest.raises(PoolTimeout):
            pool.getconn(timeout=0.01)
        pool.putconn(first)
        pool.putconn(second)
        with pytest.raises(ValueError):
            pool.putconn(second)
        assert watched.stats().timeouts_total == 2
        assert watched.borrowed() == []


def test_a_traced_pool_commits_rolls_back_and_returns(server: Any) -> None:
    with pool_of(TracedConnectionPool, server) as pool, watch(pool) as watched:
        with pool.connection() as connection:
            connection.execute("create table traced (id int)")
        with pytest.raises(KeyError), pool.connection() as connection:
            connection.execute("insert into traced values (1)")
            raise KeyError
        with pool.connection() as connection:
            assert connection.execute("select count(*) from traced").fetchone() == (0,)
            connection.execute("drop table traced")
        assert watched.borrowed() == []
        assert watched.stats().lent_total == 3


@pytest.mark.skipif(
    "close_returns" not in inspect.signature(ConnectionPool).parameters, reason="psycopg_pool before 3.3"
)
def test_close_returns_a_connection_where_the_pool_was_made_so(server: Any) -> None:
    with pool_of(TracedConnectionPool, server, close_returns=True) as pool, watch(pool) as watched:
        connection = pool.getconn()
        assert len(watched.borrowed()) == 1
        connection.close()
        assert watched.borrowed() == []


@pytest.mark.parametrize("kind", TRACED_ASYNC)
def test_a_cancelled_task_leaves_no_record_and_no_connection_out(kind: Any, server: Any) -> None:
    async def run() -> None:
        async with pool_of(kind, server) as pool:
            watched = watch(pool)
            held = [await pool.getconn(), await pool.getconn()]
            in_line = asyncio.create_task(pool.getconn())
            await until_tasks(lambda: watched.stats().waiting == 1)
            in_line.cancel()
            with pytest.raises(asyncio.CancelledError):
                await in_line
            await pool.putconn(held.pop())

            async def hold() -> None:
                async with pool.connection():
                    await asyncio.Event().wait()

            holder = asyncio.create_task(hold())
            await until_tasks(lambda: len(watched.borrowed()) == 2)
            holder.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holder
            await pool.putconn(held.pop())
            assert watched.borrowed() == []
            for connection in [await pool.getconn(), await pool.getconn()]:
                await pool.putconn(connection)
            watched.stop()

    asyncio.run(run())


def test_a_connection_that_the_server_ended_counts_as_lost(server: Any) -> None:
    named = {"kwargs": {"application_name": "to_be_ended"}, "min_size": 1, "max_size": 1}
    with pool_of(TracedConnectionPool, server, **named) as pool, watch(pool) as watched:
        connection = pool.getconn()
        terminate(server, "to_be_ended")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
        pool.putconn(connection)
        assert watched.stats().lost_total == 1
        assert watched.borrowed() == []
        pool.wait()
        assert watched.stats().opened_total == 2


def test_a_bare_pool_tells_numbers_and_says_why_no_more(server: Any) -> None:
    with pool_of(ConnectionPool, server) as pool, watch(pool) as watched:
        assert not watched.traced
        pool.wait()
        with pool.connection():
            assert watched.stats().in_use == 1
            assert watched.stats().leaks is None
            with pytest.raises(NotTracedError, match="TracedConnectionPool instead of a ConnectionPool"):
                watched.leaks()
        with pytest.raises(NotTracedError):
            watch(pool, every=1.0)


def test_stopping_leaves_the_pool_as_it_was_made(server: Any) -> None:
    with pool_of(TracedConnectionPool, server) as pool:
        plain = dict(vars(pool))
        watched = watch(pool)
        with pytest.raises(ValueError, match="watched already"):
            watch(pool)
        connection = pool.getconn()
        watched.stop()
        watched.stop()
        assert watched.borrowed() == []
        pool.putconn(connection)
        assert set(vars(pool)) == set(plain)
        with watch(pool, name="again") as again, pool.connection():
            assert len(again.borrowed()) == 1


def test_a_subclass_of_a_traced_pool_is_traced(server: Any) -> None:
    class Ours(TracedConnectionPool[psycopg.Connection]):
        pass

    with pool_of(Ours, server) as pool, watch(pool) as watched, pool.connection():
        assert len(watched.borrowed()) == 1
