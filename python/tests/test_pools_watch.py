"""What `watch` takes and refuses, its thread, and what the package loads."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest
from pools_bed import Clock, until

from connwarden.pools import Frame, PoolStats, watch
from connwarden.pools.psycopg import TracedConnectionPool

LAZY = {"asyncpg", "django", "greenlet", "prometheus_client", "psycopg", "psycopg_pool", "sqlalchemy"}


@pytest.fixture
def pool(server: Any) -> Any:
    with TracedConnectionPool(server.dsn, min_size=1, max_size=2, open=False, name="orders") as made:
        yield made


def beats() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "connwarden-orders"]


def test_a_thread_that_looks_tells_a_leak_though_nobody_asks(
    pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    with watch(pool, every=0.01, clock=clock), pool.connection():
        assert [thread.daemon for thread in beats()] == [True]
        clock.passes(64)
        until(lambda: any(record.name == "connwarden.pools" for record in caplog.records))
    until(lambda: beats() == [])


def test_a_watch_that_is_let_go_of_takes_its_thread_with_it(pool: Any) -> None:
    watch(pool, every=0.01)
    gc.collect()
    until(lambda: beats() == [])


def test_a_look_that_fails_is_told_and_the_next_one_comes(
    pool: Any, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[float] = []

    def clock() -> float:
        looks.append(0.0)
        if len(looks) == 1:
            raise KeyError("clock")
        return 0.0

    with watch(pool, every=0.01, clock=clock):
        until(lambda: len(looks) > 2)
    assert [record.getMessage() for record in caplog.records] == ["a look at a pool failed"]
    assert caplog.records[0].levelno == logging.ERROR


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"leak_after": 0}, "leak_after is a number above 0, not 0"),
        ({"leak_after": float("nan")}, "leak_after is a number above 0"),
        ({"every": -1.0}, "every is a number above 0"),
        ({"limit": 0}, "limit is a number above 0"),
        ({"sample": 1.5}, "sample is 1.5"),
    ],
)
def test_a_number_that_means_nothing_is_refused_and_the_pool_stays_free(
    more: dict[str, Any], said: str, pool: Any
) -> None:
    with pytest.raises(ValueError, match=said):
        watch(pool, **more)
    watch(pool).stop()


def test_anything_but_a_pool_is_refused() -> None:
    with pytest.raises(TypeError, match="watch takes a pool of psycopg_pool.*not a list"):
        watch([])


def test_a_class_of_a_library_that_is_no_pool_is_refused() -> None:
    from psycopg_pool.sched import Scheduler

    with pytest.raises(TypeError, match="not a Scheduler"):
        watch(Scheduler())


def test_what_is_told_can_be_written_down(pool: Any) -> None:
    with watch(pool, sample=1) as watched, pool.connection():
        [one] = watched.borrowed()
        assert one.stack is not None and isinstance(one.stack[0], Frame)
        assert one.as_dict()["stack"][0] == one.where
        stats = watched.stats()
        assert PoolStats(**stats.as_dict()) == stats
        assert repr(watched) == "<Watched 'orders', 1 out>"


def test_no_library_is_loaded_that_the_program_does_not_use() -> None:
    code = f"""
import sys, connwarden.pools
loaded = {{name.partition('.')[0] for name in sys.modules}}
print(sorted(loaded & {LAZY}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
