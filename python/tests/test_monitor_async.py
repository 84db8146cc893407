"""`connection_monitor` in coroutines: tasks, threads of asgiref, asynchronous views."""

from __future__ import annotations

import asyncio
import random
import types
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient, override_settings
from django.urls import path
from monitor_bed import ALIAS, aliases, ask, watched

from connwarden.django.monitor import Monitor, connection_monitor


@pytest.fixture
def bed(server: Any) -> Iterator[Any]:
    with aliases(server):
        yield server


def quiet(operation: str = "op", **arguments: Any) -> Monitor:
    return connection_monitor(operation, utilization=False, **arguments)


def one() -> Any:
    return ask(connections[ALIAS], "SELECT current_query()")


def is_watched() -> bool:
    return watched(connections[ALIAS])


query = sync_to_async(one)
watched_there = sync_to_async(is_watched)
close = sync_to_async(connections.close_all)
TAGGED = "/*op='op'*/ SELECT current_query()"
SEED = 20_261_127
PLAIN = "SELECT current_query()"


def run(coroutine: Any) -> Any:
    """In a loop of its own, whose thread for synchronous work is left without connections."""

    async def closing() -> Any:
        try:
            return await coroutine
        finally:
            await close()

    return asyncio.run(closing())


def test_statements_of_djangos_thread_count_though_its_connection_was_open_before(bed: Any) -> None:
    async def work() -> Any:
        await query()
        async with quiet() as m:
            assert await query() == TAGGED
            await query()
        assert not await watched_there()
        return m

    m = run(work())
    assert (m.queries, m.connections_opened, m.warnings) == (2, {}, [])


def test_a_connection_that_is_opened_within_counts(bed: Any) -> None:
    async def work() -> Any:
        async with quiet() as m:
            await query()
        assert not await watched_there()
        return m

    m = run(work())
    assert (m.queries, m.connections_opened) == (1, {ALIAS: 1})


def test_tasks_begun_within_count_and_others_do_not(bed: Any) -> None:
    async def work() -> Any:
        inside, done = asyncio.Event(), asyncio.Event()

        async def other() -> Any:
            await inside.wait()
            text = await query()
            done.set()
            return text

        task = asyncio.create_task(other())
        async with quiet() as m:
            inside.set()
            await done.wait()
            assert list(await asyncio.gather(query(), query())) == [TAGGED, TAGGED]
        return m, await task

    m, others = run(work())
    assert others == PLAIN
    assert m.queries == 2


def test_scopes_of_tasks_that_take_turns_on_one_connection_count_apart(bed: Any) -> None:
    async def task(name: str, times: int, gate: Together) -> Any:
        async with quiet(name) as m:
            for _ in range(times):
                await gate.wait()
                assert await query() == f"/*op='{name}'*/ {PLAIN}"
        return m.queries

    async def work() -> Any:
        gate = Together(3)
        found = await asyncio.gather(*(task(f"task_{n}", 3, gate) for n in range(3)))
        assert not await watched_there()
        return found

    assert run(work()) == [3, 3, 3]


def test_scopes_of_many_tasks_count_what_each_has_run(bed: Any) -> None:
    print("seed", SEED)
    chance = random.Random(SEED)

    async def life(path: str, depth: int) -> int:
        """Runs statements and scopes within; how many statements it ran."""
        ran = 0
        for _ in range(chance.randrange(1, 4)):
            if depth == 3 or chance.random() < 0.4:
                assert await query() == (f"/*op='{path}'*/ {PLAIN}" if path else PLAIN)
                ran += 1
            elif chance.random() < 0.5:
                name = f"s{chance.randrange(100)}"
                async with quiet(name) as m:
                    within = await life(f"{path}/{name}" if path else name, depth + 1)
                assert m.queries == within
                ran += within
            else:
                ran += sum(await asyncio.gather(life(path, depth + 1), life(path, depth + 1)))
        return ran

    async def work() -> int:
        ran = sum(await asyncio.gather(*(life("", 0) for _ in range(20))))
        assert not await watched_there()
        return ran

    assert run(work()) > 50


def test_a_task_that_outlives_the_scope_is_left_out(bed: Any) -> None:
    async def work() -> Any:
        over = asyncio.Event()

        async def late() -> Any:
            await over.wait()
            return await query()

        async with quiet() as m:
            await query()
            task = asyncio.create_task(late())
        over.set()
        assert await task == PLAIN
        assert not await watched_there()
        return m

    assert run(work()).queries == 1


def test_a_thread_of_asyncio_counts_by_a_new_connection_or_if_it_is_told(bed: Any) -> None:
    def told(m: Any) -> Any:
        with m.here():
            return one()

    async def work() -> Any:
        async with quiet() as m:
            assert await asyncio.to_thread(one) == TAGGED
        asyncio.get_running_loop()
        async with quiet("later") as later:
            texts = {await sync_to_async(told, thread_sensitive=False)(later)}
            await sync_to_async(connections.close_all, thread_sensitive=False)()
        return m.queries, later.queries, texts

    assert run(work()) == (1, 1, {"/*op='later'*/ SELECT current_query()"})


def test_a_decorated_coroutine_is_a_scope(bed: Any) -> None:
    @quiet("decorated")
    async def work(number: int) -> Any:
        """Its own text."""
        return number, await query()

    assert asyncio.iscoroutinefunction(work)
    assert (work.__name__, work.__doc__) == ("work", "Its own text.")
    assert run(work(7)) == (7, f"/*op='decorated'*/ {PLAIN}")


def test_an_exception_passes_and_nothing_is_left(bed: Any) -> None:
    async def work() -> Any:
        await query()
        m = quiet()
        with pytest.raises(ZeroDivisionError):
            async with m:
                raise ZeroDivisionError
        assert not await watched_there()
        assert await query() == PLAIN
        return m

    assert run(work()).failed


def test_a_cancelled_scope_ends_and_passes_the_cancellation_on(bed: Any) -> None:
    async def work() -> Any:
        inside = asyncio.Event()
        m = quiet()

        async def cancelled() -> None:
            async with m:
                await query()
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(cancelled())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not await watched_there()
        return m

    m = run(work())
    assert (m.failed, m.queries) == (True, 1)


def test_a_coroutine_that_is_closed_ends_its_scope_without_waiting(bed: Any) -> None:
    async def work() -> Any:
        await query()
        m = quiet()

        async def never() -> None:
            async with m:
                await Stop()

        coroutine = never()
        await until_stop(coroutine)
        coroutine.close()
        assert await query() == PLAIN
        assert not await watched_there()
        return m

    assert run(work()).failed


def test_with_in_a_coroutine_says_what_it_misses(bed: Any) -> None:
    async def work() -> Any:
        await query()
        with quiet("plain") as m:
            await query()
        return m

    m = run(work())
    assert m.queries == 0
    assert m.warnings == [
        "plain: entered by `with` in a coroutine, which misses open connections: use `async with`"
    ]


def test_a_synchronous_scope_sees_what_it_runs_by_async_to_sync(bed: Any) -> None:
    async def work() -> Any:
        return await query()

    one()
    with quiet() as m:
        assert async_to_sync(work)() == TAGGED
    assert m.queries == 1
    assert not is_watched()


async def view(request: HttpRequest) -> JsonResponse:
    before = await query()
    async with quiet("view") as m:
        within = await query()
        await asyncio.gather(query(), query())
    after = await query()
    return JsonResponse(
        {"queries": m.queries, "texts": [before, within, after], "left": await watched_there()}
    )


urlpatterns = [path("", view)]


def test_an_asynchronous_view_is_seen_in_full(bed: Any) -> None:
    async def work() -> Any:
        client = AsyncClient()
        answers = await asyncio.gather(*(client.get("/") for _ in range(3)))
        return [answer.json() for answer in answers]

    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[], ALLOWED_HOSTS=["*"]):
        answers = run(work())
    expected = {"queries": 3, "texts": [PLAIN, f"/*op='view'*/ {PLAIN}", PLAIN], "left": False}
    assert answers == [expected] * 3


class Together:
    """asyncio.Barrier, which Python 3.10 lacks."""

    def __init__(self, parties: int) -> None:
        self._parties = parties
        self._waiting = 0
        self._gate: asyncio.Event = asyncio.Event()

    async def wait(self) -> None:
        self._waiting += 1
        gate = self._gate
        if self._waiting % self._parties == 0:
            self._gate = asyncio.Event()
            gate.set()
        await gate.wait()


class Stop:
    """Awaited, it stops a coroutine that `until_stop` runs."""

    def __await__(self) -> Any:
        yield self


@types.coroutine
def until_stop(coroutine: Any) -> Any:
    """Runs a coroutine to its `Stop`, and leaves it there."""
    step = coroutine.send(None)
    while not isinstance(step, Stop):
        yield step
        step = coroutine.send(None)
