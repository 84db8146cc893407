"""What a team ran into that followed its guide to the letter: each is found, by the check that is there for it."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys

import psycopg
import pytest
from bed import start, stop
from project import fresh

import connwarden

PROGRAM = pathlib.Path(sys.executable).parent / "connwarden"


@pytest.fixture(scope="module")
def wall():
    """The wall on a server of 20 slots."""
    with fresh(20, tables=False) as project:
        yield project


@pytest.fixture
def admin(wall):
    """A superuser's connection."""
    with psycopg.connect(wall.bed.server, autocommit=True) as connection:
        yield connection


def checks(wall, *arguments):
    """The checks of a health, by name."""
    ran = wall.manage("db_connections", "--action=health", "--json", *arguments, ADMIN="1")
    return {check["id"]: check for check in json.loads(ran.stdout)["checks"]}


def test_1_a_limit_that_was_changed_by_a_reload_waits_for_a_restart(wall, admin):
    # Of the limits, one that this server does not have on its command line.
    admin.execute("ALTER SYSTEM SET max_wal_senders = 12")
    try:
        admin.execute("SELECT pg_reload_conf()")
        waiting = "SELECT pending_restart FROM pg_settings WHERE name = 'max_wal_senders'"
        for _ in range(500):
            if admin.execute(waiting).fetchone()[0]:
                break
            admin.execute("SELECT pg_sleep(0.02)")
        found = checks(wall)["pending-restart"]
        # Of max_connections itself it would be a warning; that is tested where the checks are.
        assert "waiting for a restart: max_wal_senders" in found["message"], found
    finally:
        admin.execute("ALTER SYSTEM RESET max_wal_senders")
        admin.execute("SELECT pg_reload_conf()")


def test_2_comments_within_a_folded_command(tmp_path):
    compose = tmp_path / "compose.yaml"
    compose.write_text(
        "services:\n  db:\n    image: postgres:16\n    command: >\n      postgres\n"
        "      -c max_connections=200\n      # more than the default\n      -c shared_buffers=128MB\n"
    )
    ran = subprocess.run([PROGRAM, "plan", "lint", "-f", compose], capture_output=True, text=True, timeout=60)
    assert "COMPOSE001" in ran.stdout and f"{compose}:7" in ran.stdout, ran.stdout + ran.stderr


def test_3_max_conns_without_effect(wall):
    code = """
from django.core import checks
from django.test import override_settings
from django.conf import settings
entry = {**settings.DATABASES["default"], "MAX_CONNS": 20}
with override_settings(DATABASES={"default": entry}):
    from connwarden.django import checks as ours
    out = [one.id for one in checks.run_checks()]
"""
    assert "connwarden.W001" in wall.python(code)


def test_4_160_of_200_is_not_safe(tmp_path):
    plan = tmp_path / "connwarden-plan.toml"
    plan.write_text(
        "[server]\nmax_connections = 200\n[service.api]\nreplicas = 4\npool = 25\n"
        "[service.materializer]\npool = 25\n[service.simulator]\npool = 25\n[other.admin]\nconnections = 10\n"
    )
    report = connwarden.plan_check(plan=str(plan))
    assert report.level == "warning" and "160 of 197 usable (81.2%)" in report.text("plain")


def test_5_and_8_idle_connections_are_told_only_where_slots_are_scarce_and_with_what_helps(wall):
    held = wall.sessions("wall-django-api", 3)
    try:
        assert checks(wall)["idle-hoarding"]["level"] == "ok", "every healthy pool is mostly idle"
        held += wall.sessions("wall-django-api", 13)
        found = checks(wall)["idle-hoarding"]
        assert found["level"] == "warning" and "smaller pools" in found["hint"], found
        page = connwarden.explain("idle-hoarding").text("plain")
        assert "CONN_MAX_AGE counts from connect" in page, page
    finally:
        for one in held:
            one.close()


def test_6_one_session_that_may_not_be_closed_does_not_save_the_others(wall, admin):
    held = wall.sessions("wall-django-api", 3)
    superuser = psycopg.connect(f"{wall.bed.server} application_name=wall-django-api", autocommit=True)
    ran = wall.manage(
        "db_connections", "--action=close-idle", "--min-age=0", "--i-know", "--recheck=0", "--app=wall-*"
    )
    assert ran.returncode == 0 and "closed 3" in ran.stdout, ran.stdout + ran.stderr
    assert superuser.execute("SELECT 1").fetchone() == (1,)
    superuser.close()
    assert len(held) == 3


def test_7_who_comes_straight_back_is_told(wall):
    """A pool opens again what was closed."""
    from psycopg_pool import ConnectionPool

    dsn = f"{wall.bed.dsn_direct} application_name=wall-django-pool"
    with ConnectionPool(dsn, min_size=3, max_size=3, check=ConnectionPool.check_connection) as pool:
        pool.wait()
        look = connwarden.Server.connect(wall.bed.server)
        plan = look.closing("close-idle", only={"app": ["wall-django-pool"]}, min_age=0.0, i_know=True)

        def told(*_):
            # Somebody works on: the pool finds that its connection is gone, and makes another.
            with pool.connection() as connection:
                connection.execute("SELECT 1")

        report = plan.carry_out(look, rate=100, recheck=0.5, told=told)
        back = json.loads(report.json())["reconnected"]
        assert back.get("wall-django-pool", 0) >= 1, back
        assert "wall-django-pool" in report.text("plain")
        look.close()


def test_9_the_text_that_an_ordinary_role_should_not_read(wall):
    page = connwarden.explain("FATAL: sorry, too many clients already").text("plain")
    assert "Docker" in page or "superuser" in page
    other = connwarden.explain(
        "FATAL: remaining connection slots are reserved for non-replication superuser connections"
    ).text("plain")
    assert other != page


def test_10_prepared_statements_work_through_the_proxy():
    process, bed = start("transaction")
    try:
        for _ in range(3):
            with psycopg.connect(bed.dsn, prepare_threshold=0, autocommit=True) as connection:
                for number in range(5):
                    assert connection.execute("SELECT %s::int", (number,)).fetchone() == (number,)
    finally:
        stop(process)


def test_the_program_comes_with_the_package():
    assert PROGRAM.is_file() or shutil.which("connwarden"), os.listdir(PROGRAM.parent)
    ran = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, timeout=60)
    assert ran.stdout.startswith(f"connwarden {connwarden.__version__} "), ran.stdout
