"""Engines of SQLAlchemy on a real server, by the events of their pools."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
from pools_bed import Clock, next_line, parts, terminate, until, until_tasks
from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool, QueuePool, StaticPool

from connwarden.pools import watch
from connwarden.pools.sqlalchemy import CountedAsyncQueuePool, CountedQueuePool

EVENTS = ["checkout", "checkin", "detach", "connect", "invalidate"]


def url(server: Any, driver: str, **query: str) -> URL:
    said = parts(server.dsn)
    where = {"host": said["host"], "port": said["port"], **query}
    return URL.create(f"postgresql+{driver}", username=said["user"], database=said["database"], query=where)


def engine_of(server: Any, driver: str = "psycopg", **more: Any) -> Engine:
    return create_engine(
        url(server, driver), **{"pool_size": 1, "max_overflow": 1, "poolclass": QueuePool, **more}
    )


def async_engine_of(server: Any, driver: str, **more: Any) -> AsyncEngine:
    given = {"pool_size": 1, "max_overflow": 1, "poolclass": CountedAsyncQueuePool, **more}
    return create_async_engine(url(server, driver), **given)


@pytest.fixture
def engine(server: Any) -> Iterator[Engine]:
    made = engine_of(server)
    yield made
    made.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize("kind", [QueuePool, CountedQueuePool])
def test_an_engine_exhausted_by_threads_tells_its_sizes_and_a_counted_pool_who_waits(
    driver: str, kind: Any, server: Any
) -> None:
    engine = engine_of(server, driver, poolclass=kind)
    with watch(engine, name="orders") as watched:
        release = threading.Event()

        def work() -> None:
            with engine.connect() as connection:
                connection.execute(text("select 1"))
                release.wait(60)

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        until(lambda: watched.stats().in_use == 2)
        until(lambda: len(watched.borrowed()) == 2)
        full = watched.stats()
        assert (full.name, full.kind, full.size, full.idle, full.max) == ("orders", "sqlalchemy", 2, 0, 2)
        if kind is CountedQueuePool:
            until(lambda: watched.stats().waiting == 3)
        else:
            assert (full.waiting, full.requests_total, full.waited_total) == (None, None, None)
        release.set()
        for thread in threads:
            thread.join()
        after = watched.stats()
        assert (after.in_use, after.lent_total, after.lost_total) == (0, 5, 0)
        assert after.opened_total is not None and after.opened_total >= 2
        if kind is CountedQueuePool:
            assert (after.requests_total, after.waiting, after.timeouts_total) == (5, 0, 0)
            assert after.waited_total is not None and after.waited_total >= 4
    engine.dispose()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_asynchronous_engine_exhausted_by_tasks_tells_who_waits_and_who_holds(
    driver: str, server: Any
) -> None:
    async def run() -> None:
        engine = async_engine_of(server, driver)
        with watch(engine, sample=1) as watched:
            release = asyncio.Event()

            async def work() -> None:
                async with engine.connect() as connection:
                    await connection.execute(text("select 1"))
                    await release.wait()

            tasks = [asyncio.create_task(work(), name=f"work-{n}") for n in range(5)]
            await until_tasks(lambda: watched.stats().waiting == 3)
            await until_tasks(lambda: len(watched.borrowed()) == 2)
            assert {one.borrower for one in watched.borrowed()} <= {task.get_name() for task in tasks}
            assert {one.stack[0].function for one in watched.borrowed() if one.stack} == {"work"}
            assert (watched.stats().size, watched.stats().max) == (2, 2)
            release.set()
            await asyncio.gather(*tasks)
            assert (watched.stats().requests_total, watched.stats().lent_total) == (5, 5)
            assert watched.borrowed() == []
        await engine.dispose()

    asyncio.run(run())


def test_a_leak_is_found_with_the_line_that_took_it(engine: Engine) -> None:
    clock = Clock()
    with watch(engine, sample=1, clock=clock) as watched:
        line = next_line()
        connection = engine.connect()
        clock.passes(64)
        [leak] = watched.leaks()
        assert (leak.where, leak.held_seconds) == (line, 64.0)
        assert leak.pool == engine.url.database
        connection.close()
        assert watched.borrowed() == []
        assert watched.stats().leaks_total == 1


def test_a_session_borrows_where_its_first_query_stands(engine: Engine) -> None:
    with watch(engine, sample=1) as watched, Session(engine) as session:
        assert watched.borrowed() == []
        line = next_line()
        session.execute(text("select 1"))
        assert watched.borrowed()[0].where == line
        session.commit()
        assert watched.borrowed() == []


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_an_asynchronous_session_borrows_where_its_first_query_stands(driver: str, server: Any) -> None:
    async def run() -> None:
        engine = async_engine_of(server, driver)
        with watch(engine, sample=1) as watched:
            async with AsyncSession(engine) as session:
                line = next_line()
                await session.execute(text("select 1"))
                assert watched.borrowed()[0].where == line
            assert watched.borrowed() == []
        await engine.dispose()

    asyncio.run(run())


def test_a_connection_dropped_by_its_borrower_is_told(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with watch(engine, sample=1) as watched:
        engine.raw_connection()
        gc.collect()
        assert watched.borrowed() == []
        assert watched.stats().abandoned_total == 1
        told = [record.getMessage() for record in caplog.records if record.name == "connwarden.pools"]
        assert told == ["a borrower dropped its connection unreturned"]
        assert watched.stats().in_use == 0


def test_no_connection_is_kept_by_the_record_of_its_loan(engine: Engine) -> None:
    with watch(engine, sample=1) as watched:
        borrowed = engine.raw_connection()
        alive = weakref.ref(borrowed)
        assert len(watched.borrowed()) == 1
        del borrowed
        gc.collect()
        assert alive() is None


def test_a_detached_connection_is_out_of_the_pool_no_more(engine: Engine) -> None:
    with watch(engine) as watched:
        connection = engine.connect()
        connection.detach()
        assert watched.borrowed() == []
        connection.close()
        assert watched.stats().abandoned_total == 0


def test_a_connection_that_the_server_ended_counts_as_lost_and_is_in_again(server: Any) -> None:
    engine = create_engine(url(server, "psycopg", application_name="to_be_ended"), pool_size=1)
    with watch(engine) as watched:
        with pytest.raises(DBAPIError), engine.connect() as connection:
            connection.execute(text("select 1"))
            terminate(server, "to_be_ended")
            connection.execute(text("select 1"))
        assert watched.borrowed() == []
        assert watched.stats().lost_total == 1
        with engine.connect():
            assert watched.stats().opened_total == 2
    engine.dispose()


@pytest.mark.parametrize("kind", [CountedQueuePool])
def test_a_counted_pool_times_out_as_the_original_and_counts_on_when_disposed_of(
    kind: Any, server: Any
) -> None:
    engine = engine_of(server, poolclass=kind, pool_timeout=0.01)
    with watch(engine) as watched:
        first, second = engine.connect(), engine.connect()
        with pytest.raises(TimeoutError, match="QueuePool limit of size 1 overflow 1 reached"):
            engine.connect()
        assert watched.stats().timeouts_total == 1
        first.close()
        second.close()
        engine.dispose()
        with engine.connect():
            after = watched.stats()
            assert (after.requests_total, after.timeouts_total, after.in_use) == (4, 1, 1)
            assert len(watched.borrowed()) == 1
    engine.dispose()


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"])
def test_a_cancelled_task_leaves_no_record_and_no_connection_out(driver: str, server: Any) -> None:
    async def run() -> None:
        engine = async_engine_of(server, driver)
        with watch(engine) as watched:
            held = [await engine.connect(), await engine.connect()]
            in_line = asyncio.ensure_future(engine.connect().start())
            await until_tasks(lambda: watched.stats().waiting == 1)
            in_line.cancel()
            with pytest.raises(asyncio.CancelledError):
                await in_line
            assert (watched.stats().timeouts_total, watched.stats().waiting) == (1, 0)
            await held.pop().close()

            async def hold() -> None:
                async with engine.connect():
                    await asyncio.Event().wait()

            holder = asyncio.create_task(hold())
            await until_tasks(lambda: len(watched.borrowed()) == 2)
            holder.cancel()
            with pytest.raises(asyncio.CancelledError):
                await holder
            await held.pop().close()
            assert watched.borrowed() == []
            assert watched.stats().in_use == 0
        await engine.dispose()

    asyncio.run(run())


def test_pools_that_keep_nothing_are_told_by_what_is_out(server: Any) -> None:
    engine = create_engine(url(server, "psycopg"), poolclass=NullPool)
    with watch(engine) as watched, engine.connect():
        now = watched.stats()
        assert (now.size, now.idle, now.in_use, now.max) == (1, 0, 1, None)
    engine = create_engine(url(server, "psycopg"), poolclass=StaticPool)
    with watch(engine) as watched, engine.connect():
        now = watched.stats()
        assert (now.size, now.idle, now.in_use, now.max) == (None, None, 1, None)
    engine.dispose()


@pytest.mark.parametrize(("size", "overflow", "most"), [(3, 4, 7), (3, 0, 3), (3, -1, None), (0, 4, None)])
def test_the_bound_is_size_and_overflow_together(
    size: int, overflow: int, most: int | None, server: Any
) -> None:
    engine = engine_of(server, pool_size=size, max_overflow=overflow)
    with watch(engine) as watched, engine.connect():
        assert (watched.stats().max, watched.stats().in_use) == (most, 1)
    engine.dispose()


def test_a_pool_can_be_watched_without_its_engine(engine: Engine) -> None:
    with watch(engine.pool) as watched, engine.connect():
        assert (watched.name, len(watched.borrowed())) == ("sqlalchemy", 1)


def test_two_watches_of_one_engine_do_not_disturb_each_other(engine: Engine) -> None:
    one, other = watch(engine, sample=1), watch(engine, sample=0)
    with engine.connect():
        assert one.borrowed()[0].stack is not None
        assert other.borrowed()[0].stack is None
        one.stop()
    assert (other.borrowed(), other.stats().lent_total) == ([], 1)
    other.stop()


def listeners(engine: Engine) -> list[int]:
    return [len(list(getattr(engine.pool.dispatch, name))) for name in EVENTS]


@pytest.mark.parametrize("disposed", [False, True])
def test_stopping_leaves_no_listener_behind(disposed: bool, engine: Engine) -> None:
    before = listeners(engine)
    watched = watch(engine)
    connection = engine.connect()
    old = engine.pool
    if disposed:
        engine.dispose()
    assert listeners(engine) != before
    watched.stop()
    watched.stop()
    assert listeners(engine) == before
    assert not list(old.dispatch.checkout)
    connection.close()
    with engine.connect():
        assert watched.borrowed() == []


def test_a_listener_of_somebody_else_that_refuses_a_checkout_leaves_no_record(engine: Engine) -> None:
    with watch(engine) as watched:

        def refuse(*_: object) -> None:
            raise KeyError("not now")

        event.listen(engine, "checkout", refuse)
        with pytest.raises(KeyError):
            engine.connect()
        assert watched.borrowed() == []
        assert watched.stats().in_use == 0
