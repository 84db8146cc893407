"""A bed for each pool mode."""

import psycopg
import pytest

from bed import POOL_SIZE, start, stop  # noqa: F401  the tests read POOL_SIZE here


def made(mode):
    process, bed = start(mode)
    with psycopg.connect(bed.dsn) as connection:
        connection.execute("create table if not exists items (id int primary key, name text not null)")
    return process, bed


@pytest.fixture(scope="session")
def transaction_bed():
    process, bed = made("transaction")
    yield bed
    stop(process)


@pytest.fixture(scope="session")
def session_bed():
    process, bed = made("session")
    yield bed
    stop(process)


@pytest.fixture(params=["transaction", "session"])
def bed(request):
    """Each test runs in both modes."""
    bed = request.getfixturevalue(f"{request.param}_bed")
    with psycopg.connect(bed.server, autocommit=True) as admin:
        admin.execute("set lock_timeout = '5s'")
        admin.execute("truncate items")
    return bed
