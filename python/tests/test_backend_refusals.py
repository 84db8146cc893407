"""Which failures to connect are worth another try."""

from __future__ import annotations

import pytest

from connwarden.django.postgresql.refusals import will_pass


class OperationalError(Exception):
    """Named as the drivers name theirs."""

    sqlstate: str | None = None


PASSING = [
    "FATAL:  sorry, too many clients already",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    'FATAL:  too many connections for role "wall"',
    'FATAL:  too many connections for database "wall"',
    "FATAL:  the database system is starting up",
    "FATAL:  the database system is not yet accepting connections",
    'connection to server at "db", port 5432 failed: Connection refused',
    'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory',
    "connection timeout expired",
]
LASTING = [
    'FATAL:  password authentication failed for user "wall"',
    'FATAL:  database "nowhere" does not exist',
    "fe_sendauth: no password supplied",
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1"',
    'root certificate file "/x" does not exist',
    "something nobody has heard of",
]


@pytest.mark.parametrize("text", PASSING)
def test_what_passes_is_tried_again(text: str) -> None:
    assert will_pass(OperationalError(text))


@pytest.mark.parametrize("text", LASTING)
def test_what_lasts_is_told_at_once(text: str) -> None:
    assert not will_pass(OperationalError(text))


def test_a_code_counts_more_than_a_text() -> None:
    error = OperationalError("désolé, trop de clients sont déjà connectés")
    error.sqlstate = "53300"
    assert will_pass(error)
    error = OperationalError("sorry, too many clients already")
    error.sqlstate = "28P01"
    assert not will_pass(error)


def test_an_error_of_ours_is_none_of_the_servers() -> None:
    assert not will_pass(ValueError("Connection refused"))
