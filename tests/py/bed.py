"""A throwaway PostgreSQL and, before it, a proxy: started by the `testbed` program."""

import os
import pathlib
import subprocess

import psycopg

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
        """A connection string of the application: through the proxy, if there is one."""
        return self.dsn_direct if self.direct else self._dsn("PROXY")

    @property
    def dsn_direct(self):
        """The same, past the proxy."""
        return self._dsn("SERVER")

    def _dsn(self, door):
        host, port = self.facts[f"{door}_HOST"], self.facts[f"{door}_PORT"]
        return f"host={host} port={port} dbname={self.database} user=app"

    def sessions(self):
        """How many sessions of the application the server has."""
        with psycopg.connect(self.server) as admin:
            sql = "select count(*) from pg_stat_activity where usename = 'app' and backend_type = 'client backend'"
            return admin.execute(sql).fetchone()[0]


def testbed_program():
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("TESTBED", str(target / "fast" / "testbed"))


def start(mode, *more, direct=False):
    """A bed and the process it lives in. CONNWARDEN_DIRECT=1 checks the tests themselves against PostgreSQL alone."""
    direct = direct or os.environ.get("CONNWARDEN_DIRECT") == "1"
    command = [testbed_program(), "up", "--mode", mode, "--pool-size", str(POOL_SIZE), *more]
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
        raise RuntimeError(f"{command} started nothing (its reason stands above)")
    return process, Bed(facts, direct)


def stop(process):
    """Ends the bed, and waits until it is gone."""
    process.stdin.close()
    process.wait(timeout=30)
