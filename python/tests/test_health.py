"""`check_connection_health()` and the answer to probes."""

from __future__ import annotations

import psycopg
import pytest
from project import fresh

HEALTH = "from connwarden.django import check_connection_health\n"
PROBE = """
from django.test import Client
client = Client()
def probe():
    answer = client.get('/connwarden/health/')
    return answer.status_code, answer.json()
"""


@pytest.fixture(scope="module")
def wall():
    """The wall on a server of 10 slots."""
    with fresh(10, tables=False) as project:
        yield project


@pytest.mark.parametrize("pg", ["psycopg", "psycopg2"])
def test_the_dictionary_has_what_the_guide_reads_and_more(wall, pg):
    first = "import only_psycopg2" if pg == "psycopg2" else ""
    held = wall.sessions("wall-django-api", 2)
    try:
        found = wall.python(HEALTH + "out = check_connection_health()", first=first, APP="wall-django-shell")
    finally:
        for one in held:
            one.close()
    info = found["postgresql_info"]
    assert found["healthy"] and found["status"] == "ok" and found["error"] is None
    assert info["total_connections"] == 2 and info["max_connections"] == 10
    assert info["utilization_percent"] == 20.0 and info["utilization_of_usable_percent"] == 20.0
    assert info["level"] == "ok"
    assert info["connections_by_application"][0]["application"] == "wall-django-api"
    assert found["django_info"]["alias"] == "default" and found["django_info"]["pool"] is None
    assert {check["id"] for check in found["checks"]} >= {"utilization", "idle-in-transaction"}


@pytest.mark.parametrize(("taken", "level"), [(2, "ok"), (8, "warning"), (9, "critical")])
def test_the_thresholds_of_the_guide(wall, taken, level):
    held = wall.sessions("wall-django-api", taken)
    try:
        found = wall.python(HEALTH + "out = check_connection_health()", ADMIN="1")
    finally:
        for one in held:
            one.close()
    info = found["postgresql_info"]
    assert info["level"] == level and found["healthy"] is (level != "critical"), found
    used = info["utilization_percent"]
    assert [used > limit for limit in (70, 80, 85, 90)] == [used > limit for limit in (70, 80, 85, 90)]
    assert used == taken * 10.0


def test_a_full_server_is_critical_and_no_exception(wall):
    held = wall.sessions("wall-django-api", 10)
    try:
        found = wall.python(HEALTH + "out = check_connection_health()")
    finally:
        for one in held:
            one.close()
    assert found["status"] == "critical" and found["error"]["code"] == "server_full", found
    assert found["postgresql_info"]["utilization_percent"] == 100.0


def test_nobody_there_is_unknown_and_no_exception_unless_asked_for(wall):
    found = wall.python(HEALTH + "out = check_connection_health()", PORT="1")
    assert found["status"] == "unknown" and found["error"]["code"] == "network" and not found["healthy"]
    assert not found["postgresql_info"]["utilization_percent"] > 90
    raised = """
from connwarden import ConnwardenError
try:
    check_connection_health(raise_on_error=True)
except ConnwardenError as error:
    out = error.code
"""
    assert wall.python(HEALTH + raised, PORT="1") == "network"


def test_the_hooks_of_a_project_hear_each_look(wall):
    code = """
from django.test import override_settings
heard, alerts = [], []
hooks = {"LOG_METRIC": lambda name, value, **_: heard.append(name), "ALERT_CRITICAL": lambda text, **_: alerts.append(text),
         "WARN": 1, "CRIT": 5}
with override_settings(CONNWARDEN=hooks):
    check_connection_health()
    check_connection_health()
out = [sorted(set(heard)), len(heard), alerts]
"""
    held = wall.sessions("wall-django-api", 2)
    try:
        names, number, alerts = wall.python(HEALTH + code)
    finally:
        for one in held:
            one.close()
    assert {"db.connections.total", "db.connections.utilization"} <= set(names)
    assert number == len(names), "the second call was answered from what the first had seen"
    assert len(alerts) == 1, alerts


def test_callers_within_a_second_share_a_look_and_a_transaction_is_left_alone(wall):
    code = """
import threading
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
found = []
with transaction.atomic(), CaptureQueriesContext(connection) as asked:
    threads = [threading.Thread(target=lambda: found.append(check_connection_health())) for _ in range(20)]
    found.append(check_connection_health())
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    found.append(check_connection_health(max_age=0))
    with connection.cursor() as cursor:
        cursor.execute('SELECT 1')
out = [len(looks), len(asked.captured_queries), connection.needs_rollback]
"""
    first = "from connwarden.django import hooks\nlooks = []\nhooks.report = looks.append\n"
    looks, asked, needs_rollback = wall.python(first + HEALTH + code)
    assert looks == 2 and not needs_rollback
    assert asked == 1, "only the project's own statement is in the project's log"


END_MINE = """
import psycopg, os
def end_mine(name):
    dsn = f"host={os.environ['WALL_ADMIN_HOST']} port={os.environ['WALL_ADMIN_PORT']} dbname=app user=postgres"
    with psycopg.connect(dsn, autocommit=True) as admin:
        sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s"
        return len(admin.execute(sql, (name,)).fetchall())
"""


def test_a_connection_that_was_ended_is_replaced_within_the_same_look(wall):
    code = """
first = check_connection_health()
ended = end_mine('wall-django-api')
second = check_connection_health(max_age=0)
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute('SELECT 1')
out = [first['status'], ended, second['status'], second['error']]
"""
    assert wall.python(END_MINE + HEALTH + code) == ["ok", 1, "ok", None]


def test_a_held_connection_that_was_ended_is_replaced_within_the_same_probe(wall):
    code = """
from connwarden.django import health
first = probe()
ended = end_mine('connwarden health')
health.forget()
out = [first[0], ended, probe()[0]]
"""
    assert wall.python(END_MINE + PROBE + code) == [200, 1, 200]


def test_a_probe_asks_no_database_who_a_stranger_is(wall):
    code = """
from django.test import RequestFactory
from connwarden.django import views
class Request:
    pass
def probe(path):
    request = RequestFactory().get(path)
    asked = []
    class User:
        @property
        def is_staff(self):
            from django.db import OperationalError
            asked.append(1)
            raise OperationalError('down')
    request.user = User()
    return views.health(request).status_code, len(asked)
out = [probe('/'), probe('/?full'), sorted(views.health._non_atomic_requests)]
"""
    plain, full, non_atomic = wall.python(code)
    assert plain == [200, 0] and full == [200, 1]
    assert non_atomic == ["default"]


def test_a_look_that_failed_is_told_as_no_figure(wall):
    code = """
from django.test import override_settings
from connwarden.django.health import held_health
from connwarden.django.monitor.looker import Looker
heard = []
with override_settings(CONNWARDEN={"LOG_METRIC": lambda *one, **_: heard.append(one)}):
    check_connection_health()
    out = [heard, Looker()._utilization(held_health, None)]
"""
    assert wall.python(HEALTH + code, PORT="1") == [[], None]


def test_each_alias_has_its_alerts(wall):
    code = """
from django.test import override_settings
alerts = []
with override_settings(CONNWARDEN={"SEND_ALERT": lambda text, **facts: alerts.append(facts["about"]), "WARN": 1, "CRIT": 2}):
    check_connection_health("default", max_age=0)
    check_connection_health("admin", max_age=0)
out = alerts
"""
    held = wall.sessions("wall-django-api", 3)
    try:
        alerts = wall.python(HEALTH + code)
    finally:
        for one in held:
            one.close()
    assert len(alerts) == 2 and len(set(alerts)) == 2, alerts


def test_misuse_is_an_exception_and_no_outage(wall):
    code = """
import asyncio
from django.core.exceptions import SynchronousOnlyOperation
async def ask():
    try:
        check_connection_health()
    except SynchronousOnlyOperation:
        return "told"
out = [asyncio.run(ask()), check_connection_health()["status"]]
"""
    assert wall.python(HEALTH + code) == ["told", "ok"]


def test_a_look_out_of_a_look_does_not_wait_for_itself(wall):
    code = """
from django.db.backends.signals import connection_created
seen = []
def created(sender, connection, **_):
    seen.append(check_connection_health()["status"])
connection_created.connect(created)
outer = check_connection_health()
out = [outer["status"], seen]
"""
    outer, seen = wall.python(HEALTH + code)
    assert outer == "ok" and seen == ["unknown"]


def test_a_dictionary_belongs_to_its_caller(wall):
    code = """
check_connection_health()["status"] = "mine"
out = check_connection_health()["status"]
"""
    assert wall.python(HEALTH + code) == "ok"


def test_limits_in_options_do_not_keep_a_probe_from_its_connection(wall):
    code = """
from django.conf import settings
from connwarden.django import held
options = settings.DATABASES["default"]["OPTIONS"]
options["MAX_CONNS"] = 2
first = probe()
out = [first[0], held._held["default"]._connection is not None]
"""
    assert wall.python(PROBE + code, ENGINE="connwarden.django.postgresql") == [200, True]


def test_a_probe_makes_no_login_of_its_own_each_time(wall):
    code = (
        PROBE
        + """
import time
from connwarden.django import health
from django.db import connections
seen = []
for _ in range(5):
    seen.append(probe())
    health.forget()
    connections.close_all()
out = seen
"""
    )
    logins = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'connwarden health'"
    with psycopg.connect(wall.bed.server, autocommit=True) as admin:
        before = admin.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'app'").fetchone()[0]
        seen = wall.python(code, CONN_MAX_AGE="0")
        assert [status for status, _ in seen] == [200] * 5
        assert {tuple(body) for _, body in seen} == {("status",)}, "strangers are told the status alone"
        for _ in range(200):
            after = admin.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'app'").fetchone()[0]
            if after > before and admin.execute(logins).fetchone()[0] == 0:
                break
            admin.execute("SELECT pg_sleep(0.02)")
    assert after - before == 1, "five probes, one login"


def test_a_probe_of_a_full_server_is_503_and_a_held_one_still_looks(wall):
    code = (
        PROBE
        + """
from connwarden.django import health
import psycopg, os
first = probe()
held = []
dsn = f"host={os.environ['WALL_HOST']} port={os.environ['WALL_PORT']} dbname=app user=app"
try:
    while True:
        held.append(psycopg.connect(dsn))
except psycopg.OperationalError:
    pass
health.forget()
out = [first, probe(), len(held)]
"""
    )
    first, second, held = wall.python(code, DEBUG="1")
    assert first[0] == 200 and second[0] == 503 and held == 9
    assert second[1]["error"] is None, "it was looked at, over the connection that was held"
    assert second[1]["postgresql_info"]["total_connections"] == 9
