"""Pools of asyncpg on a real server: sizes of any pool, checkouts of traced ones, which behave as the
original.
"""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from pools_bed import Clock, next_line, parts, terminate, until_tasks

from connwarden.pools import NotTracedError, Watched, watch
from connwarden.pools.asyncpg import TracedPool, create_pool

Body = Callable[[Any, Watched, Clock], Awaitable[None]]


def run(server: Any, body: Body, *, make: Any = create_pool, application: str = "pools", **more: Any) -> None:
    """A pool of two, watched, every checkout sampled."""

    async def inner() -> None:
        clock = Clock()
        settings = {"application_name": application}
        pool = make(**parts(server.dsn), min_size=1, max_size=2, server_settings=settings, **more)
        await pool
        try:
            with watch(pool, name="orders", sample=1, clock=clock) as watched:
                await body(pool, watched, clock)
        except BaseException:
            # Closing would wait for what a failed test has not released.
            pool.terminate()
            raise
        await pool.close()

    asyncio.run(inner())


@pytest.mark.parametrize("make", [asyncpg.create_pool, create_pool])
def test_a_pool_exhausted_by_tasks_tells_its_sizes_and_a_traced_one_who_waits(make: Any, server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        release = asyncio.Event()

        async def work() -> None:
            async with pool.acquire():
                await release.wait()

        tasks = [asyncio.create_task(work()) for _ in range(5)]
        await until_tasks(lambda: watched.stats().in_use == 2)
        full = watched.stats()
        assert (full.name, full.kind, full.max, full.size, full.idle) == ("orders", "asyncpg", 2, 2, 0)
        if watched.traced:
            await until_tasks(lambda: watched.stats().waiting == 3)
        else:
            assert (full.waiting, full.requests_total, full.lent_total) == (None, None, None)
        release.set()
        await asyncio.gather(*tasks)
        if watched.traced:
            after = watched.stats()
            assert (after.requests_total, after.lent_total, after.waiting) == (5, 5, 0)
            assert after.waited_total is not None and after.waited_total >= 3
            assert after.wait_seconds_total is not None and after.wait_seconds_total > 0
            assert watched.borrowed() == []

    run(server, body, make=make)


def test_a_leak_is_found_with_the_line_that_took_it(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        line = next_line()
        connection = await pool.acquire()
        clock.passes(64)
        [leak] = watched.leaks()
        assert (leak.where, leak.held_seconds, leak.ended) == (line, 64.0, False)
        await pool.release(connection)
        assert watched.borrowed() == []
        line = next_line()
        async with pool.acquire() as connection:
            assert watched.borrowed()[0].where == line
        assert watched.stats().leaks_total == 1

    run(server, body)


def test_the_borrower_is_who_asked_though_wait_for_may_await_in_a_task_of_its_own(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        line = next_line()
        connection = await asyncio.wait_for(pool.acquire(), 30)
        [one] = watched.borrowed()
        task = asyncio.current_task()
        assert task is not None
        assert (one.where, one.borrower, one.ended) == (line, task.get_name(), False)
        await pool.release(connection)

    run(server, body)


def test_a_task_that_ended_with_a_connection_is_said_to_have_ended(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        async def leaky() -> None:
            await pool.acquire()

        await asyncio.create_task(leaky(), name="importer")
        gc.collect()
        [one] = watched.borrowed()
        assert (one.borrower, one.ended) == ("importer", True)
        pool.terminate()
        assert watched.borrowed() == []

    run(server, body)


def test_queries_of_the_pool_itself_are_checkouts(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        assert await pool.fetchval("select 1") == 1
        assert await pool.execute("select 1") == "SELECT 1"
        assert watched.stats().lent_total == 2
        assert watched.borrowed() == []

    run(server, body)


def test_a_connection_closed_by_its_borrower_is_out_no_more_and_not_kept(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        connection = await pool.acquire()
        await connection.close()
        assert watched.borrowed() == []
        async with pool.acquire() as connection:
            driver = weakref.ref(connection._con)
            await connection.close()
            del connection
        gc.collect()
        assert driver() is None

    run(server, body)


def test_a_connection_that_lost_its_server_frees_its_place_and_is_out_no_more(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        connection = await pool.acquire()
        terminate(server, "to_be_ended")
        await until_tasks(lambda: watched.borrowed() == [])
        assert watched.stats().in_use == 0
        await pool.release(connection)
        assert await pool.fetchval("select 1") == 1

    run(server, body, application="to_be_ended")


def test_a_traced_pool_fails_as_the_original_does(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        held = [await pool.acquire(), await pool.acquire()]
        with pytest.raises(asyncio.TimeoutError):
            await pool.acquire(timeout=0.01)
        with pytest.raises(asyncio.TimeoutError):
            async with pool.acquire(timeout=0.01):
                pass
        in_line = asyncio.ensure_future(pool.acquire())
        await until_tasks(lambda: watched.stats().waiting == 1)
        in_line.cancel()
        with pytest.raises(asyncio.CancelledError):
            await in_line
        assert watched.stats().timeouts_total == 3
        assert len(watched.borrowed()) == 2
        for connection in held:
            await pool.release(connection)
            await pool.release(connection)
        with pytest.raises(asyncpg.InterfaceError):
            await pool.release(object())
        context = pool.acquire()
        async with context:
            with pytest.raises(asyncpg.InterfaceError, match="already acquired"):
                await context.__aenter__()
        with pytest.raises(KeyError):
            async with pool.acquire():
                raise KeyError
        assert watched.borrowed() == []
        assert watched.stats().waiting == 0

    run(server, body)


def test_a_task_cancelled_with_a_connection_returns_it(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        async def hold() -> None:
            async with pool.acquire():
                await asyncio.Event().wait()

        holder = asyncio.create_task(hold())
        await until_tasks(lambda: len(watched.borrowed()) == 1)
        holder.cancel()
        with pytest.raises(asyncio.CancelledError):
            await holder
        assert watched.borrowed() == []
        held = [await pool.acquire(timeout=30), await pool.acquire(timeout=30)]
        for connection in held:
            await pool.release(connection)

    run(server, body)


def test_a_traced_pool_is_made_from_the_same_arguments(server: Any) -> None:
    async def inner() -> None:
        class Ours(asyncpg.Record):
            pass

        pool = await create_pool(**parts(server.dsn), min_size=0, record_class=Ours)
        assert isinstance(pool, TracedPool) and isinstance(pool, asyncpg.Pool)
        assert (pool.get_min_size(), pool.get_max_size(), pool.get_size()) == (0, 10, 0)
        assert type(await pool.fetchrow("select 1 as one")) is Ours
        await pool.close()
        with pytest.raises(ValueError, match="max_size"):
            create_pool(max_size=0)

    asyncio.run(inner())


def test_a_bare_pool_says_why_it_tells_no_borrowers(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        with pytest.raises(NotTracedError, match="connwarden.pools.asyncpg.create_pool"):
            watched.borrowed()

    run(server, body, make=asyncpg.create_pool)


def test_stopping_leaves_the_pool_unwatched(server: Any) -> None:
    async def body(pool: Any, watched: Watched, clock: Clock) -> None:
        with pytest.raises(ValueError, match="watched already"):
            watch(pool)
        connection = await pool.acquire()
        watched.stop()
        assert pool.ledger is None
        assert watched.borrowed() == []
        await pool.release(connection)
        with watch(pool) as again:
            async with pool.acquire():
                assert (again.name, len(again.borrowed())) == ("asyncpg", 1)

    run(server, body)
