"""Pools as metrics: names of the catalogue, two labels, no sample for what is not told."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pools_bed import Clock
from prometheus_client import CollectorRegistry, generate_latest
from psycopg_pool import ConnectionPool

from connwarden.pools import collector, watch
from connwarden.pools.metrics import FAMILIES
from connwarden.pools.psycopg import TracedConnectionPool

CATALOGUE = pathlib.Path(__file__).resolve().parents[2] / "crates/model/src/catalog/metrics.rs"

OURS = {
    "connwarden_pool_abandoned_total",
    "connwarden_pool_leak_suspects",
    "connwarden_pool_leaks_total",
    "connwarden_pool_requests_total",
    "connwarden_pool_servers_lost_total",
}
"""Families that the proxy has no use for."""


@pytest.fixture
def pool(server: Any) -> Iterator[Any]:
    with TracedConnectionPool(server.dsn, min_size=1, max_size=2, open=False, name="orders") as made:
        made.wait()
        yield made


def samples(*watched: Any) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector(*watched))
    lines = generate_latest(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_a_family_is_of_the_catalogue_or_ours_alone_and_its_kind_is_the_same() -> None:
    catalogue = dict(
        (name, kind)
        for kind, name in re.findall(r'(gauge|counter)\(\s*"(connwarden_\w+)"', CATALOGUE.read_text())
    )
    for family in FAMILIES:
        if family.name in OURS:
            assert family.name not in catalogue
        else:
            assert catalogue[family.name] == ("counter" if family.counts else "gauge"), family.name
    assert {family.name for family in FAMILIES} >= OURS


def test_a_traced_pool_has_every_sample(pool: Any) -> None:
    clock = Clock()
    with watch(pool, clock=clock) as watched, pool.connection():
        clock.passes(64)
        found = samples(watched)
    label = '{client="python",pool="orders"}'
    assert found[f"connwarden_pool_size{label}"] == 2
    assert found['connwarden_pool_servers{client="python",pool="orders",state="active"}'] == 1
    assert found['connwarden_pool_servers{client="python",pool="orders",state="idle"}'] == 0
    assert found['connwarden_pool_clients{client="python",pool="orders",state="waiting"}'] == 0
    assert found[f"connwarden_pool_leak_suspects{label}"] == 1
    assert found[f"connwarden_pool_leaks_total{label}"] == 1
    assert found[f"connwarden_pool_assignments_total{label}"] == 1
    assert {name.partition("{")[0] for name in found} == {family.name for family in FAMILIES}


def test_what_a_pool_does_not_tell_has_no_sample(server: Any) -> None:
    with ConnectionPool(server.dsn, min_size=1, open=False, name="bare") as pool, watch(pool) as watched:
        found = samples(watched)
    assert not [name for name in found if "leak" in name or "abandoned" in name or "assignments" in name]
    assert 'connwarden_pool_requests_total{client="python",pool="bare"}' in found


def test_two_watches_of_one_name_are_refused(pool: Any, server: Any) -> None:
    with (
        TracedConnectionPool(server.dsn, min_size=0, max_size=1, open=False, name="orders") as other,
        watch(pool) as one,
        watch(other) as two,
        pytest.raises(ValueError, match="two watches are called 'orders'"),
    ):
        collector(one, two)


def test_registering_takes_no_look(pool: Any) -> None:
    with watch(pool) as watched:
        collected = collector(watched)
        assert [list(family.samples) for family in collected.describe()] == [[]] * len(FAMILIES)
