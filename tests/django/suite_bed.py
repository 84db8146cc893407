"""A throwaway PostgreSQL and a proxy that serves all its databases: started by the `testbed` program."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

# Each of the processes that run tests has two databases, and there are some tests with threads.
POOL_SIZE = 5
SERVER_CONNECTIONS = 100


@dataclass(frozen=True)
class Door:
    """Where to knock: a host and a port."""

    host: str
    port: str


@dataclass(frozen=True)
class Bed:
    """The two doors, and the folder of the server's own socket."""

    server: Door
    proxy: Door
    socket: str

    def inventory(self) -> list[str]:
        """What tests could leave on the server: `kind name`, sorted."""
        sql = """select 'database ' || datname from pg_database
            union select 'role ' || rolname from pg_roles
            union select 'tablespace ' || spcname from pg_tablespace
            union select 'prepared transaction ' || gid from pg_prepared_xacts order by 1"""
        where = f"host={self.socket} port={self.server.port} dbname=postgres user=postgres"
        with psycopg.connect(where) as admin:
            return [row[0] for row in admin.execute(sql)]


@contextmanager
def bed(testbed: str) -> Iterator[Bed]:
    """A bed for the length of a `with`. Raises RuntimeError where nothing starts; its reason stands above."""
    command = [testbed, "up", "--mode", "transaction", "--pool-size", str(POOL_SIZE), "--any-database"]
    command += ["--max-connections", str(SERVER_CONNECTIONS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            facts: dict[str, str] = {}
            for line in process.stdout:
                if line.strip() == "ready":
                    break
                name, _, value = line.strip().partition("=")
                facts[name] = value
            else:
                raise RuntimeError(f"{' '.join(command)} started nothing")
            yield Bed(
                Door(facts["SERVER_HOST"], facts["SERVER_PORT"]),
                Door(facts["PROXY_HOST"], facts["PROXY_PORT"]),
                facts["SERVER_SOCKET"],
            )
        finally:
            # It ends with its input, and takes its servers and their folders along.
            process.stdin.close()
            process.wait(timeout=60)
