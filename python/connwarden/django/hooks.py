"""Alerts and metrics out of Django: to the callables that a project names in `CONNWARDEN`, and to
`connwarden.metrics`.

A hook gets what the settings say: `SEND_ALERT`, `ALERT_WARNING` and `ALERT_CRITICAL` a text, `LOG_METRIC` a
name and a value. One that takes keywords of any name (`**facts`) gets the facts as well. Whatever a hook
raises is logged and goes no further.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from connwarden import metrics

from .conf import Conf, Hook, conf

if TYPE_CHECKING:
    from .monitor import Record

logger = logging.getLogger("connwarden.django")

Level = Literal["warning", "critical"]

REPEAT_SECONDS = 300.0
"""An alert of the same level about the same thing is repeated after so long, not sooner."""
SUBJECTS_MAX = 256
"""Things that are remembered to have been alerted about."""


class Damper:
    """Lets an alert pass if it is news. The time is given, in seconds of any steady clock."""

    def __init__(self, repeat_seconds: float = REPEAT_SECONDS) -> None:
        self._repeat_seconds = repeat_seconds
        self._lock = threading.Lock()
        self._sent: dict[str, tuple[str, float]] = {}

    def passes(self, about: str, level: str, now: float) -> bool:
        """Another level than the last one about it passes at once, the same level after a while."""
        with self._lock:
            last, when = self._sent.get(about, ("", now))
            if last == level and now - when < self._repeat_seconds:
                return False
            self._sent.pop(about, None)
            self._sent[about] = (level, now)
            if len(self._sent) > SUBJECTS_MAX:
                del self._sent[next(iter(self._sent))]
            return True

    def unsent(self, about: str) -> None:
        """The last one about it did not arrive."""
        with self._lock:
            self._sent.pop(about, None)

    def forget(self) -> None:
        """All of it: the next alert passes."""
        with self._lock:
            self._sent.clear()


damper = Damper()


def alert(level: Level, message: str, *, about: str = "", **facts: Any) -> bool:
    """Sends an alert to `ALERT_CRITICAL` or `ALERT_WARNING`, by its level, and to `SEND_ALERT`, where a
    project has them.

    `about` names what it is about (an alias, a check), for repeats to be held back. False: it was held back,
    or nobody listens. Raises nothing but `ValueError` for a level that is none.
    """
    if level not in ("warning", "critical"):
        raise ValueError(f"an alert is a 'warning' or 'critical', not {level!r}")
    found = _conf()
    if found is None:
        return False
    names = ("on_critical" if level == "critical" else "on_warning", "on_alert")
    hooks = dict.fromkeys(hook for hook in (_hook(found, name) for name in names) if hook is not None)
    if not hooks or not damper.passes(about, level, monotonic()):
        return False
    sent = [_call(hook, message, level=level, about=about, **facts) for hook in hooks]
    if not any(sent):
        # Nobody heard it: the next one is news still.
        damper.unsent(about)
    return any(sent)


def metric(name: str, value: float, **labels: str) -> None:
    """Sends a value to `LOG_METRIC`, where a project has it."""
    found = _conf()
    hook = None if found is None else _hook(found, "on_metric")
    if hook is not None:
        _call(hook, name, value, **labels)


def report(health: Mapping[str, Any]) -> None:
    """Tells what `check_connection_health` has found: `db.connections.total` and `db.connections.utilization`
    (percent of max_connections), and an alert if the state is bad.

    It is bad if `level` says so, or if the utilization is above `WARN` or `CRIT`: that of the usable slots,
    if it is told. Raises nothing; a look that has no figures is passed over.
    """
    info = health.get("postgresql_info") or {}
    total = _number(info.get("total_connections", health.get("total_connections")))
    utilization = _number(info.get("utilization_percent"))
    alias = str(health.get("alias") or (health.get("django_info") or {}).get("alias") or "")
    failed = health.get("error") or {}
    if failed and failed.get("code") != "server_full":
        # Nobody looked: the figures are those of an earlier look, or none.
        return
    labels = {"alias": alias} if alias else {}
    if total is not None:
        metric("db.connections.total", total, **labels)
    if utilization is not None:
        metric("db.connections.utilization", utilization, **labels)
    _quietly(metrics.server, alias, total, utilization, _number(info.get("max_connections")))
    found = _conf()
    if found is not None:
        _alert_if_bad(health, info, found, alias, utilization)


def ended(record: Record, reasons: Sequence[str] = ()) -> None:
    """Tells what a scope of `connection_monitor` has seen. `reasons` are those of its warnings, in a word
    each.
    """
    found = _conf()
    hook = None if found is None else _hook(found, "on_metric")
    if hook is not None:
        for name, value in _figures(record).items():
            _call(hook, f"db.operation.{name}", value, operation=record.operation)
    _quietly(metrics.operation, record, reasons)


def _figures(record: Record) -> dict[str, float]:
    return {
        "seconds": record.seconds,
        "queries": record.queries,
        "errors": record.errors,
        "database_seconds": record.database_seconds,
        "longest_transaction_seconds": record.longest_transaction_seconds,
        "connections_opened": sum(record.connections_opened.values()),
        "connections_left_open": sum(record.connections_left_open.values()),
    }


def _alert_if_bad(
    health: Mapping[str, Any], info: Mapping[str, Any], found: Conf, alias: str, utilization: float | None
) -> None:
    usable = _number(info.get("utilization_of_usable_percent", health.get("utilization_of_usable_percent")))
    used, of = (utilization, "max_connections") if usable is None else (usable, "the usable slots")
    by_figure = _level(used, found)
    level = _worse(by_figure, health.get("level", info.get("level")))
    if level is None:
        return
    limit = found.crit if level == "critical" else found.warn
    by = f"above {limit:g} %" if level == by_figure else "by its checks"
    where = f" of {alias}" if alias else ""
    figures = "" if used is None else f", {used:.1f} % of {of} taken"
    text = f"PostgreSQL connections{where}: {level} ({by}){figures}"
    alert(level, text, about=f"connections:{alias}", utilization_percent=used)


def _level(used: float | None, found: Conf) -> Level | None:
    if used is None or used <= found.warn:
        return None
    return "critical" if used > found.crit else "warning"


def _worse(one: Level | None, other: object) -> Level | None:
    if "critical" in (one, other):
        return "critical"
    return "warning" if "warning" in (one, other) else None


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _conf() -> Conf | None:
    try:
        return conf()
    except Exception:
        logger.exception("the settings CONNWARDEN could not be read")
        return None


def _hook(found: Conf, name: str) -> Hook | None:
    try:
        hook: Hook | None = getattr(found, name)
    except Exception:
        logger.exception("a hook could not be loaded", extra={"hook": name})
        return None
    return hook


def _call(hook: Hook, *arguments: Any, **facts: Any) -> bool:
    try:
        hook(*arguments, **(facts if _takes_facts(hook) else {}))
    except Exception:
        logger.exception("a hook failed", extra={"hook": getattr(hook, "__qualname__", type(hook).__name__)})
        return False
    return True


def _takes_facts(hook: Hook) -> bool:
    try:
        parameters = inspect.signature(hook).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)


def _quietly(tell: Any, *arguments: Any) -> None:
    try:
        tell(*arguments)
    except Exception:
        logger.exception("a metric could not be exported", extra={"metric": tell.__qualname__})
