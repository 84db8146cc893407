"""What a scope has seen, and what there is to say about it. Plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .shapes import alike, brief

ALIKE_MIN = 20
"""Statements of one shape that make a hint at batching, if they are half of all."""


@dataclass(frozen=True)
class Counts:
    """What was counted."""

    seconds: float
    queries: int
    errors: int
    database_seconds: float
    longest_transaction_seconds: float
    connections_opened: Mapping[str, int]
    connections_left_open: Mapping[str, int]
    statements: Mapping[str, int]
    """How often each text ran; see `Tally` for the bounds."""


@dataclass(frozen=True)
class Left:
    """A connection in another state than the scope found it in."""

    alias: str
    transaction: bool
    """A transaction is open; otherwise autocommit is off."""


@dataclass(frozen=True)
class Limits:
    """What is worth a warning. None: nothing is."""

    warn_after: float | None
    """Seconds."""
    max_connections_delta: int | None
    """Connections left open."""


@dataclass(frozen=True)
class Warned:
    """A warning: `reason` is a word for metrics, `event` the constant text of the log, `text` a sentence with
    the facts.
    """

    reason: str
    event: str
    text: str
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """What a scope has seen. Times are in seconds, connections are counted by alias."""

    operation: str
    seconds: float
    """How long the scope lasted."""
    failed: bool
    """An exception left the scope."""
    queries: int
    """Statements, savepoints included. `executemany` counts once."""
    shapes: int
    """Different statements, values apart."""
    errors: int
    """Statements that raised."""
    database_seconds: float
    """The sum of all statements' times; threads add up."""
    longest_transaction_seconds: float
    """As far as it lay within the scope."""
    connections_opened: Mapping[str, int]
    """By alias: logins, or with a pool of Django, connections taken from it."""
    connections_left_open: Mapping[str, int]
    """By alias: of those, the ones that are open still and took no other's place."""
    utilization_before: float | None
    """Of the server, in percent; None if it could not be looked at."""
    utilization_after: float | None
    """The same, after the scope."""
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "warnings": list(self.warnings)}


def judged(operation: str, counts: Counts, left: list[Left], limits: Limits) -> list[Warned]:
    """Everything to be said about a scope that has ended."""
    found = [_left(operation, one) for one in left]
    added = sum(counts.connections_left_open.values())
    if limits.max_connections_delta is not None and added > limits.max_connections_delta:
        most = limits.max_connections_delta
        text = f"{operation}: {added} connections that it opened are open still; the limit is {most}"
        facts: dict[str, Any] = {"connections_left_open": added, "max_connections_delta": most}
        found.append(Warned("connections", "connections grew in a monitored scope", text, facts))
    if limits.warn_after is not None and counts.seconds > limits.warn_after:
        text = f"{operation}: took {counts.seconds:.1f} s; {limits.warn_after:g} s are expected"
        facts = {"seconds": counts.seconds, "warn_after": limits.warn_after}
        found.append(Warned("slow", "a monitored scope took long", text, facts))
    hint = _batching(operation, counts)
    return found if hint is None else [*found, hint]


def _left(operation: str, left: Left) -> Warned:
    facts = {"alias": left.alias}
    if left.transaction:
        text = f"{operation}: a transaction is left open on {left.alias!r}: commit it, or use atomic()"
        return Warned("transaction", "a monitored scope left a transaction open", text, facts)
    text = (
        f"{operation}: autocommit is left off on {left.alias!r}: call set_autocommit(True), or use atomic()"
    )
    return Warned("autocommit", "a monitored scope left autocommit off", text, facts)


def _batching(operation: str, counts: Counts) -> Warned | None:
    by_shape = alike({sql: times for sql, times in counts.statements.items() if not _of_a_savepoint(sql)})
    if not by_shape:
        return None
    shape, times = by_shape.most_common(1)[0]
    if times < ALIKE_MIN or times * 2 < counts.queries:
        return None
    text = f"{operation}: {counts.queries} queries, {times} alike: {brief(shape)}"
    facts = {"queries": counts.queries, "alike": times, "shape": brief(shape)}
    return Warned("alike", "a monitored scope ran many queries that are alike", text, facts)


def _of_a_savepoint(sql: str) -> bool:
    return sql.startswith(("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT "))
