"""A throwaway PostgreSQL and proxy for each pool mode, started by the `testbed` program."""

import os
import pathlib
import subprocess

import psycopg
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
POOL_SIZE = 5


class Bed:
    """Where the servers are."""

    def __init__(self, facts, direct):
        self.facts = facts
        self.database = facts["DATABASE"]
        self.direct = direct

    @property
    def server(self):
        """A connection string past the proxy, as the superuser."""
        return f"host={self.facts['SERVER_SOCKET']} port={self.facts['SERVER_PORT']} dbname={self.database} user=postgres"

    @property
    def dsn(self):
        """A connection string through the proxy."""
        if self.direct:
            return f"host={self.facts['SERVER_HOST']} port={self.facts['SERVER_PORT']} dbname={self.database} user=app"
        return f"host={self.facts['PROXY_HOST']} port={self.facts['PROXY_PORT']} dbname={self.database} user=app"

    def sessions(self):
        """How many sessions of the application the server has."""
        with psycopg.connect(self.server) as admin:
            sql = "select count(*) from pg_stat_activity where usename = 'app' and backend_type = 'client backend'"
            return admin.execute(sql).fetchone()[0]


def testbed_program():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("TESTBED", str(target / "fast" / "testbed"))


def start(mode):
    # CONNWARDEN_DIRECT=1 checks the tests themselves against PostgreSQL.
    direct = os.environ.get("CONNWARDEN_DIRECT") == "1"
    command = [testbed_program(), "up", "--mode", mode, "--pool-size", str(POOL_SIZE)]
    if direct:
        command.append("--no-proxy")
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    facts = {}
    for line in process.stdout:
        if line.strip() == "ready":
            break
        name, _, value = line.strip().partition("=")
        facts[name] = value
    else:
        pytest.fail(f"{command} started nothing (its reason stands above)")
    bed = Bed(facts, direct)
    with psycopg.connect(bed.dsn) as connection:
        connection.execute("create table if not exists items (id int primary key, name text not null)")
    return process, bed


def stop(process):
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture(scope="session")
def transaction_bed():
    process, bed = start("transaction")
    yield bed
    stop(process)


@pytest.fixture(scope="session")
def session_bed():
    process, bed = start("session")
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
