"""What a scope of `connection_monitor` adds to a statement, in microseconds.

    python bench/python/monitor_cost.py [--pairs 400] [--statements 200]

Django's cursor executes a statement on a stub of a driver, which does nothing, so that what is left is
Python's own time. Blocks of statements without and with a scope take turns (A B B A ...); the difference is
taken pair by pair, and its median is told with the quartiles and a 95 % interval (percentile bootstrap, fixed
seed). `nothing` holds a block against its like: what the ruler itself sees where there is nothing to see.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import pathlib
import platform
import random
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter_ns
from typing import Any, cast

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

import django  # noqa: E402
from django.conf import settings  # noqa: E402

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "stub"}}, USE_TZ=True
)
django.setup()

from django.db import connection  # noqa: E402

from connwarden.django.monitor import connection_monitor  # noqa: E402

Around = AbstractContextManager[Any]

SEED = 20_261_127
COLUMNS = ", ".join(f'"wall_post"."column_{n}"' for n in range(12))
SHORT = "SELECT 1"
EACH_ANOTHER = "SELECT NUMBER"
LONG = f'SELECT {COLUMNS} FROM "wall_post" WHERE "wall_post"."id" = %s LIMIT 21'


class Cursor:
    """A driver's cursor that does nothing."""

    def execute(self, sql: str, params: object = None) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Info:
    """What psycopg says of a connection in a transaction."""

    transaction_status = 2


class Raw:
    """A driver's connection that does nothing."""

    autocommit = True
    info = Info()

    def cursor(self, *_: object, **__: object) -> Cursor:
        """A cursor."""
        return Cursor()

    def close(self) -> None:
        """Nothing."""


def scope() -> Around:
    """What is measured."""
    return connection_monitor("bulk_operation", utilization=False)


def tagless() -> Around:
    """The same, with the texts left alone."""
    return connection_monitor("bulk_operation", utilization=False, tag=False)


def atomic(around: Callable[[], Around]) -> Callable[[], Around]:
    """`around` in a transaction that the stub is in already."""

    @contextmanager
    def within() -> Iterator[None]:
        connection.in_atomic_block = True
        try:
            with around():
                yield
        finally:
            connection.in_atomic_block = False
            connection.run_on_commit = []

    return within


def blocks(sql: str, params: list[int] | None, statements: int) -> Callable[[], Callable[[], int]]:
    """Makes blocks of statements. A block says how many nanoseconds it took."""
    # Django's own cursor around the stub.
    execute = connection.make_cursor(cast(Any, Cursor())).execute

    def prepared() -> Callable[[], int]:
        # Each a new string, as the ORM makes them: its hash is not known yet.
        texts = [sql.replace("NUMBER", str(number)) for number in range(statements)]
        texts = [str(text.encode(), "utf-8") for text in texts]

        def block() -> int:
            started = perf_counter_ns()
            for text in texts:
                execute(text, params)
            return perf_counter_ns() - started

        return block

    return prepared


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--statements", type=int, default=200, help="in each block")
    options = parser.parse_args()
    logging.disable()
    connection.connection = Raw()
    connection.autocommit = True
    cases: dict[str, tuple[str, list[int] | None, Callable[[], Around], Callable[[], Around]]] = {
        "nothing": (LONG, [1], nullcontext, nullcontext),
        "short, no parameters": (SHORT, None, nullcontext, scope),
        "an ORM's SELECT": (LONG, [1], nullcontext, scope),
        "each statement another": (EACH_ANOTHER, None, nullcontext, scope),
        "an ORM's SELECT, no tag": (LONG, [1], nullcontext, tagless),
        "an ORM's SELECT, in a transaction": (LONG, [1], atomic(nullcontext), atomic(scope)),
    }
    print(f"Python {platform.python_version()}, Django {django.__version__}, seed {SEED}")
    print(f"{options.pairs} pairs of {options.statements} statements; microseconds for each statement\n")
    print("| case | without | added: median | quartiles | 95 % interval |\n|---|---|---|---|---|")
    for name, (sql, params, without, within) in cases.items():
        prepared = blocks(sql, params, options.statements)
        print(row(name, *measured(options.pairs, options.statements, prepared, without, within)))
    assert connection.execute_wrappers == []
    print(f"\nA scope without statements: {scopes():.0f} microseconds by `with`, ", end="")
    print(f"{asyncio.run(scopes_of_coroutines()):.0f} by `async with` (medians of 2000).")


def measured(
    pairs: int,
    statements: int,
    prepared: Callable[[], Callable[[], int]],
    without: Callable[[], Around],
    within: Callable[[], Around],
) -> tuple[list[float], list[float]]:
    """Microseconds for each statement: without a scope, and what it adds, pair by pair."""

    def one(around: Callable[[], Around]) -> float:
        block = prepared()
        with around():
            return block() / statements / 1000

    base, added = [], []
    gc.disable()
    for pair in range(pairs + 20):
        if pair % 2:
            more, plain = one(within), one(without)
        else:
            plain, more = one(without), one(within)
        if pair >= 20:
            base.append(plain)
            added.append(more - plain)
        gc.collect(0)
    gc.enable()
    return base, added


def scopes() -> float:
    """Microseconds of a scope's beginning and end."""
    found = []
    for _ in range(2000):
        started = perf_counter_ns()
        with scope():
            pass
        found.append((perf_counter_ns() - started) / 1000)
    return statistics.median(found)


async def scopes_of_coroutines() -> float:
    """The same in a coroutine, with its two changes of thread."""
    found = []
    for _ in range(2000):
        started = perf_counter_ns()
        async with connection_monitor("bulk_operation", utilization=False):
            pass
        found.append((perf_counter_ns() - started) / 1000)
    return statistics.median(found)


def row(name: str, base: list[float], added: list[float]) -> str:
    """A line of the table."""
    low, middle, high = statistics.quantiles(added, n=4)
    chance = random.Random(SEED)
    medians = sorted(statistics.median(chance.choices(added, k=len(added))) for _ in range(2000))
    interval = f"{medians[49]:.3f} to {medians[1949]:.3f}"
    return f"| {name} | {statistics.median(base):.3f} | {middle:.3f} | {low:.3f} to {high:.3f} | {interval} |"


if __name__ == "__main__":
    main()
