"""The wall's processes, as a team would start them: `manage.py`, and Python with its settings."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from bed import start, stop

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Project:
    """The wall on one server. `through_proxy`: the application's connections go through the proxy, the administrator's do
    not."""

    bed: Any
    through_proxy: bool = False

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes are told. Names of `more` are in capitals, without `WALL_`."""
        facts = self.bed.facts
        door = "PROXY" if self.through_proxy else "SERVER"
        told = {
            "HOST": facts[f"{door}_HOST"],
            "PORT": facts[f"{door}_PORT"],
            "NAME": self.bed.database,
            "ADMIN_HOST": facts["SERVER_SOCKET"],
            "ADMIN_PORT": facts["SERVER_PORT"],
            **more,
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("WALL_", "PG"))}
        return {
            **clean,
            **{f"WALL_{name}": value for name, value in told.items()},
            "DJANGO_SETTINGS_MODULE": "wall.settings",
            "PYTHONPATH": str(HERE),
            "PYTHONUNBUFFERED": "1",
        }

    def sessions(self, name: str, number: int) -> list[psycopg.Connection]:
        """Idle sessions of an application, as the project's role, straight on the server."""
        return sessions(self.bed, name, number)

    def manage(self, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Runs `manage.py` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            env=self.environment(**more),
            cwd=HERE,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def python(self, code: str, *, first: str = "", **more: str) -> Any:
        """What a piece of Python, run with the settings, leaves in `out`. `first` runs before them."""
        whole = f"{first}\nimport django, json\ndjango.setup()\nout = None\n{code}\nprint('\\n' + json.dumps(out, default=str))"
        ran = subprocess.run(
            [sys.executable, "-c", whole],
            env=self.environment(**more),
            cwd=HERE,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    def start(self, *arguments: str, **more: str) -> Held:
        """Starts `manage.py` with a command that says it is ready, and waits for that word."""
        process = subprocess.Popen(
            [sys.executable, "-m", "django", *arguments],
            env=self.environment(**more),
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        held = Held(process, process.stdout.readline().strip())
        if not held.said.startswith("ready"):
            process.kill()
            raise AssertionError(f"{arguments}: {held.said!r} {process.communicate()[1]}")
        return held


def sessions(bed: Any, name: str, number: int) -> list[psycopg.Connection]:
    """Idle sessions of an application. Each has said something: its last statement is known."""
    dsn = f"{bed.dsn_direct} application_name={name}"
    held = [psycopg.connect(dsn, autocommit=True) for _ in range(number)]
    for one in held:
        one.execute("SELECT 1")
    return held


@contextmanager
def fresh(slots: int, *, through_proxy: bool | None = None, tables: bool = True) -> Iterator[Project]:
    """The wall on a server of its own, of so many slots. `through_proxy` is None where there is no proxy at all."""
    process, bed = start("transaction", "--max-connections", str(slots), direct=through_proxy is None)
    try:
        if tables:
            # Straight on the server, whichever way the project goes.
            made = Project(bed).manage("migrate", "--run-syncdb", "-v", "0")
            assert made.returncode == 0, made.stderr
        yield Project(bed, through_proxy=bool(through_proxy))
    finally:
        stop(process)


@dataclass
class Held:
    """A process that keeps what it has until it is let go."""

    process: subprocess.Popen[str]
    said: str

    def let_go(self) -> int:
        """Ends its input, and waits for its end."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.read()
        if self.process.stderr is not None:
            self.process.stderr.read()
        return self.process.wait(timeout=60)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()
