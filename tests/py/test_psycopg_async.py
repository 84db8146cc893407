"""psycopg 3, asynchronous."""

import asyncio

import psycopg
import pytest

from conftest import POOL_SIZE


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def connect(bed, **options):
    return psycopg.AsyncConnection.connect(bed.dsn, autocommit=True, **options)


def test_many_clients_get_their_own_rows(bed):
    async def client(number):
        async with await connect(bed, prepare_threshold=0) as connection:
            for i in range(25):
                cursor = await connection.execute("select %s::int, %s::int", (number, i))
                assert await cursor.fetchone() == (number, i)

    async def all_of_them():
        await asyncio.gather(*(client(number) for number in range(40)))

    run(all_of_them())
    assert bed.direct or bed.sessions() <= POOL_SIZE


def test_pipelines_of_many_clients_do_not_mix(bed):
    async def client(number):
        async with await connect(bed) as connection, connection.pipeline():
            cursors = [await connection.execute("select %s::int, %s::int", (number, i)) for i in range(100)]
            for i, cursor in enumerate(cursors):
                assert await cursor.fetchone() == (number, i)

    async def all_of_them():
        await asyncio.gather(*(client(number) for number in range(20)))

    run(all_of_them())


def test_a_cancelled_task_cancels_its_query(bed):
    async def scenario():
        async with await connect(bed) as connection:
            task = asyncio.create_task(connection.execute("select pg_sleep(20)"))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, psycopg.errors.QueryCanceled)):
                await task
            cursor = await connection.execute("select 'after'")
            assert await cursor.fetchone() == ("after",)

    run(scenario())


def test_copy_of_many_clients_does_not_mix(bed):
    async def client(number):
        async with await connect(bed) as connection:
            sql = f"copy (select {number} from generate_series(1, 5000)) to stdout"
            async with connection.cursor().copy(sql) as copy:
                async for row in copy.rows():
                    assert row == (str(number),)

    async def all_of_them():
        await asyncio.gather(*(client(number) for number in range(12)))

    run(all_of_them())


def test_notifications_arrive_in_session_mode(session_bed):
    async def scenario():
        async with await connect(session_bed) as listener, await connect(session_bed) as teller:
            await listener.execute("listen news")
            await teller.execute("notify news, 'hello'")
            async for notify in listener.notifies(timeout=10, stop_after=1):
                assert notify.payload == "hello"
                return
            raise AssertionError("nothing was heard")

    run(scenario())


def test_clients_that_leave_in_mid_query_harm_nobody(transaction_bed):
    async def leaver():
        connection = await connect(transaction_bed)
        task = asyncio.create_task(connection.execute("select pg_sleep(0.3)"))
        await asyncio.sleep(0.05)
        # The socket goes without a word.
        connection.pgconn.finish()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def worker(number):
        async with await connect(transaction_bed) as connection:
            for i in range(40):
                cursor = await connection.execute("select %s::int, %s::int", (number, i))
                assert await cursor.fetchone() == (number, i)

    async def all_of_them():
        await asyncio.gather(*(worker(number) for number in range(8)), *(leaver() for _ in range(8)))

    run(all_of_them())
