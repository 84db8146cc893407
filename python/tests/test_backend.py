"""The backend keeps its limit, whatever drives the connections. The scenarios: `backend/scenarios`."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Any

import django
import pytest

PROGRAM = pathlib.Path(__file__).with_name("backend") / "stack.py"

STACKS = ["psycopg", "psycopg2", *(["pool"] if django.VERSION >= (5, 1) else [])]
COUNTING = ["psycopg", "psycopg2"]


def run(server: Any, stack: str, scenario: str, **more: str) -> str:
    facts = server.facts
    door = "SERVER" if server.direct else "PROXY"
    environment = {
        **os.environ,
        "STACK": stack,
        "BED_HOST": facts[f"{door}_HOST"],
        "BED_PORT": facts[f"{door}_PORT"],
        "BED_SOCKET": facts["SERVER_SOCKET"],
        "BED_NAME": server.database,
        "BED_SERVER": server.server,
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-X", "dev", str(PROGRAM), scenario],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and done.stdout.endswith("done\n"), done.stdout + done.stderr
    return done.stdout + done.stderr


EVERYWHERE = [
    "more_threads_than_connections_take_turns",
    "threads_that_keep_connections_make_way_between_requests",
    "a_connection_is_kept_between_requests_where_nobody_waits",
    "a_connection_within_a_transaction_is_not_taken",
    "a_limit_reached_says_who_holds_and_what_to_do",
    "threads_that_die_without_a_close_lose_nothing",
    "a_server_that_ends_a_session_costs_nothing",
    "whatever_happens_every_right_comes_back",
    "a_child_starts_at_zero_and_shares_no_socket",
    "a_fork_within_a_transaction_leaves_it_to_the_parent",
    "test_databases_are_made_and_dropped",
    "our_keys_never_reach_libpq_and_the_name_has_the_process",
    "closing_leaves_nothing_behind",
    "a_statement_that_does_not_end_is_cancelled_at_the_end_of_the_grace",
    "requests_by_asgi_are_bounded_and_leave_nothing_stale",
]
WITHOUT_A_POOL = [
    "a_connection_that_is_dropped_unclosed_is_counted_out",
    "failures_to_connect_cost_nothing",
    "the_breaker_opens_and_lets_one_through",
    "a_wrong_database_is_not_tried_twice",
    "a_full_server_is_waited_for",
]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("scenario", EVERYWHERE)
def test_on_every_stack(server: Any, stack: str, scenario: str) -> None:
    run(server, stack, scenario)


@pytest.mark.parametrize("stack", COUNTING)
@pytest.mark.parametrize("scenario", WITHOUT_A_POOL)
def test_where_connections_are_counted(server: Any, stack: str, scenario: str) -> None:
    run(server, stack, scenario)


def test_a_limit_holds_where_this_django_has_no_pool(server: Any) -> None:
    """The same settings on Django 4.2: the pool's size becomes the limit."""
    if django.VERSION >= (5, 1):
        pytest.skip("this Django has a pool")
    run(server, "pool", "more_threads_than_connections_take_turns")


@pytest.mark.parametrize("stack", COUNTING)
@pytest.mark.parametrize("pooler", ["connwarden", "transaction", "none"])
def test_settings_reach_the_server_in_the_way_the_pooler_allows(
    server: Any, proxied: Any, stack: str, pooler: str
) -> None:
    bed = server if pooler == "none" else proxied
    run(bed, stack, "a_proxy_takes_what_config_says_and_the_limit_holds_for_its_clients", POOLER=pooler)


@pytest.mark.skipif(django.VERSION < (5, 1), reason="this Django has no pool")
def test_a_pool_that_gets_nothing_is_told_from_one_that_is_used_up(server: Any) -> None:
    run(server, "pool", "a_pool_without_a_server_says_so_and_loses_nothing")
