"""What there is to say about a scope: plain data in, plain data out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connwarden.django.monitor.record import Counts, Left, Limits, judged

NOTHING = Counts(
    seconds=1.0,
    queries=0,
    errors=0,
    database_seconds=0.0,
    longest_transaction_seconds=0.0,
    connections_opened={},
    connections_left_open={},
    statements={},
)
LIMITS = Limits(warn_after=30.0, max_connections_delta=5)


@pytest.mark.parametrize(
    ("alike", "others", "hint"),
    [(19, 0, False), (20, 0, True), (20, 20, True), (20, 21, False), (200, 40, True)],
)
def test_twenty_alike_that_are_half_of_all_are_a_hint(alike: int, others: int, hint: bool) -> None:
    statements = {"SELECT 1": alike, **{f"SELECT {number} AS c{number}": 1 for number in range(others)}}
    found = judged("op", replace(NOTHING, queries=alike + others, statements=statements), [], LIMITS)
    assert [one.reason for one in found] == (["alike"] if hint else [])


@pytest.mark.parametrize(("seconds", "warned"), [(30.0, []), (30.1, ["slow"])])
def test_longer_than_the_limit_is_slow(seconds: float, warned: list[str]) -> None:
    assert [one.reason for one in judged("op", replace(NOTHING, seconds=seconds), [], LIMITS)] == warned


@pytest.mark.parametrize(("left", "warned"), [(5, []), (6, ["connections"])])
def test_more_connections_than_the_limit_are_growth(left: int, warned: list[str]) -> None:
    counts = replace(NOTHING, connections_left_open={"a": left - 2, "b": 2})
    assert [one.reason for one in judged("op", counts, [], LIMITS)] == warned


def test_each_connection_that_is_left_in_another_state_is_named() -> None:
    found = judged("op", NOTHING, [Left("a", transaction=True), Left("b", transaction=False)], LIMITS)
    assert [(one.reason, one.facts["alias"]) for one in found] == [("transaction", "a"), ("autocommit", "b")]


def test_no_fact_takes_a_name_that_a_log_record_has() -> None:
    counts = replace(
        NOTHING, seconds=31.0, connections_left_open={"a": 6}, queries=20, statements={"SELECT 1": 20}
    )
    found = judged("op", counts, [Left("a", transaction=True), Left("b", transaction=False)], LIMITS)
    assert len({one.reason for one in found}) == len(found) == 5
    for one in found:
        assert not {"name", "msg", "args", "message", "module", "operation", "detail"} & set(one.facts)
