"""What a watch costs: `python tests/pools_cost.py`, which starts a server of its own.

Prints nanoseconds of CPU time of the borrower's thread for one checkout and its return. Each figure is the
fastest of many short batches, so that what else the machine does stays out of it.
"""

from __future__ import annotations

import pathlib
import sys
import time
import timeit
from collections.abc import Callable
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "py")]

from bed import start, stop  # noqa: E402
from psycopg_pool import ConnectionPool  # noqa: E402
from sqlalchemy import create_engine  # noqa: E402

from connwarden.pools import watch  # noqa: E402
from connwarden.pools.ledger import Ledger  # noqa: E402
from connwarden.pools.psycopg import TracedConnectionPool  # noqa: E402
from connwarden.pools.sampling import choice  # noqa: E402

SAMPLES = (0.0, 0.1, 1.0)
DEPTH = 12
"""Frames below the borrower: as deep as a small handler of a web framework."""


def nanoseconds(what: Callable[[], object], number: int = 500, repeat: int = 300) -> int:
    """Of one call, from a stack of some depth."""

    def deeper(depth: int) -> float:
        if depth:
            return deeper(depth - 1)
        return min(timeit.repeat(what, number=number, repeat=repeat, timer=time.thread_time))

    return round(deeper(DEPTH) / number * 1e9)


def ledger() -> None:
    """The ledger alone."""

    class Connection:
        pass

    connection = Connection()
    for sample in SAMPLES:
        book = Ledger("cost", leak_after=30, chosen=choice(sample, seed=1), limit=1000)

        def once(book: Ledger = book) -> None:
            book.lent(book.request(), id(connection), connection)
            book.returned(id(connection))

        print(f"ledger, sample={sample}: {nanoseconds(once)}")


def watched(title: str, pool: Any, once: Callable[[], object]) -> None:
    """One pool: unwatched, and watched with each sample."""
    print(f"{title}, not watched: {nanoseconds(once, number=100)}")
    for sample in SAMPLES:
        with watch(pool, sample=sample, seed=1):
            print(f"{title}, sample={sample}: {nanoseconds(once, number=100)}")


def main() -> None:
    """All of them."""
    ledger()
    process, bed = start("transaction", direct=True)
    for kind in (ConnectionPool, TracedConnectionPool):
        with kind(bed.dsn, min_size=1, max_size=1, open=False) as pool:
            once = lambda pool=pool: pool.putconn(pool.getconn())  # noqa: E731
            if kind is ConnectionPool:
                print(f"psycopg, the original: {nanoseconds(once, number=100)}")
            else:
                watched("psycopg", pool, once)
    pool = ConnectionPool(bed.dsn, min_size=1, max_size=1, open=True)
    engine = create_engine("postgresql+psycopg://", creator=pool.getconn, pool_reset_on_return=None)
    watched("sqlalchemy", engine, lambda: engine.raw_connection().close())
    engine.dispose()
    pool.close()
    stop(process)


if __name__ == "__main__":
    main()
