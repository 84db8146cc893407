"""The wall as it is deployed: gunicorn and uvicorn before it, straight to PostgreSQL and through the proxy in transaction mode;
and, from outside, the command that looks at it and mends it."""

from __future__ import annotations

import json
import pathlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
from bed import POOL_SIZE
from project import HERE, Project, fresh
from test_lifecycle import until

SERVERS = {
    "sync": ["gunicorn", "wall.wsgi:application", "--bind=127.0.0.1:0", "--workers=3"],
    "gthread": ["gunicorn", "wall.wsgi:application", "--bind=127.0.0.1:0", "--workers=2", "--threads=4"],
    "asgi": ["uvicorn", "wall.asgi:application", "--port=0", "--workers=1"],
}


@pytest.fixture(scope="module", params=["direct", "proxied"])
def wall(request) -> Iterator[Project]:
    """The wall on a server of 20 slots; its tables are made straight on the server."""
    with fresh(20, through_proxy=request.param == "proxied") as project:
        yield project


class Site:
    """A web server of the wall."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, data: bytes | None = None) -> tuple[int, dict]:
        """An answer: its status and its body."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", data=data)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"{}")

    def many(self, path: str, count: int, data: bytes | None = None) -> list[tuple[int, dict]]:
        """Answers of so many requests, eight at once."""
        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(lambda _: self.get(path, data), range(count)))


@contextmanager
def site(project: Project, kind: str, folder: pathlib.Path, **more: str) -> Iterator[Site]:
    """A running web server, ended in order."""
    log = folder / f"{kind}.log"
    if kind == "asgi":
        # Each request has a thread of its own there, and would leave a connection behind: W002 says so.
        more.setdefault("CONN_MAX_AGE", "0")
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *SERVERS[kind]],
            env=project.environment(**more),
            cwd=HERE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    word = "Listening at: http://127.0.0.1:" if kind != "asgi" else "running on http://127.0.0.1:"

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        return word in log.read_text()

    try:
        until(is_up)
        digits = log.read_text().split(word)[1].split()[0].strip()
        yield Site(int("".join(letter for letter in digits if letter.isdigit())))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(30)


def sessions(project: Project, name: str) -> int:
    """Sessions of an application, as the server sees them."""
    with psycopg.connect(project.bed.server) as admin:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
        row = admin.execute(sql, (name,)).fetchone()
        assert row is not None
        return int(row[0])


@pytest.mark.parametrize("kind", list(SERVERS))
def test_posts_are_written_and_read_by_many_at_once(wall, kind, tmp_path):
    with site(wall, kind, tmp_path, APP=f"wall-{kind}") as running:
        written = running.many(f"posts/?author={kind}", 30, b"")
        assert [status for status, _ in written] == [200] * 30, written[:3]
        assert len({body["id"] for _, body in written}) == 30
        status, read = running.get(f"posts/?author={kind}")
        assert status == 200 and len(read["posts"]) == 20
        assert running.many("slow/", 4)[0][0] == 200
        if wall.through_proxy:
            assert sessions(wall, f"wall-{kind}") <= POOL_SIZE


@pytest.mark.parametrize("kind", list(SERVERS))
def test_probes_are_answered_and_tell_strangers_little(wall, kind, tmp_path):
    with site(wall, kind, tmp_path) as running:
        for status, body in running.many("connwarden/health/", 12):
            assert status == 200 and set(body) == {"status"}, body
        assert running.get("health/")[0] == 200


def test_an_operation_is_seen_from_outside_by_its_name(wall):
    code = """
import threading
from django.db import connection
from connwarden.django import connection_monitor
started, ended = threading.Event(), threading.Event()
with connection_monitor("nightly import", utilization=False):
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        out = cursor.fetchone()[0]
"""
    query = wall.python(code)
    assert "nightly%20import" in query, query


def test_the_command_runs_through_the_same_door_as_the_application(wall):
    ran = wall.manage("db_connections", "--action=health", "--json")
    document = json.loads(ran.stdout)
    assert document["schema"] == "connwarden.health/1" and ran.returncode == document["exit_code"], ran.stderr
    ran = wall.manage("db_connections", "--action=status")
    assert ran.returncode == 0 and "Max Connections: 20" in ran.stdout, ran.stderr
    assert ("pooler" in ran.stderr) is wall.through_proxy, ran.stderr


def test_too_many_threads_exhaust_the_server_straight_and_wait_in_line_through_the_proxy(wall):
    with wall.start("simulate", "--threads", "30", APP="wall-django-simulator") as simulator:
        if wall.through_proxy:
            assert simulator.said.startswith("ready 0 refused"), simulator.said
            assert sessions(wall, "wall-django-simulator") <= POOL_SIZE
            return
        assert not simulator.said.startswith("ready 0 refused"), simulator.said
        why = wall.manage("db_connections", "--action=health", ADMIN="1")
        assert why.returncode == 2 and "most are held by wall-django-simulator" in why.stdout, why.stdout
        mended = wall.manage(
            "db_connections",
            "--action=force-close",
            "--app=wall-django-simulator",
            "--no-input",
            "--recheck=0",
            "--rate=100",
            ADMIN="1",
        )
        assert mended.returncode == 0, mended.stdout + mended.stderr
        assert wall.manage("db_connections", "--action=status").returncode == 0, (
            "the application gets in again"
        )
