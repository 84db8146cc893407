"""`manage.py db_connections`, run as a team runs it, on a server of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import psycopg
import pytest
from project import HERE, fresh


@pytest.fixture
def small():
    """The wall on a server of 12 slots, its tables made."""
    with fresh(12) as project:
        yield project


def grant(project):
    """Lets the project's role see what others do."""
    with psycopg.connect(project.bed.server, autocommit=True) as admin:
        admin.execute("GRANT pg_monitor TO app")


def test_status_prints_the_lines_of_the_guide(small):
    grant(small)
    held = small.sessions("wall-django-api", 2) + small.sessions("psql", 1)
    ran = small.manage("db_connections", "--action=status")
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    for line in [
        "Max Connections: 12",
        "Total Connections: 3",
        "Idle Connections: 3",
        "Utilization: 25.0%",
        "✅ Connection utilization is healthy",
        "=== Connections by Application ===",
        "wall-django-api: 2 connections (idle)",
        "psql: 1 connection (idle)",
    ]:
        assert line in lines, ran.stdout
    assert len(held) == 3


def test_without_an_action_it_shows_the_status_and_in_other_forms(small):
    held = small.sessions("wall-django-api", 1)
    assert "Max Connections: 12" in small.manage("db_connections").stdout
    assert json.loads(small.manage("db_connections", "--json").stdout)["schema"] == "connwarden.status/1"
    screen = small.manage("db_connections", "--output=human", "--ascii", "--by", "user,state").stdout
    assert "=== PostgreSQL Connections ===" in screen and "USER" in screen
    assert "OK Connection utilization is healthy" in screen and "✅" not in screen
    assert len(held) == 1


def test_health_leaves_its_verdict(small):
    ran = small.manage("db_connections", "--action=health")
    assert ran.returncode == 0 and ran.stdout.startswith("OK"), ran.stdout + ran.stderr
    held = small.sessions("wall-django-api", 10)
    ran = small.manage("db_connections", "--action=health", "--check=utilization")
    assert ran.returncode == 1, ran.stdout
    ran = small.manage("db_connections", "--action=health", "--check=utilization", "--fail-on=crit")
    assert ran.returncode == 0, ran.stdout
    ran = small.manage(
        "db_connections", "--action=health", "--check=utilization", "--crit=80", "-o", "nagios"
    )
    assert ran.returncode == 2 and ran.stdout.startswith("CONN CRITICAL"), ran.stdout
    ran = small.manage("db_connections", "--action=status", "--check")
    assert ran.returncode == 1 and "above 70%" in ran.stdout
    assert len(held) == 10


def test_services_are_held_against_a_plan(small, tmp_path):
    grant(small)
    plan = tmp_path / "connwarden-plan.toml"
    plan.write_text(
        "[service.api]\nreplicas = 1\npool = 2\nrollout = 'recreate'\napplication_name = ['wall-django-api']\n"
    )
    held = small.sessions("wall-django-api", 3) + small.sessions("stranger", 1)
    screen = small.manage("db_connections", "--output=human", f"--plan={plan}").stdout
    line = {row.split()[0]: row.rstrip() for row in screen.splitlines() if row.strip()}
    assert line["APPLICATION"].endswith("PLAN") and line["wall-django-api"].endswith("3/2"), screen
    assert line["stranger"].endswith("unplanned"), screen
    ran = small.manage("db_connections", "--action=health", "--check=plan-exceeded", f"--plan={plan}")
    assert ran.returncode == 1 and "api 3 of 2" in ran.stdout, ran.stdout + ran.stderr
    plan.write_text("[service.api\n")
    ran = small.manage("db_connections", "--output=human", f"--plan={plan}")
    assert ran.returncode == 0 and "warning: no plan: " in ran.stderr and "PLAN" not in ran.stdout, ran.stderr
    assert len(held) == 4


def test_close_idle_acts_on_this_projects_database_and_tells(small):
    grant(small)
    held = small.sessions("wall-django-api", 3)
    other = psycopg.connect(small.bed.server.replace("dbname=app", "dbname=postgres"), autocommit=True)
    arguments = ("db_connections", "--action=close-idle", "--min-age=0", "--i-know", "--recheck=0")
    shown = small.manage(*arguments, "--dry-run")
    assert shown.returncode == 0 and "Would close 3 of 3" in shown.stdout, shown.stdout + shown.stderr
    assert held[0].execute("SELECT 1").fetchone() == (1,), "a dry run touches nobody"
    ran = small.manage(*arguments)
    assert ran.returncode == 0 and "closed 3" in ran.stdout, ran.stdout + ran.stderr
    for one in held:
        with pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")
    assert other.execute("SELECT 1").fetchone() == (1,), "another database is not this project's"


def test_close_idle_leaves_young_sessions_alone_by_default(small):
    held = small.sessions("wall-django-api", 2)
    ran = small.manage("db_connections", "--action=close-idle")
    assert ran.returncode == 0 and "Nothing to close" in ran.stdout, ran.stdout
    assert held[0].execute("SELECT 1").fetchone() == (1,)
    ran = small.manage("db_connections", "--action=close-idle", "--min-age=2s")
    assert ran.returncode == 64 and "--i-know" in ran.stderr, ran.stderr


def test_force_close_asks_on_a_terminal_and_refuses_without_one(small):
    held = small.sessions("wall-django-materializer", 2)
    ran = small.manage("db_connections", "--action=force-close", "--recheck=0")
    assert ran.returncode == 2 and "--no-input" in ran.stderr, ran.stderr
    assert held[0].execute("SELECT 1").fetchone() == (1,)
    ran = small.manage("db_connections", "--action=force-close", "--no-input", "--recheck=0")
    assert ran.returncode == 0 and "closed 2" in ran.stdout, ran.stdout + ran.stderr
    with pytest.raises(psycopg.OperationalError):
        held[0].execute("SELECT 1")


@pytest.mark.parametrize(("typed", "closed"), [("1", True), ("y", False), ("", False)])
def test_the_number_has_to_be_typed(small, typed, closed):
    [one] = small.sessions("wall-django-api", 1)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "django", "db_connections", "--action=force-close", "--recheck=0"],
        env=small.environment(),
        cwd=HERE,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    said = b""
    while b"to continue:" not in said:
        said += os.read(leader, 1024)
    assert b"Type 1 to continue:" in said, said
    os.write(leader, typed.encode() + b"\n")
    try:
        while True:
            said += os.read(leader, 1024)
    except OSError:
        pass
    os.close(leader)
    assert process.wait(timeout=60) == (0 if closed else 2), said
    if closed:
        with pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")
    else:
        assert one.execute("SELECT 1").fetchone() == (1,)


def test_monitor_watches_a_line_at_a_time(small):
    ran = small.manage(
        "db_connections", "--action=monitor", "--watch", "--interval=0.5", "--count=3", "--warn=80"
    )
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == 3 and all(" util=" in line for line in lines), ran.stdout
    assert "churn=" in lines[-1], "the second look knows what came and went"
    once = small.manage("db_connections", "--action=monitor")
    assert "Max Connections: 12" in once.stdout and " util=" in once.stdout


def test_monitor_goes_on_over_a_new_connection_where_its_own_was_ended(small):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "django",
            "db_connections",
            "--action=monitor",
            "--watch",
            "--interval=0.5",
            "--count=4",
        ],
        env=small.environment(),
        cwd=HERE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    with psycopg.connect(small.bed.server, autocommit=True) as admin:
        sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'wall-django-api'"
        assert len(admin.execute(sql).fetchall()) == 1
    rest = process.stdout.read().splitlines()
    assert process.wait(60) == 0, rest
    assert " util=" in first and len(rest) == 3 and " util=" in rest[-1], rest


def test_a_full_server_is_entered_by_the_administrators_alias(small):
    held = small.sessions("wall-django-api", 12)
    ran = small.manage("db_connections", "--action=status")
    assert ran.returncode == 3 and "too many clients" in ran.stderr, ran.stdout + ran.stderr
    ran = small.manage("db_connections", "--action=status", "--check")
    assert ran.returncode == 2, "full is what is being watched"
    ran = small.manage("db_connections", "--action=health", "--json")
    assert ran.returncode == 2 and json.loads(ran.stdout)["error"]["code"] == "server_full", ran.stdout
    ran = small.manage("db_connections", "--action=status", "--json")
    assert json.loads(ran.stdout)["code"] == "server_full", ran.stdout
    # The walsender's slots are others, and a superuser may use them.
    ran = small.manage("db_connections", "--action=status", ADMIN="1")
    assert ran.returncode == 0 and "wall-django-api: 12 connections (idle)" in ran.stdout, ran.stderr
    assert "walsender" in ran.stderr, ran.stderr
    ran = small.manage(
        "db_connections",
        "--action=close-idle",
        "--min-age=0",
        "--i-know",
        "--recheck=0",
        "--keep=2",
        ADMIN="1",
    )
    assert ran.returncode == 0 and "closed 10" in ran.stdout, ran.stdout + ran.stderr
    assert len(held) == 12


def test_a_wall_that_fills_its_server_is_told_why_and_mended(small):
    with small.start("simulate", "--threads", "20", APP="wall-django-simulator") as simulator:
        assert simulator.said.startswith("ready 8 refused"), simulator.said
        ran = small.manage("db_connections", "--action=health", ADMIN="1")
        assert ran.returncode == 2, ran.stdout
        assert "CRIT utilization" in ran.stdout and "wall-django-simulator" in ran.stdout, ran.stdout
        ran = small.manage(
            "db_connections",
            "--action=force-close",
            "--app=wall-django-simulator",
            "--no-input",
            "--recheck=0",
            "--rate=100",
            ADMIN="1",
        )
        assert ran.returncode == 0 and "closed 12" in ran.stdout, ran.stdout + ran.stderr
        ran = small.manage("db_connections", "--action=health", ADMIN="1")
        assert ran.returncode == 0, ran.stdout


def test_a_transaction_left_open_is_found_with_its_service(small):
    with small.start("materialize", "--leak", APP="wall-django-materializer"):
        ran = small.manage(
            "db_connections", "--action=health", "--idle-tx-warn=0", "--check=idle-in-transaction", ADMIN="1"
        )
        assert ran.returncode in (1, 2) and "wall-django-materializer" in ran.stdout, ran.stdout


def test_what_makes_no_sense_is_refused_and_nothing_is_guessed(small):
    held = small.sessions("wall-django-api", 2)
    acting = ("db_connections", "--action=close-idle", "--min-age=0", "--i-know", "--recheck=0")
    for wrong, said in [
        ((*acting, "--max=0"), "--max"),
        ((*acting, "--rate=0"), "rate"),
        (("db_connections", "--database=nope"), "nope"),
        (("db_connections", "--action=monitor", "--watch", "--warn=90", "--crit=80"), "above crit"),
    ]:
        ran = small.manage(*wrong)
        assert ran.returncode == 64 and said in ran.stderr and "Traceback" not in ran.stderr, ran.stderr
    # A role or a database that the settings do not name is not taken for a pattern, or for everybody.
    ran = small.manage("db_connections", "--action=force-close", "--no-input", USER="")
    assert ran.returncode in (3, 64), ran.stdout
    assert held[0].execute("SELECT 1").fetchone() == (1,)


def test_nobody_there_is_said_in_words_without_a_trace(small):
    ran = small.manage("db_connections", "--action=status", PORT="1")
    assert ran.returncode == 3 and ran.stderr.startswith("error: ") and "Traceback" not in ran.stderr, (
        ran.stderr
    )


def test_another_kind_of_database_is_refused(small):
    code = "from django.core.management import call_command\ncall_command('db_connections', database='none')"
    ran = small.manage("shell", "-c", code)
    assert "doesn't exist" in ran.stderr
    for wrong in (["--min-age=soon"], ["--action=top"], ["--rate=fast"]):
        ran = small.manage("db_connections", *wrong)
        assert ran.returncode != 0 and "Traceback" not in ran.stderr, ran.stderr
