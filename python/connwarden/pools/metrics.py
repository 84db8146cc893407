"""Pools for Prometheus: a collector for `prometheus_client`, under the names that the proxy and `health` use.

Two labels: `client`, always `python`, and `pool`, a watch's name. Never a borrower, an address or a
statement. What a pool does not tell has no sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from .shape import PoolStats
from .watched import Watched

if TYPE_CHECKING:
    from prometheus_client import Metric

Number = float | None


class _Family(NamedTuple):
    name: str
    help: str
    samples: tuple[tuple[str | None, Callable[[PoolStats], Number]], ...]
    """A state, or None for a family without that label, and its value."""

    @property
    def counts(self) -> bool:
        return self.name.endswith("_total")


def _one(name: str, help: str, value: Callable[[PoolStats], Number]) -> _Family:
    return _Family(name, help, ((None, value),))


FAMILIES = (
    _one("connwarden_pool_size", "Connections a pool may hold at most.", lambda one: one.max),
    _Family(
        "connwarden_pool_servers",
        "Connections to servers of a pool by what they do.",
        (("active", lambda one: one.in_use), ("idle", lambda one: one.idle)),
    ),
    _Family(
        "connwarden_pool_clients",
        "Clients of a pool by what they do.",
        (("waiting", lambda one: one.waiting),),
    ),
    _one("connwarden_pool_assignments_total", "Traced checkouts.", lambda one: one.lent_total),
    _one("connwarden_pool_requests_total", "Requests for a connection.", lambda one: one.requests_total),
    _one("connwarden_pool_waits_total", "Requests that stood in line.", lambda one: one.waited_total),
    _one(
        "connwarden_pool_wait_seconds_total",
        "Time requests stood in line.",
        lambda one: one.wait_seconds_total,
    ),
    _one(
        "connwarden_pool_gave_up_total",
        "Requests that left the line without a connection.",
        lambda one: one.timeouts_total,
    ),
    _one("connwarden_pool_servers_opened_total", "Connections opened.", lambda one: one.opened_total),
    _one(
        "connwarden_pool_dials_refused_total",
        "Attempts to open a connection that failed.",
        lambda one: one.open_failed_total,
    ),
    _one("connwarden_pool_servers_lost_total", "Connections found broken.", lambda one: one.lost_total),
    _one("connwarden_pool_leak_suspects", "Checkouts older than leak_after.", lambda one: one.leaks),
    _one(
        "connwarden_pool_leaks_total",
        "Checkouts that became older than leak_after.",
        lambda one: one.leaks_total,
    ),
    _one(
        "connwarden_pool_abandoned_total",
        "Borrowers that dropped a connection unreturned.",
        lambda one: one.abandoned_total,
    ),
)
"""Every family, once."""


class PoolCollector:
    """What a registry of `prometheus_client` asks. Every scrape is a look."""

    def __init__(self, watched: tuple[Watched, ...]) -> None:
        self._watched = watched

    def describe(self) -> Iterator[Metric]:
        """The families, without a look."""
        return self._families(())

    def collect(self) -> Iterator[Metric]:
        """The families, with samples."""
        return self._families([one.stats() for one in self._watched])

    def _families(self, stats: tuple[PoolStats, ...] | list[PoolStats]) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        for family in FAMILIES:
            states = [state for state, _ in family.samples if state is not None]
            labels = ["client", "pool", "state"] if states else ["client", "pool"]
            kind = CounterMetricFamily if family.counts else GaugeMetricFamily
            metric = kind(family.name, family.help, labels=labels)
            for one in stats:
                for state, value in family.samples:
                    if (number := value(one)) is not None:
                        metric.add_metric(["python", one.name, *([state] if state else [])], number)
            yield metric


def collector(*watched: Watched) -> PoolCollector:
    """A collector of these watches: `REGISTRY.register(collector(one, other))`.

    Raises `ValueError` where two have one name: their samples could not be told apart.
    """
    names = [one.name for one in watched]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two watches are called {name!r}: give one of them another name")
    return PoolCollector(watched)
