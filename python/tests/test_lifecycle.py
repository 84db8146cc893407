"""Connections and processes: real gunicorns, Celery's signals, ASGI's lifespan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django
import psycopg
import pytest
from test_backend import COUNTING, run

HERE = pathlib.Path(__file__).parent
SITE = HERE / "backend" / "site"

STACKS = ["counted", *(["pool"] if django.VERSION >= (5, 1) else [])]


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        pause.wait(0.02)


class Site:
    """A running gunicorn."""

    def __init__(self, process: subprocess.Popen[str], port: int, log: pathlib.Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=60) as answer:
            return str(answer.read().decode())

    def looks(self, count: int) -> list[tuple[int, int, set[str]]]:
        """Process, session and sockets, as several requests at once find them."""
        with ThreadPoolExecutor(count) as threads:
            answers = list(threads.map(lambda _: self.get("look"), range(count)))
        split = [answer.split(" ") for answer in answers]
        return [(int(pid), int(session), set(sockets.split(","))) for pid, session, sockets in split]

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()


def process_sockets(pid: int) -> set[str]:
    """All sockets of a process, as the kernel numbers them."""
    links = (os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir())
    return {link for link in links if link.startswith("socket:")}


def _environ(server: Any, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DB_HOST": server.facts["SERVER_HOST"],
        "DB_PORT": server.facts["SERVER_PORT"],
        "DB_NAME": server.database,
        "DB_USER": "app",
        "DB_MAX_CONNS": "3",
        "CONN_MAX_AGE": "600",
        **more,
    }


@contextlib.contextmanager
def site(server: Any, tmp_path: pathlib.Path, hooks: str, *words: str, **more: str) -> Iterator[Site]:
    log = tmp_path / "log"
    environ = _environ(server, **more)
    command = [sys.executable, "-m", "gunicorn", "wall_site:application", "--bind=127.0.0.1:0", "-c"]
    command += [str(SITE / f"{hooks}.conf.py"), "--workers=2", f"--log-file={log}", *words]
    process = subprocess.Popen(command, env=environ, text=True, cwd=tmp_path)
    try:
        until(lambda: process.poll() is not None or (log.exists() and "Booting worker" in log.read_text()))
        assert process.poll() is None, log.read_text()
        line = next(line for line in log.read_text().splitlines() if "Listening at" in line)
        yield Site(process, int(line.split("127.0.0.1:")[1].split(" ")[0]), log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)


class Admin:
    """A look at the server from outside."""

    def __init__(self, server: Any) -> None:
        self.raw = psycopg.connect(server.server, autocommit=True)
        self.server = server

    def value(self, sql: str) -> int:
        row = self.raw.execute(sql).fetchone()  # type: ignore[arg-type,call-overload,unused-ignore]
        assert row is not None
        return int(row[0])

    def sessions(self, more: str = "") -> int:
        return self.value(
            f"select count(*) from pg_stat_activity where application_name = 'wall-site' {more}"
        )

    def abandoned(self) -> int:
        name = self.server.database
        return self.value(f"select sessions_abandoned from pg_stat_database where datname = '{name}'")

    def over(self) -> bool:
        """No session is left, and what the last ones counted has arrived."""
        return self.sessions() == 0


@pytest.fixture
def admin(server: Any) -> Iterator[Admin]:
    made = Admin(server)
    yield made
    made.raw.close()


WORKERS = [("--worker-class=sync",), ("--worker-class=gthread", "--threads=4")]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("words", WORKERS)
def test_a_gunicorn_that_ends_says_goodbye_for_every_session(
    server: Any, admin: Admin, tmp_path: pathlib.Path, words: tuple[str, ...], stack: str
) -> None:
    pool = "on" if stack == "pool" else "off"
    before = admin.abandoned()
    with site(server, tmp_path, "hooks", *words, "--preload", DB_POOL=pool, ASK_AT_LOAD="1") as running:
        looks = running.looks(16)
        assert 1 <= admin.sessions() <= 6
        # One of them is killed: the master starts another.
        killed = looks[0][0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: killed not in {pid for pid, _, _ in running.looks(8)})
        # A killed process cannot say goodbye: what it left counts as abandoned, and only that.
        until(lambda: admin.abandoned() > before)
        lost = admin.abandoned() - before
        assert lost <= 3
        running.end()
    until(admin.over)
    assert admin.abandoned() - before == lost


@pytest.mark.parametrize("stack", STACKS)
def test_workers_share_no_socket_with_the_master_or_with_each_other(
    server: Any, admin: Admin, tmp_path: pathlib.Path, stack: str
) -> None:
    """Without any hook: the engine alone sees to it."""
    pool = "on" if stack == "pool" else "off"
    threads = ("--worker-class=gthread", "--threads=3")
    with site(server, tmp_path, "plain", *threads, "--preload", DB_POOL=pool, ASK_AT_LOAD="1") as running:
        sockets: dict[int, set[str]] = {}
        sessions = set()

        def both_have_answered() -> bool:
            for pid, session, mine in running.looks(8):
                sockets.setdefault(pid, set()).update(mine)
                sessions.add(session)
            return len(sockets) == 2

        until(both_have_answered)
        assert all(sockets.values())
        one, other = sockets.values()
        assert not one & other
        inherited = process_sockets(running.process.pid)
        assert not (one | other) & inherited
        # The master still has the session it asked with, which nobody has disturbed.
        # A pool may have opened more than these requests met.
        assert admin.sessions() >= len(sessions) + 1
        running.end()
    until(admin.over)


def test_the_master_keeps_no_session_where_the_hooks_are(
    server: Any, admin: Admin, tmp_path: pathlib.Path
) -> None:
    with site(server, tmp_path, "hooks", "--preload", ASK_AT_LOAD="1") as running:
        sessions = {session for _, session, _ in running.looks(12)}
        until(lambda: admin.sessions() == len(sessions))
        running.end()
    until(admin.over)


def test_a_request_under_way_is_answered_before_its_worker_ends(
    server: Any, admin: Admin, tmp_path: pathlib.Path
) -> None:
    before = admin.abandoned()
    with site(server, tmp_path, "hooks", "--worker-class=gthread", "--threads=2") as running:
        running.looks(8)
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(running.get, "hold?s=1.0")
            until(lambda: admin.sessions("and state = 'active'") == 1)
            running.end()
            assert answer.result(30) == "held"
    until(admin.over)
    assert admin.abandoned() == before


@pytest.mark.parametrize(("hooks", "left"), [("hooks", 0), ("plain", 1)])
def test_a_statement_in_the_background_ends_with_its_worker_where_the_hooks_are(
    server: Any, admin: Admin, tmp_path: pathlib.Path, hooks: str, left: int
) -> None:
    with site(server, tmp_path, hooks, "--workers=1") as running:
        assert running.get("background") == "started"
        until(lambda: admin.sessions("and state = 'active'") == 1)
        running.end()
    # Without them the server goes on for ten minutes, for nobody.
    until(lambda: admin.sessions("and state = 'active'") == left)
    assert admin.sessions("and state = 'active'") == left
    admin.raw.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'wall-site'"
    )
    until(admin.over)


@pytest.mark.parametrize("stack", COUNTING)
@pytest.mark.parametrize(
    "scenario",
    ["celery_is_connected_when_asked", "a_lifespan_closes", "djangos_own_engine_forgets_when_asked"],
)
def test_other_servers(server: Any, stack: str, scenario: str) -> None:
    run(server, stack, scenario)


def test_a_lifespan_passes_requests_on() -> None:
    pytest.importorskip("django.db")
    from connwarden.django.lifecycle import with_lifespan

    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody asked")

    asyncio.run(with_lifespan(application)({"type": "http"}, nothing, nothing))
    assert seen == ["http"]


def test_a_celery_worker_shares_nothing_and_leaves_nothing(
    server: Any, admin: Admin, tmp_path: pathlib.Path
) -> None:
    before = admin.abandoned()
    environ = _environ(server, TASKS_FOLDER=str(tmp_path), ASK_AT_LOAD="1")
    command = [sys.executable, "-m", "celery", "-A", "wall_tasks", "worker", "--concurrency=2"]
    command += ["--pool=prefork", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=log, stderr=log)
    try:
        until(lambda: process.poll() is not None or len(list(tmp_path.glob("note-?"))) == 8, 60)
        assert process.poll() is None, (tmp_path / "log").read_text()
        notes = [path.read_text().split(" ") for path in tmp_path.glob("note-?")]
        parent = process_sockets(process.pid)
        assert parent and all(parent.isdisjoint(sockets.split(",")) for _, _, sockets in notes)
        assert {pid for pid, _, _ in notes}.isdisjoint({str(process.pid)})
        # One for each child that worked, kept between tasks, and the one the parent asked with.
        assert admin.sessions() == len({session for _, session, _ in notes}) + 1
        assert len({session for _, session, _ in notes}) == len({pid for pid, _, _ in notes})
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, (tmp_path / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
    until(admin.over)
    assert admin.abandoned() == before


def test_an_asgi_server_closes_when_it_shuts_down(server: Any, admin: Admin, tmp_path: pathlib.Path) -> None:
    before = admin.abandoned()
    log = tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "wall_site:asgi_application", "--port=0", "--lifespan=on"]
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env=_environ(server), cwd=tmp_path, stdout=out, stderr=out, text=True
        )
    try:
        until(lambda: process.poll() is not None or "running on" in log.read_text())
        assert process.poll() is None, log.read_text()
        running = Site(process, int(log.read_text().split("127.0.0.1:")[1].split(" ")[0]), log)
        sessions = {session for _, session, _ in running.looks(12)}
        assert sessions and admin.sessions() <= 3
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        assert "Application shutdown complete" in log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
    until(admin.over)
    assert admin.abandoned() == before
