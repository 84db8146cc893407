"""The part of the package that is written in Rust: the same reports in the same words as the commands."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypedDict, final

Ask = Callable[[list[str]], list[tuple[list[str], list[list[str | None]]]]]
"""Puts statements; brings, for each, the names of its columns and its rows as PostgreSQL writes them."""

Told = Callable[[int, str, str | None], object]
Only = Mapping[str, Sequence[str]]

__version__: str

class ConnwardenError(Exception):
    """A server could not be looked at."""

    code: Literal["server_full", "auth", "timeout", "permission", "config", "network"]
    sqlstate: str | None
    hint: str | None
    report: str
    health: Report

@final
class Report:
    """A report: the same document and the same words as the command of the same name."""

    @property
    def level(self) -> Literal["ok", "warning", "critical", "unknown"]: ...
    @property
    def exit_code(self) -> int: ...
    def json(self) -> str: ...
    def text(
        self,
        form: Literal["human", "plain", "line", "nagios", "prometheus"] = "human",
        *,
        colour: bool = False,
        ascii: bool = False,
        width: int | None = None,
        top: int = 20,
    ) -> str: ...

@final
class Plan:
    """What each service may hold of a server: a connwarden-plan.toml and the files it names.

    Raises `ValueError` where they cannot be read or hold mistakes.
    """

    def __new__(cls, path: str) -> Plan: ...

@final
class Closing:
    """Who would be closed or cancelled, as the server stood when it was looked at."""

    @property
    def victims(self) -> int: ...
    @property
    def running(self) -> int: ...
    @property
    def in_transaction(self) -> int: ...
    def report(self) -> Report: ...
    def carry_out(
        self,
        server: Server,
        *,
        rate: float = 10.0,
        grace: float = 5.0,
        cancel_first: bool = True,
        recheck: float = 10.0,
        told: Told | None = None,
    ) -> Report: ...

@final
class Server:
    """A server that is looked at. One look at a time: a second thread waits."""

    @staticmethod
    def over(ask: Ask, place: str, major: int) -> Server: ...
    @staticmethod
    def connect(
        dsn: str | None = None,
        *,
        application: str = "connwarden",
        timeout: float = 5.0,
        wait_slot: float | None = None,
    ) -> Server: ...
    @property
    def place(self) -> str: ...
    @property
    def way(self) -> str | None: ...
    def status(
        self,
        *,
        by: Sequence[str] = ("app",),
        sessions: bool = False,
        only: Only = ...,
        thresholds: Mapping[str, float] = ...,
        plan: Plan | None = None,
    ) -> Report: ...
    def health(
        self,
        *,
        checks: Sequence[str] = (),
        apart: float | None = None,
        thresholds: Mapping[str, float] = ...,
        plan: Plan | None = None,
    ) -> Report: ...
    def closing(
        self,
        action: Literal["close-idle", "force-close", "cancel"],
        *,
        only: Only = ...,
        min_age: float | None = None,
        keep: int = 0,
        max: int = 100,
        until: float | None = None,
        protect: Sequence[str] = (),
        include_idle_tx: bool = False,
        include_poolers: bool = False,
        include_superusers: bool = False,
        everything: bool = False,
        i_know: bool = False,
        reason: str | None = None,
    ) -> Closing: ...
    def close(self) -> None: ...

class Preset(TypedDict):
    """What one process of an application is given."""

    max_conns: int
    conn_max_age: int
    debug: bool

class Waiting(TypedDict):
    """How a load waits for a pool. Seconds; None where the line grows without end."""

    busy: float
    utilisation: float
    probability: float
    mean: float | None
    p99: float | None

def failure(code: str, message: str, hint: str | None = None) -> ConnwardenError: ...
def presets() -> dict[str, Preset]: ...
def waiting(
    *, rate: float, hold: float, pool: int, arrivals_cv: float = 1.0, holds_cv: float = 1.0
) -> Waiting: ...
def plan_check(
    files: Sequence[str] = (), *, plan: str | None = None, max_connections: int | None = None
) -> Report: ...
def explain(text: str) -> Report: ...
