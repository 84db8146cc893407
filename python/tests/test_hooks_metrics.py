"""Metrics for Prometheus and OpenTelemetry. Each test has a process of its own, for its registry."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGINNING = """
from django.conf import settings
settings.configure(DATABASES={}, USE_TZ=True)
from connwarden import metrics
from connwarden.django import hooks
from connwarden.django.monitor import connection_monitor
INFO = {"utilization_percent": 22.5, "total_connections": 45, "max_connections": 200}
HEALTH = {"alias": "default", "postgresql_info": INFO}
def scope(name="op", **more):
    with connection_monitor(name, utilization=False, **more):
        pass
"""


def output(program: str) -> str:
    """What a program of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + program],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_program_that_uses_neither_loads_neither() -> None:
    program = """
import sys
scope()
hooks.report(HEALTH)
print({"prometheus_client", "opentelemetry"} & set(sys.modules))
"""
    assert output(program) == "set()\n"


def test_prometheus_has_the_scope_and_the_server() -> None:
    pytest.importorskip("prometheus_client")
    text = output(
        """
import prometheus_client
scope(warn_after=0)
try:
    with connection_monitor("op", utilization=False):
        raise KeyError
except KeyError:
    pass
hooks.report(HEALTH)
print(prometheus_client.generate_latest().decode())
"""
    )
    for line in (
        'connwarden_operation_seconds_count{client="django",operation="op"} 2.0',
        'connwarden_operations_total{client="django",operation="op",result="ok"} 1.0',
        'connwarden_operations_total{client="django",operation="op",result="failed"} 1.0',
        'connwarden_operation_queries_total{client="django",operation="op"} 0.0',
        'connwarden_operation_query_errors_total{client="django",operation="op"} 0.0',
        'connwarden_operation_database_seconds_total{client="django",operation="op"} 0.0',
        'connwarden_operation_warnings_total{client="django",operation="op",reason="slow"} 1.0',
        'connwarden_pg_connections{alias="default",client="django"} 45.0',
        'connwarden_pg_connections_max{alias="default",client="django"} 200.0',
    ):
        assert line in text.splitlines(), text


def test_names_of_operations_are_bounded() -> None:
    pytest.importorskip("prometheus_client")
    text = output(
        """
import prometheus_client
for number in range(metrics.OPERATIONS_MAX + 20):
    scope(f"op_{number}")
scope("op_3")
print(prometheus_client.generate_latest().decode())
"""
    )
    lines = [line for line in text.splitlines() if line.startswith("connwarden_operation_queries_total")]
    assert len(lines) == 101
    assert 'connwarden_operation_seconds_count{client="django",operation="__other__"} 20.0' in text
    assert 'connwarden_operation_seconds_count{client="django",operation="op_3"} 2.0' in text


def test_opentelemetry_has_the_scope_and_the_server() -> None:
    pytest.importorskip("opentelemetry.sdk")
    text = output(
        """
from opentelemetry import metrics as api
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
reader = InMemoryMetricReader()
api.set_meter_provider(MeterProvider([reader]))
scope(warn_after=0)
hooks.report(HEALTH)
for metric in reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics:
    for point in metric.data.data_points:
        value = getattr(point, "value", None)
        value = point.count if value is None else value
        print(metric.name, metric.unit, sorted(point.attributes.items()), value)
"""
    )
    labels = "('client', 'django'), ('operation', 'op')"
    server = "[('alias', 'default'), ('client', 'django')]"
    assert set(text.splitlines()) == {
        f"connwarden.operation.duration s [{labels}, ('result', 'ok')] 1",
        f"connwarden.operation.queries {{query}} [{labels}] 0",
        f"connwarden.operation.query_errors {{query}} [{labels}] 0",
        f"connwarden.operation.database_time s [{labels}] 0.0",
        f"connwarden.operation.warnings {{warning}} [{labels}, ('reason', 'slow')] 1",
        f"db.connections.total {{connection}} {server} 45",
        f"db.connections.utilization % {server} 22.5",
    }


def test_an_exporter_that_fails_is_logged_and_stops_nothing() -> None:
    text = output(
        """
import logging, sys, types
logging.basicConfig(stream=sys.stdout, format="%(message)s")
sys.modules["prometheus_client"] = types.ModuleType("prometheus_client")
scope()
print("done")
"""
    )
    assert text.startswith("a metric could not be exported")
    assert text.endswith("done\n")
