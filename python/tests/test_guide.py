"""Every use that the guide of the wall names, as it would stand in the team's own code."""

from __future__ import annotations

import pathlib
import re

import pytest
from project import fresh

ROOT = pathlib.Path(__file__).resolve().parents[2]

# `apps/common/db_utils.py`, as docs/django.md gives it.
UTILS = re.search(
    r"```python\n# apps/common/db_utils\.py\n(.*?)```", (ROOT / "docs" / "django.md").read_text(), re.DOTALL
)

GUIDE = """
import sys, types
module = types.ModuleType('apps.common.db_utils')
exec(UTILS, module.__dict__)
for name in ('apps', 'apps.common'):
    sys.modules[name] = types.ModuleType(name)
sys.modules['apps.common.db_utils'] = module
from apps.common.db_utils import connection_monitor, check_connection_health

told = []
def send_alert(text): told.append(('alert', text))
def alert_warning(text): told.append(('warning', text))
def alert_critical(text): told.append(('critical', text))
def log_metric(name, value): told.append((name, value))
"""


@pytest.fixture(scope="module")
def wall():
    """The wall on a server of 20 slots."""
    with fresh(20) as project:
        yield project


def played(wall, code, taken):
    """What the guide's code tells with so many slots taken."""
    held = wall.sessions("wall-django-api", taken)
    try:
        return wall.python(f"UTILS = {UTILS.group(1)!r}\n" + GUIDE + code, ADMIN="1")
    finally:
        for one in held:
            one.close()


def test_the_utilities_are_three_lines():
    lines = [line for line in UTILS.group(1).splitlines() if line.strip()]
    assert len(lines) <= 3 and "connwarden.django" in "".join(lines)


def test_a_bulk_operation_runs_in_the_context_manager(wall):
    code = """
from wall.models import Post
with connection_monitor("bulk_operation") as m:
    Post.objects.bulk_create(Post(author="ada", text=str(n)) for n in range(50))
    for n in range(30):
        Post.objects.filter(text=str(n)).update(likes=n)

@connection_monitor("bulk_operation")
def decorated():
    return Post.objects.count()
out = [m.queries >= 31, decorated(), m.warnings]
"""
    many, posts, warnings = played(wall, code, 0)
    assert many and posts >= 50
    assert any("alike" in warning for warning in warnings), "thirty updates, one by one"


@pytest.mark.parametrize(
    ("taken", "heard"),
    [(2, []), (15, ["warning"]), (18, ["critical", "warning"]), (19, ["alert", "critical", "warning"])],
)
def test_the_health_check_with_the_guides_thresholds(wall, taken, heard):
    code = """
health = check_connection_health()
used = health['postgresql_info']['utilization_percent']
if used > 90:
    send_alert(f"connections at {used}%")
if used > 85:
    alert_critical("critical")
if used > 70:
    alert_warning("warning")
log_metric("db.connections.total", health['postgresql_info']['total_connections'])
log_metric("db.connections.utilization", health['postgresql_info']['utilization_percent'])
out = told
"""
    told = played(wall, code, taken)
    assert sorted(name for name, _ in told if not name.startswith("db.")) == heard
    assert dict(map(tuple, told))["db.connections.total"] == taken
    assert dict(map(tuple, told))["db.connections.utilization"] == taken * 5.0


def test_the_older_threshold_of_80_and_the_idle_ratio_can_be_read(wall):
    code = """
info = check_connection_health()['postgresql_info']
out = [info['utilization_percent'] > 80, info['idle_connections'] / info['total_connections'] > 0.5]
"""
    assert played(wall, code, 17) == [True, True]


def test_the_project_may_leave_the_thresholds_to_the_app(wall):
    code = """
from django.test import override_settings
with override_settings(CONNWARDEN={"ADMIN_ALIAS": "admin", "SEND_ALERT": send_alert, "ALERT_WARNING": alert_warning,
                                   "ALERT_CRITICAL": alert_critical, "LOG_METRIC": log_metric}):
    check_connection_health()
out = told
"""
    names = [name for name, _ in played(wall, code, 15)]
    assert "warning" in names and "critical" not in names
    names = [name for name, _ in played(wall, code, 18)]
    assert "critical" in names and "db.connections.utilization" in names


@pytest.mark.parametrize(
    "arguments",
    [
        ["--action=status"],
        ["--action=health"],
        ["--action=close-idle"],
        ["--action=monitor", "--watch", "--interval=1", "--count=1"],
    ],
)
def test_the_commands_of_the_guide_run(wall, arguments):
    ran = wall.manage("db_connections", *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_calculation_of_the_guide(tmp_path):
    from connwarden import plan_check

    plan = tmp_path / "connwarden-plan.toml"
    plan.write_text(
        "[server]\nmax_connections = 200\n"
        "[service.api]\nreplicas = 4\npool = 25\n[service.materializer]\npool = 25\n"
        "[service.simulator]\npool = 25\n[other.admin]\nconnections = 10\n"
    )
    report = plan_check(plan=str(plan))
    text = report.text("plain")
    assert "peak 160 of 197 usable (81.2%)" in text, text
    assert report.exit_code == 1, "the guide calls it safe; it is above its own target of 70 %"
