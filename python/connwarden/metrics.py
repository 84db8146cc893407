"""Metrics of Python's side for Prometheus and OpenTelemetry, in a process that uses either.

Nothing is imported for it: where the program has loaded `prometheus_client`, the metrics are in its default
registry; where it has loaded `opentelemetry.metrics`, they go through its meter provider. Names and labels
stand in docs/django-monitor.md.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connwarden.django.monitor import Record

CLIENT = "django"
OPERATIONS_MAX = 100
"""Names of operations told apart. Those beyond are `__other__`: a name made of an id must not fill the
registry.
"""
OTHER = "__other__"


class Names:
    """Lets so many names through as it may."""

    def __init__(self, most: int = OPERATIONS_MAX) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def bounded(self, name: str) -> str:
        """`name`, or `__other__`."""
        with self._lock:
            if name not in self._known and len(self._known) < self._most:
                self._known.add(name)
            return name if name in self._known else OTHER


class _Prometheus:
    """Metrics in the default registry, made when they are first wanted: a name can be registered once."""

    def __init__(self, library: Any) -> None:
        operation = ["client", "operation"]
        counter = library.Counter
        self.seconds = library.Histogram(
            "connwarden_operation_seconds",
            "How long monitored operations took.",
            operation,
            buckets=(0.005, 0.025, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800),
        )
        self.ended = counter("connwarden_operations", "Operations that ended.", [*operation, "result"])
        self.queries = counter("connwarden_operation_queries", "Statements of operations.", operation)
        self.errors = counter("connwarden_operation_query_errors", "Statements that raised.", operation)
        self.database = counter("connwarden_operation_database_seconds", "Time in statements.", operation)
        self.opened = counter(
            "connwarden_operation_connections_opened",
            "Connections opened in operations.",
            [*operation, "alias"],
        )
        self.left = counter(
            "connwarden_operation_connections_left_open",
            "Of those, the ones that were open at the end.",
            [*operation, "alias"],
        )
        self.warnings = counter("connwarden_operation_warnings", "Warnings.", [*operation, "reason"])

    @cached_property
    def server(self) -> tuple[Any, Any]:
        """Gauges of the server, as Django sees it: connections, and max_connections."""
        gauge = sys.modules["prometheus_client"].Gauge
        return (
            gauge("connwarden_pg_connections", "Connections of the server.", ["client", "alias"]),
            gauge("connwarden_pg_connections_max", "max_connections.", ["client", "alias"]),
        )

    def operation(self, record: Record, name: str, reasons: Sequence[str]) -> None:
        labels = (CLIENT, name)
        self.seconds.labels(*labels).observe(record.seconds)
        self.ended.labels(*labels, "failed" if record.failed else "ok").inc()
        self.queries.labels(*labels).inc(record.queries)
        self.errors.labels(*labels).inc(record.errors)
        self.database.labels(*labels).inc(record.database_seconds)
        for alias, count in record.connections_opened.items():
            self.opened.labels(*labels, alias).inc(count)
        for alias, count in record.connections_left_open.items():
            self.left.labels(*labels, alias).inc(count)
        for reason in reasons:
            self.warnings.labels(*labels, reason).inc()

    def look(self, alias: str, total: float | None, most: float | None) -> None:
        for gauge, value in zip(self.server, (total, most), strict=True):
            if value is not None:
                gauge.labels(CLIENT, alias).set(value)


class _OpenTelemetry:
    """Instruments of the meter `connwarden`."""

    def __init__(self, library: Any) -> None:
        meter = library.get_meter("connwarden")
        self.seconds = meter.create_histogram(
            "connwarden.operation.duration", "s", "How long operations took."
        )
        self.queries = meter.create_counter("connwarden.operation.queries", "{query}", "Statements.")
        self.errors = meter.create_counter(
            "connwarden.operation.query_errors", "{query}", "Statements that raised."
        )
        self.database = meter.create_counter("connwarden.operation.database_time", "s", "Time in statements.")
        self.opened = meter.create_counter(
            "connwarden.operation.connections_opened", "{connection}", "Opened."
        )
        self.left = meter.create_counter(
            "connwarden.operation.connections_left_open", "{connection}", "Left open."
        )
        self.warnings = meter.create_counter("connwarden.operation.warnings", "{warning}", "Warnings.")
        self.total = meter.create_gauge("db.connections.total", "{connection}", "Connections of the server.")
        self.utilization = meter.create_gauge("db.connections.utilization", "%", "Of max_connections.")

    def operation(self, record: Record, name: str, reasons: Sequence[str]) -> None:
        labels = {"client": CLIENT, "operation": name}
        self.seconds.record(record.seconds, {**labels, "result": "failed" if record.failed else "ok"})
        self.queries.add(record.queries, labels)
        self.errors.add(record.errors, labels)
        self.database.add(record.database_seconds, labels)
        for alias, count in record.connections_opened.items():
            self.opened.add(count, {**labels, "alias": alias})
        for alias, count in record.connections_left_open.items():
            self.left.add(count, {**labels, "alias": alias})
        for reason in reasons:
            self.warnings.add(1, {**labels, "reason": reason})

    def look(self, alias: str, total: float | None, utilization: float | None) -> None:
        for gauge, value in ((self.total, total), (self.utilization, utilization)):
            if value is not None:
                gauge.set(value, {"client": CLIENT, "alias": alias})


_names = Names()
_lock = threading.Lock()
_made: dict[str, Any] = {}


def operation(record: Record, reasons: Sequence[str] = ()) -> None:
    """Counts a scope that has ended."""
    name = _names.bounded(record.operation)
    for exporter in (
        _exporter("prometheus_client", _Prometheus),
        _exporter("opentelemetry.metrics", _OpenTelemetry),
    ):
        if exporter is not None:
            exporter.operation(record, name, reasons)


def server(alias: str, total: float | None, utilization: float | None, most: float | None) -> None:
    """Shows a look at a server: its connections, their share of max_connections in percent, its limit."""
    prometheus = _exporter("prometheus_client", _Prometheus)
    if prometheus is not None:
        prometheus.look(alias, total, most)
    telemetry = _exporter("opentelemetry.metrics", _OpenTelemetry)
    if telemetry is not None:
        telemetry.look(alias, total, utilization)


def _exporter(library: str, made_by: Any) -> Any:
    """The exporter, if the program uses that library."""
    module = sys.modules.get(library)
    if module is None:
        return None
    with _lock:
        if library not in _made:
            _made[library] = made_by(module)
        return _made[library]
