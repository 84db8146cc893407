"""Alerts and metrics to the callables of a project."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import django
import pytest
from django.conf import settings
from django.test import override_settings

from connwarden.django import hooks
from connwarden.django.monitor import connection_monitor

Project = Callable[..., Any]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    if not settings.configured:
        settings.configure(DATABASES={}, USE_TZ=True, ALLOWED_HOSTS=["*"])
        django.setup()
    hooks.damper.forget()
    yield
    hooks.damper.forget()


class Calls:
    """Hooks that remember what they were called with."""

    def __init__(self) -> None:
        self.made: list[tuple[str, tuple[Any, ...]]] = []

    def hook(self, name: str) -> Callable[..., None]:
        def called(*arguments: Any) -> None:
            self.made.append((name, arguments))

        return called

    def settings(self, *names: str) -> Any:
        return override_settings(CONNWARDEN={name: self.hook(name) for name in names})


@pytest.fixture
def calls() -> Calls:
    return Calls()


def health(percent: float, total: int = 10, **more: Any) -> dict[str, Any]:
    return {"postgresql_info": {"utilization_percent": percent, "total_connections": total}, **more}


ALL = ("SEND_ALERT", "ALERT_WARNING", "ALERT_CRITICAL")


@pytest.mark.parametrize(
    ("level", "expected"),
    [("warning", ["ALERT_WARNING", "SEND_ALERT"]), ("critical", ["ALERT_CRITICAL", "SEND_ALERT"])],
)
def test_an_alert_goes_to_the_hook_of_its_level_and_to_the_one_for_any(
    calls: Calls, level: Any, expected: Any
) -> None:
    with calls.settings(*ALL):
        assert hooks.alert(level, "text")
    assert calls.made == [(name, ("text",)) for name in expected]


def test_an_alert_without_a_hook_goes_nowhere(calls: Calls) -> None:
    with calls.settings():
        assert not hooks.alert("critical", "text")
    with calls.settings("ALERT_CRITICAL"):
        assert not hooks.alert("warning", "text")
    assert calls.made == []


def test_one_callable_in_two_places_is_called_once() -> None:
    seen: list[str] = []
    with override_settings(CONNWARDEN={"SEND_ALERT": seen.append, "ALERT_WARNING": seen.append}):
        hooks.alert("warning", "text")
    assert seen == ["text"]


def test_a_hook_that_takes_facts_gets_them() -> None:
    seen: list[Any] = []

    def taking(text: str, **facts: Any) -> None:
        seen.append((text, facts))

    with override_settings(CONNWARDEN={"SEND_ALERT": taking}):
        hooks.alert("critical", "text", about="wall", sessions=3)
    assert seen == [("text", {"level": "critical", "about": "wall", "sessions": 3})]


def test_a_hook_is_named_by_a_dotted_path() -> None:
    RECEIVED.clear()
    with override_settings(CONNWARDEN={"SEND_ALERT": f"{__name__}.received"}):
        assert hooks.alert("warning", "text")
    assert RECEIVED == ["text"]


RECEIVED: list[str] = []


def received(text: str) -> None:
    RECEIVED.append(text)


def test_repeats_are_held_back_and_another_level_is_not(calls: Calls) -> None:
    with calls.settings("SEND_ALERT"):
        sent = [
            hooks.alert(level, "text") for level in ("warning", "warning", "critical", "critical", "warning")
        ]
        assert hooks.alert("warning", "text", about="another thing")
    assert sent == [True, False, True, False, True]
    assert len(calls.made) == 4


def test_a_repeat_passes_after_its_time() -> None:
    damper = hooks.Damper(repeat_seconds=300)
    assert [damper.passes("it", "warning", now) for now in (0, 299, 300, 301, 600)] == [
        True,
        False,
        True,
        False,
        True,
    ]


def test_what_was_alerted_about_is_bounded() -> None:
    damper = hooks.Damper()
    for number in range(hooks.SUBJECTS_MAX * 2):
        damper.passes(f"subject {number}", "warning", 0.0)
    assert len(damper._sent) == hooks.SUBJECTS_MAX


def test_an_alert_that_nobody_gets_does_not_hold_the_next_one_back(calls: Calls) -> None:
    with calls.settings():
        hooks.alert("warning", "text")
    with calls.settings("SEND_ALERT"):
        assert hooks.alert("warning", "text")


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="'warning' or 'critical', not 'bad'"):
        hooks.alert("bad", "text")  # type: ignore[arg-type]


def test_what_a_hook_raises_is_logged_and_the_next_hook_is_called(calls: Calls, caplog: Any) -> None:
    def broken(text: str) -> None:
        raise ZeroDivisionError("of theirs")

    with override_settings(CONNWARDEN={"ALERT_WARNING": broken, "SEND_ALERT": calls.hook("SEND_ALERT")}):
        assert hooks.alert("warning", "text")
    assert calls.made == [("SEND_ALERT", ("text",))]
    [record] = caplog.records
    assert (record.getMessage(), record.levelno) == ("a hook failed", logging.ERROR)
    assert record.exc_info[0] is ZeroDivisionError


@pytest.mark.parametrize(
    "bad", [{"SEND_ALERT": "nowhere.at_all", "LOG_METRIC": "nowhere.at_all"}, {"SENT_ALERT": print}]
)
def test_settings_that_are_wrong_are_logged_and_stop_nothing(bad: Any, caplog: Any) -> None:
    with override_settings(CONNWARDEN=bad):
        assert not hooks.alert("warning", "text")
        hooks.report(health(99.0))
    assert caplog.records


# What check_connection_health reports


def test_a_report_becomes_the_two_metrics(calls: Calls) -> None:
    with calls.settings("LOG_METRIC", *ALL):
        hooks.report(health(22.5, 45))
    assert calls.made == [
        ("LOG_METRIC", ("db.connections.total", 45)),
        ("LOG_METRIC", ("db.connections.utilization", 22.5)),
    ]


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(70.0, []), (70.1, ["ALERT_WARNING"]), (85.0, ["ALERT_WARNING"]), (85.1, ["ALERT_CRITICAL"])],
)
def test_a_report_above_a_threshold_alerts(calls: Calls, percent: float, expected: list[str]) -> None:
    with calls.settings("ALERT_WARNING", "ALERT_CRITICAL"):
        hooks.report(health(percent))
    assert [name for name, _ in calls.made] == expected


def test_an_alert_says_how_full_it_is_and_the_thresholds(calls: Calls) -> None:
    with calls.settings("SEND_ALERT"):
        hooks.report(health(90.0))
    assert calls.made[0][1] == (
        "PostgreSQL connections: critical (above 85 %), 90.0 % of max_connections taken",
    )


def test_the_thresholds_are_those_of_the_project(calls: Calls) -> None:
    hook = calls.hook("SEND_ALERT")
    with override_settings(CONNWARDEN={"SEND_ALERT": hook, "WARN": 10, "CRIT": 20}):
        hooks.report(health(15.0))
    assert "warning (above 10 %), 15.0 %" in calls.made[0][1][0]


def test_thresholds_are_held_against_the_usable_slots_where_they_are_known(calls: Calls) -> None:
    found = health(69.0)
    found["postgresql_info"]["utilization_of_usable_percent"] = 71.0
    with calls.settings("SEND_ALERT"):
        hooks.report(found)
    assert "warning (above 70 %), 71.0 % of the usable slots taken" in calls.made[0][1][0]


def test_a_bad_level_alerts_though_the_utilization_is_fine(calls: Calls) -> None:
    with calls.settings("ALERT_WARNING", "ALERT_CRITICAL"):
        hooks.report(health(10.0, level="critical"))
        hooks.report(health(10.0, level="ok"))
        hooks.report(health(10.0, level="unknown"))
    text = "PostgreSQL connections: critical (by its checks), 10.0 % of max_connections taken"
    assert calls.made == [("ALERT_CRITICAL", (text,))]


@pytest.mark.parametrize(
    "found", [{}, {"postgresql_info": None}, {"postgresql_info": {"utilization_percent": None}}]
)
def test_a_report_without_figures_is_passed_over(calls: Calls, found: Any) -> None:
    with calls.settings("LOG_METRIC", *ALL):
        hooks.report(found)
    assert calls.made == []


def test_reports_of_several_aliases_are_damped_apart(calls: Calls) -> None:
    with calls.settings("SEND_ALERT"):
        for alias in ("one", "two", "one"):
            hooks.report(health(90.0, alias=alias))
    assert len(calls.made) == 2
    assert "of one:" in calls.made[0][1][0]


# What a scope reports


def test_a_scope_that_has_ended_becomes_metrics() -> None:
    seen: dict[str, Any] = {}
    operations = set()

    def log_metric(name: str, value: float, **labels: str) -> None:
        seen[name] = value
        operations.add(labels["operation"])

    with (
        override_settings(CONNWARDEN={"LOG_METRIC": log_metric}),
        connection_monitor("op", utilization=False) as m,
    ):
        pass
    assert set(seen) == {
        "db.operation.seconds",
        "db.operation.queries",
        "db.operation.errors",
        "db.operation.database_seconds",
        "db.operation.longest_transaction_seconds",
        "db.operation.connections_opened",
        "db.operation.connections_left_open",
    }
    assert operations == {"op"}
    assert seen["db.operation.seconds"] == m.seconds


def test_a_broken_hook_leaves_the_scope_and_its_exception_alone(caplog: Any) -> None:
    def broken(name: str, value: float) -> None:
        raise ZeroDivisionError("of theirs")

    m = connection_monitor("op", utilization=False)
    with override_settings(CONNWARDEN={"LOG_METRIC": broken}), pytest.raises(KeyError, match="mine"), m:
        raise KeyError("mine")
    assert m.failed
    assert "a hook failed" in caplog.messages
