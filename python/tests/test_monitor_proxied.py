"""Tags through a proxy in transaction mode."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from monitor_bed import ALIAS, aliases, ask, psycopg_3

from connwarden.django.monitor import connection_monitor


@pytest.fixture
def connection(proxied: Any) -> Iterator[Any]:
    with aliases(proxied) as found:
        yield found


@pytest.mark.parametrize("binding", [False, True])
def test_a_tagged_statement_runs_through_the_proxy(connection: Any, binding: bool) -> None:
    if binding and not psycopg_3():
        pytest.skip("psycopg2 prepares nothing")
    connection.settings_dict["OPTIONS"] = (
        {"server_side_binding": True, "prepare_threshold": 1} if binding else {}
    )
    texts = set()
    for number in range(5):
        with connection_monitor("bulk/operation", utilization=False) as m, transaction.atomic(using=ALIAS):
            assert ask(connection, "SELECT %s::int", [number]) == number
            texts.add(ask(connection, "SELECT current_query()"))
    assert texts == {"/*op='bulk%2Foperation'*/ SELECT current_query()"}
    assert m.queries == 2
