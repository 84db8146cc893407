"""What the tests of the pools share: a clock that stands still, waiting for conditions, a line's place."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import psycopg

PATIENCE = 2000
"""Times a condition is looked at before a test gives up, 5 ms apart."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds


def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition that other threads bring about."""
    pause = threading.Event()
    for _ in range(PATIENCE):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError(f"never came true: {inspect.getsource(condition)}")


async def until_tasks(condition: Callable[[], bool]) -> None:
    """Waits for a condition that other tasks bring about."""
    for _ in range(PATIENCE):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"never came true: {inspect.getsource(condition)}")


def next_line() -> str:
    """`file:line in function` of the line after the caller's."""
    frame = inspect.currentframe()
    caller: FrameType | None = frame.f_back if frame else None
    assert caller is not None
    return f"{caller.f_code.co_filename}:{caller.f_lineno + 1} in {caller.f_code.co_name}"


def facts(record: logging.LogRecord) -> dict[str, Any]:
    """What a log record carries beside its text."""
    return record.__dict__


def parts(dsn: str) -> dict[str, str]:
    """A connection string as keyword arguments: host, port, user, database."""
    said = psycopg.conninfo.conninfo_to_dict(dsn)
    return {"database" if key == "dbname" else key: str(value) for key, value in said.items()}


def terminate(server: Any, application: str) -> None:
    """Ends the sessions of an application, as an administrator would."""
    with psycopg.connect(server.server, autocommit=True) as admin:
        sql = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = %s"
        assert admin.execute(sql, [application]).fetchall()
