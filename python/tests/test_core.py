"""The part in Rust, over connections of its own and of the drivers."""

from __future__ import annotations

import json
import os
import threading

import psycopg
import psycopg2
import pytest
from project import sessions

import connwarden


@pytest.fixture(params=["own", "psycopg", "psycopg2"])
def look(request, server):
    """A server looked at in each of the ways."""
    if request.param == "own":
        found = connwarden.Server.connect(server.server)
        yield found
        found.close()
        return
    driver = psycopg if request.param == "psycopg" else psycopg2
    connection = driver.connect(server.server)
    yield connwarden.over(connection)
    connection.close()


def test_each_way_says_the_same_of_who_holds_the_slots(server, look):
    held = sessions(server, "census", 3)
    try:
        report = look.status(only={"app": ["census"]})
        document = json.loads(report.json())
        assert document["schema"] == "connwarden.status/1"
        [group] = [group for group in document["groups"] if group["key"]["app"] == "census"]
        assert group["total"] == 3 and group["states"] == {"idle": 3}
        assert "census: 3 connections (idle)" in report.text("plain").splitlines()
        assert report.level == "ok" and report.exit_code == 0
    finally:
        for one in held:
            one.close()


def test_a_look_leaves_the_connection_as_it_was(server):
    for driver in (psycopg, psycopg2):
        connection = driver.connect(server.dsn_direct)
        look = connwarden.over(connection)
        look.status()
        assert connection.info.transaction_status == 0, "no transaction is left behind"
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        look.status()
        assert connection.info.transaction_status == 2, "and an open one stays open"
        connection.close()


def test_within_a_transaction_a_look_sees_what_is_new(server):
    connection = psycopg.connect(server.server)
    look = connwarden.over(connection)
    connection.execute("SELECT count(*) FROM pg_stat_activity")
    held = sessions(server, "newcomer", 1)
    try:
        assert "newcomer" in look.status().text("plain"), "a transaction keeps its first view of the activity"
    finally:
        held[0].close()
        connection.close()


def test_in_a_failed_transaction_the_reason_is_said(server):
    connection = psycopg.connect(server.dsn_direct)
    look = connwarden.over(connection)
    with pytest.raises(psycopg.Error):
        connection.execute("SELECT 1/0")
    with pytest.raises(RuntimeError, match="roll it back first"):
        look.status()
    connection.close()


def test_what_the_driver_raises_is_the_cause_of_one_kind_of_error(server):
    connection = psycopg.connect(server.dsn_direct)
    look = connwarden.over(connection)
    connection.close()
    with pytest.raises(connwarden.ConnwardenError, match="closed") as caught:
        look.status()
    assert isinstance(caught.value.__cause__, psycopg.OperationalError) and caught.value.code == "network"
    slow = psycopg.connect(server.dsn_direct, options="-c statement_timeout=1", autocommit=True)
    with pytest.raises(connwarden.ConnwardenError) as caught:
        for _ in range(200):
            connwarden.over(slow).health()
    assert caught.value.code == "timeout" and caught.value.sqlstate == "57014"
    slow.close()


def test_what_others_raise_within_a_look_passes_as_it_was():
    def ask(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        connwarden.Server.over(ask, "nowhere", 15).status()


def test_health_judges_and_tells_in_every_form(look):
    report = look.health(apart=0.3)
    document = json.loads(report.json())
    assert document["schema"] == "connwarden.health/1" and document["verdict"] == report.level
    checks = {check["id"]: check["level"] for check in document["checks"]}
    assert checks["utilization"] == "ok" and checks["churn"] != "skip", checks
    assert report.text("nagios").startswith("CONN OK")
    assert "connwarden_pg_connections_max 50" in report.text("prometheus")
    with pytest.raises(ValueError, match="no form"):
        report.text("xml")


def test_thresholds_decide(look, server):
    held = sessions(server, "threshold", 2)
    assert look.status(thresholds={"warn": 0.1, "crit": 0.2}).level == "critical"
    assert look.health(checks=["utilization"], thresholds={"warn": 0.1}).exit_code == 1
    for one in held:
        one.close()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"thresholds": {"wran": 1}}, "warn, crit"),
        ({"thresholds": {"warn": 90, "crit": 80}}, "above crit"),
        ({"checks": ["utilisation"]}, "utilization"),
        ({"apart": -1.0}, "apart"),
    ],
)
def test_what_makes_no_sense_is_a_value_error_with_the_way_out(look, asked, said):
    with pytest.raises(ValueError, match=said):
        look.health(**asked)


def test_a_filter_that_is_wrong_shows_where(look):
    with pytest.raises(ValueError, match="--where"):
        look.status(only={"where": ["idle >"]})
    with pytest.raises(ValueError, match="query_match"):
        look.status(only={"apps": ["x"]})


def test_idle_sessions_are_closed_one_by_one_and_told(server, look):
    held = sessions(server, "sleeper", 3)
    plan = look.closing("close-idle", only={"app": ["sleeper"]}, min_age=0.0, i_know=True)
    assert plan.victims == 3 and plan.running == 0
    assert "Would close 3 of 3 idle sessions" in plan.report().text("plain")
    heard = []
    report = plan.carry_out(look, rate=100, recheck=0, told=lambda *one: heard.append(one))
    assert [result for _, result, _ in heard] == ["closed"] * 3
    assert json.loads(report.json())["ended"] == "finished"
    for one in held:
        with pytest.raises(psycopg.OperationalError):
            one.execute("SELECT 1")


def test_whoever_did_something_since_the_plan_is_left_alone(server, look):
    [one] = sessions(server, "awake", 1)
    plan = look.closing("close-idle", only={"app": ["awake"]}, min_age=0.0, i_know=True)
    one.execute("SELECT 2")
    report = plan.carry_out(look, recheck=0)
    assert [victim["result"] for victim in json.loads(report.json())["victims"]] == ["became_busy"]
    assert one.execute("SELECT 3").fetchone() == (3,)
    one.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_listener_that_raises_stops_nothing(server, look):
    held = sessions(server, "told", 2)

    def told(*_):
        raise ZeroDivisionError

    plan = look.closing("close-idle", only={"app": ["told"]}, min_age=0.0, i_know=True)
    report = plan.carry_out(look, rate=100, recheck=0, told=told)
    assert {victim["result"] for victim in json.loads(report.json())["victims"]} == {"closed"}
    assert len(held) == 2


def test_force_close_wants_to_know_whom(look):
    with pytest.raises(ValueError, match="whom"):
        look.closing("force-close")


def test_nobody_there_is_an_error_with_code_and_hint():
    with pytest.raises(connwarden.ConnwardenError) as caught:
        connwarden.Server.connect("host=127.0.0.1 port=1 user=nobody password=geheim")
    error = caught.value
    assert error.code == "network" and error.sqlstate is None and error.hint
    assert error.health.level == "unknown" and error.health.exit_code == 3
    assert "geheim" not in f"{error} {error.report} {error.health.json()} {error!r}"


def test_a_closed_server_says_so(server):
    look = connwarden.Server.connect(server.server)
    look.close()
    with pytest.raises(connwarden.ConnwardenError, match="closed"):
        look.status()


def test_threads_share_a_server_one_look_at_a_time(server):
    look = connwarden.Server.connect(server.server)
    levels = []
    threads = [threading.Thread(target=lambda: levels.append(look.status().level)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert levels == ["ok"] * 8
    look.close()


def test_the_presets_and_the_sums_are_the_programs():
    assert connwarden.presets()["production"] == {"max_conns": 25, "conn_max_age": 600, "debug": False}
    waiting = connwarden.waiting(rate=100, hold=0.05, pool=6)
    assert round(waiting["probability"], 4) == 0.5875 and round(waiting["mean"] * 1000, 2) == 29.38
    assert connwarden.waiting(rate=100, hold=0.05, pool=5)["mean"] is None, "the line grows without end"
    with pytest.raises(ValueError, match="1 or more"):
        connwarden.waiting(rate=1, hold=1, pool=0)


def test_a_plan_is_checked(tmp_path):
    plan = tmp_path / "connwarden-plan.toml"
    plan.write_text("[server]\nmax_connections = 200\n[service.api]\nreplicas = 4\npool = 25\n")
    report = connwarden.plan_check(plan=str(plan))
    assert report.level == "ok" and "peak 100 of 197 usable" in report.text("plain")
    with pytest.raises(ValueError, match="nowhere.toml"):
        connwarden.plan_check(plan=str(tmp_path / "nowhere.toml"))


def test_a_folder_of_what_is_deployed_is_checked(tmp_path):
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / "compose.yaml").write_text(
        "services:\n  db:\n    image: postgres:15\n  api:\n    image: api\n    deploy: {replicas: 3}\n"
        "    environment: {DB_HOST: db, DB_MAX_CONNS: 5}\n"
    )
    (folder / "torn.yaml").write_bytes(b"\xff")
    with pytest.warns(UserWarning, match="torn.yaml: not UTF-8 text: passed over"):
        report = connwarden.plan_check([str(folder)])
    assert "api" in report.text("plain") and "15" in report.text("plain")


def test_a_plan_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "connwarden-plan.toml"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="a pipe"):
        connwarden.plan_check(plan=str(pipe))


def test_an_error_text_is_explained():
    assert "53300" in connwarden.explain("FATAL: sorry, too many clients already").text("plain")


def test_a_look_from_within_a_look_is_refused_instead_of_waiting_for_itself(server, look):
    held = sessions(server, "nested", 1)
    plan = look.closing("close-idle", only={"app": ["nested"]}, min_age=0.0, i_know=True)
    heard = []

    def told(*_):
        heard.append(look.place)
        with pytest.raises(RuntimeError, match="under way"):
            look.status()
        heard.append("refused")

    plan.carry_out(look, recheck=0, told=told)
    assert heard == [look.place, "refused"] and len(held) == 1
