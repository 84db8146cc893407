"""What a project says of this app: the dictionary `CONNWARDEN` of its settings, checked.

CONNWARDEN = {
    "ADMIN_ALIAS": "admin",
    "SEND_ALERT": "apps.common.alerts.send_alert",
    "LOG_METRIC": "apps.common.metrics.log_metric",
}
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from os import PathLike, fspath
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

Hook = Callable[..., Any]

_NAME = "CONNWARDEN"


@dataclass(frozen=True)
class Conf:
    """The settings. Hooks are callables or dotted paths of callables, read when they are first wanted."""

    warn: float = 70.0
    """Utilization in percent of the usable slots above which the state is a warning."""
    crit: float = 85.0
    """The same for critical."""
    admin_alias: str | None = None
    """The alias that looks and acts, where the application's own role cannot: an entry of DATABASES."""
    send_alert: Hook | str | None = None
    """Called with the text of any alert."""
    alert_warning: Hook | str | None = None
    """Called with the text of a warning."""
    alert_critical: Hook | str | None = None
    """Called with the text of a critical alert."""
    log_metric: Hook | str | None = None
    """Called with a metric's name and its value."""
    allowance: int | Mapping[str, int] | None = None
    """Connections that all processes of this service may have together, as the plan has it; by alias, or
    for each.
    """
    plan: str | PathLike[str] | None = None
    """The plan file (`connwarden-plan.toml`) that services are held against."""
    workers: int | None = None
    """Processes of this service, where neither gunicorn's settings nor WEB_CONCURRENCY say so."""

    @property
    def thresholds(self) -> dict[str, float]:
        """Those of the project, by the names of the options of `connwarden health`."""
        return {"warn": float(self.warn), "crit": float(self.crit)}

    def allowed(self, alias: str) -> int | None:
        """The allowance of an alias."""
        return self.allowance.get(alias) if isinstance(self.allowance, Mapping) else self.allowance

    @property
    def plan_path(self) -> str | None:
        """`PLAN`, as a text."""
        return None if self.plan is None else fspath(self.plan)

    @cached_property
    def on_alert(self) -> Hook | None:
        """`SEND_ALERT`, loaded."""
        return _loaded("SEND_ALERT", self.send_alert)

    @cached_property
    def on_warning(self) -> Hook | None:
        """`ALERT_WARNING`, loaded."""
        return _loaded("ALERT_WARNING", self.alert_warning)

    @cached_property
    def on_critical(self) -> Hook | None:
        """`ALERT_CRITICAL`, loaded."""
        return _loaded("ALERT_CRITICAL", self.alert_critical)

    @cached_property
    def on_metric(self) -> Hook | None:
        """`LOG_METRIC`, loaded."""
        return _loaded("LOG_METRIC", self.log_metric)


def conf() -> Conf:
    """The settings as they are now: tests override them.

    Raises `ImproperlyConfigured` for an unknown key, an unordered pair of thresholds or a value of the
    wrong kind.
    """
    return _checked(getattr(settings, _NAME, {}))


def _checked(given: object) -> Conf:
    if not isinstance(given, Mapping):
        raise ImproperlyConfigured(f"{_NAME} is a dictionary, not {type(given).__name__}")
    known = {field.name.upper(): field.name for field in fields(Conf)}
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(str(key).upper(), known, n=1)
            hint = f": did you mean {near[0]!r}?" if near else f"; the keys are {', '.join(known)}"
            raise ImproperlyConfigured(f"{_NAME}[{key!r}] is unknown{hint}")
    found = Conf(**{known[key]: value for key, value in given.items()})
    for name in ("warn", "crit"):
        value = getattr(found, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 100:
            raise ImproperlyConfigured(f"{_NAME}[{name.upper()!r}] is a percentage above 0, not {value!r}")
    if found.warn > found.crit:
        raise ImproperlyConfigured(
            f"{_NAME}['WARN'] ({found.warn}) is above {_NAME}['CRIT'] ({found.crit}): swap them"
        )
    if found.admin_alias is not None and found.admin_alias not in settings.DATABASES:
        raise ImproperlyConfigured(f"{_NAME}['ADMIN_ALIAS'] is {found.admin_alias!r}, which DATABASES lacks")
    if found.plan is not None and not isinstance(found.plan, (str, PathLike)):
        raise ImproperlyConfigured(f"{_NAME}['PLAN'] is the path of a plan file, not {found.plan!r}")
    _check_counts(found)
    return found


def _check_counts(found: Conf) -> None:
    per_alias = found.allowance if isinstance(found.allowance, Mapping) else {}
    counts: dict[str, int | None] = {f"['ALLOWANCE'][{alias!r}]": value for alias, value in per_alias.items()}
    counts["['WORKERS']"] = found.workers
    if not isinstance(found.allowance, Mapping):
        counts["['ALLOWANCE']"] = found.allowance
    for where, value in counts.items():
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise ImproperlyConfigured(f"{_NAME}{where} is a whole number from 1 on, not {value!r}")
    for alias in per_alias:
        if alias not in settings.DATABASES:
            raise ImproperlyConfigured(f"{_NAME}['ALLOWANCE'] names {alias!r}, which DATABASES lacks")


def _loaded(key: str, hook: Hook | str | None) -> Hook | None:
    if not isinstance(hook, str):
        return hook
    try:
        found = import_string(hook)
    except ImportError as error:
        raise ImproperlyConfigured(f"{_NAME}[{key!r}]: {error}") from error
    if not callable(found):
        raise ImproperlyConfigured(f"{_NAME}[{key!r}]: {hook} is not callable")
    hooked: Hook = found
    return hooked
