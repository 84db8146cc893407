"""The look at the server before and after a scope: what stands in for `check_connection_health`, and what it
cannot break.
"""

from __future__ import annotations

import asyncio
import threading
import types
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.db import connections, transaction
from monitor_bed import ALIAS, aliases, ask, until

from connwarden.django.monitor import connection_monitor, looker
from connwarden.django.monitor.looker import Look, Looker

SHARE = "select 100.0 * count(*) / current_setting('max_connections')::int from pg_stat_activity"


@pytest.fixture
def connection(server: Any) -> Iterator[Any]:
    with aliases(server) as found:
        yield found


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look stays fresh for as long as a test lasts."""
    monkeypatch.setattr(looker, "FRESH_SECONDS", 3600.0)


class Health:
    """Stands in for `check_connection_health`: answers in turn, and remembers who asked in which thread."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []
        self.threads: set[str] = set()

    def __call__(self, alias: str | None) -> dict[str, Any]:
        self.asked.append(alias)
        self.threads.add(threading.current_thread().name)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return {"postgresql_info": {"utilization_percent": answer, "total_connections": 1}, "level": "ok"}


def test_the_server_is_looked_at_before_and_after(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "FRESH_SECONDS", 0.0)
    health = Health(20.0, 30.0)
    with connection_monitor("op", utilization=health, using=ALIAS) as m:
        until(lambda: m.utilization_before is not None)
    assert (m.utilization_before, m.utilization_after) == (20.0, 30.0)
    assert health.asked == [ALIAS, ALIAS]
    assert health.threads == {"connwarden-looker"}


def test_a_fresh_look_is_shared_by_scopes(connection: Any, still: None) -> None:
    health = Health(20.0)
    for _ in range(5):
        with connection_monitor("op", utilization=health) as m:
            pass
    assert (m.utilization_before, m.utilization_after, health.asked) == (20.0, 20.0, [None])


def test_a_look_that_fails_is_none_and_the_work_goes_on(connection: Any, still: None, caplog: Any) -> None:
    with connection_monitor("op", utilization=Health(ZeroDivisionError("broken"))) as m:
        ask(connection, "SELECT 1")
    assert (m.utilization_before, m.utilization_after, m.queries) == (None, None, 1)
    assert "the server could not be looked at" in caplog.messages


def test_a_server_that_stays_away_is_told_of_once(caplog: Any) -> None:
    mine, health = Looker(), Health(20.0, OSError(), OSError(), 20.0, OSError())
    for alias in range(5):
        mine.ask(health, str(alias)).result(20)
    assert caplog.messages == ["the server could not be looked at"] * 2


def test_a_look_of_another_shape_is_none(connection: Any) -> None:
    with connection_monitor("op", utilization=lambda alias: {"level": "unknown"}) as m:
        pass
    assert m.utilization_after is None


def test_without_a_look_nobody_is_asked(connection: Any) -> None:
    with connection_monitor("op", utilization=False) as m:
        pass
    assert (m.utilization_before, m.utilization_after) == (None, None)


def test_a_look_that_hangs_does_not_hold_the_scope(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connwarden.django.monitor.monitor.LOOK_SECONDS_MAX", 0.01)
    gate = threading.Event()

    def hanging(alias: str | None) -> dict[str, Any]:
        gate.wait()
        return {"postgresql_info": {"utilization_percent": 1.0}}

    with connection_monitor("op", utilization=hanging) as m:
        ask(connection, "SELECT 1")
    assert (m.utilization_before, m.utilization_after) == (None, None)
    gate.set()


def test_patience_counts_from_when_a_look_was_asked_for() -> None:
    look = Look()
    assert 0 < look.patience(3600.0) <= 3600.0
    look.asked -= 3600.0
    assert look.patience(3600.0) == 0


def by_django(alias: str | None) -> dict[str, Any]:
    """A look by this thread's connection of Django."""
    return {"postgresql_info": {"utilization_percent": float(ask(connections[ALIAS], SHARE))}}


def test_a_look_is_no_part_of_the_transaction_around_it(
    connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looker, "FRESH_SECONDS", 0.0)

    def broken(alias: str | None) -> dict[str, Any]:
        ask(connections[ALIAS], "SELECT broken")
        return {}

    for health in (by_django, broken):
        with transaction.atomic(using=ALIAS):
            before = ask(connection, "SELECT pg_backend_pid()")
            with connection_monitor("op", utilization=health) as m:
                pass
            assert ask(connection, "SELECT pg_backend_pid()") == before, "the transaction is alive"
        assert m.queries == 0
        assert (m.utilization_after is None) == (health is broken)


def test_scopes_share_the_login_of_looks(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr("connwarden.django.held.in_tests", lambda: False)
    pids = set()

    def health(alias: str | None) -> dict[str, Any]:
        pids.add(ask(connections[ALIAS], "SELECT pg_backend_pid()"))
        return {"postgresql_info": {"utilization_percent": 1.0}}

    for _ in range(5):
        with connection_monitor("op", utilization=health) as m:
            pass
    assert len(pids) == 1
    assert m.connections_opened == {}


def test_in_a_test_environment_no_session_of_a_look_stays(
    connection: Any, server: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(mail, "outbox", [], raising=False)
    ask(connection, "SELECT 1")
    before = server.sessions()
    with connection_monitor("op", utilization=by_django) as m:
        pass
    assert m.utilization_after is not None
    until(lambda: server.sessions() == before)


def test_the_thread_of_looks_ends_when_nobody_asks_and_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looker, "KEPT_SECONDS", 0.01)
    monkeypatch.setattr(looker, "FRESH_SECONDS", 0.0)
    mine, health = Looker(), Health(5.0)
    assert mine.ask(health, None).result(20) == 5.0
    until(lambda: mine._thread is None)
    assert mine.ask(health, None).result(20) == 5.0


def test_answers_are_bounded(still: None) -> None:
    mine, health = Looker(), Health(5.0)
    for number in range(looker.ANSWERS_MAX + 50):
        mine.ask(health, f"alias_{number}").result(20)
    assert len(mine._answers) == looker.ANSWERS_MAX


def test_a_coroutine_is_told_too(connection: Any, still: None) -> None:
    health = Health(20.0)

    async def work() -> Any:
        async with connection_monitor("op", utilization=health) as m:
            pass
        return m

    m = asyncio.run(work())
    assert (m.utilization_before, m.utilization_after, health.asked) == (20.0, 20.0, [None])


def test_a_look_that_comes_after_the_end_of_a_loop_disturbs_nobody(
    connection: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr("connwarden.django.monitor.monitor.LOOK_SECONDS_MAX", 0.01)
    gate = threading.Event()
    looks = []

    def hanging(alias: str | None) -> dict[str, Any]:
        gate.wait()
        return {"postgresql_info": {"utilization_percent": 1.0}}

    async def work() -> Any:
        async with connection_monitor("op", utilization=hanging) as m:
            looks.append(m._before)
        return m

    m = asyncio.run(work())
    gate.set()
    assert looks[0] is not None
    assert looks[0].result(20) == 1.0
    assert m.utilization_after is None
    assert caplog.records == []


def test_a_missing_module_of_health_is_no_look(connection: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connwarden.django.monitor.monitor._health_module", lambda: None)
    with connection_monitor("op") as m:
        pass
    assert (m.utilization_before, m.utilization_after) == (None, None)


def test_check_connection_health_is_asked_where_it_is(connection: Any, still: None, monkeypatch: Any) -> None:
    module = types.SimpleNamespace(held_health=Health(33.0))
    monkeypatch.setattr("connwarden.django.monitor.monitor._health_module", lambda: module)
    with connection_monitor("op") as m:
        pass
    assert m.utilization_after == 33.0


def test_a_child_of_fork_looks_by_a_thread_of_its_own(still: None) -> None:
    mine, health = Looker(), Health(5.0)
    mine.ask(health, None).result(20)
    mine.reset()
    assert mine._thread is None
    assert mine.ask(health, None).result(20) == 5.0
    assert health.asked == [None, None]
