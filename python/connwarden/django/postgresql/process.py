"""What this process holds, over all aliases: the ledgers, the breakers, the pools; and what becomes of them
by a fork.

A child starts at zero. What it inherits is cut off from its sockets and kept where no destructor finds it:
a goodbye of the child's would end the parent's session.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from connwarden.breaker import Breaker, Policy, Snapshot

from . import sockets
from .lease import Holding
from .ledger import Ledger

_LOG = logging.getLogger("connwarden.django")


@dataclass
class _Process:
    """All of it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    pools: dict[str, Any] = field(default_factory=dict)
    pooled: weakref.WeakSet[Any] = field(default_factory=weakref.WeakSet)
    inherited: list[Any] = field(default_factory=list)


_HERE = _Process()


def ledger(alias: str) -> Ledger:
    """The ledger of an alias."""
    found = _HERE.ledgers.get(alias)
    if found is not None:
        return found
    with _HERE.lock:
        return _HERE.ledgers.setdefault(alias, Ledger(alias))


def ledgers() -> list[Ledger]:
    """Those of all aliases that were connected to."""
    with _HERE.lock:
        return list(_HERE.ledgers.values())


def breaker(alias: str, policy: Policy) -> Breaker:
    """The breaker of an alias: a new one where its policy has changed."""
    with _HERE.lock:
        found = _HERE.breakers.get(alias)
        if found is None or found.policy != policy:
            found = _HERE.breakers[alias] = Breaker(alias, policy)
        return found


def breakers() -> list[Snapshot]:
    """Where the breakers stand."""
    with _HERE.lock:
        found = list(_HERE.breakers.values())
    return [one.snapshot() for one in found]


def holdings(alias: str) -> list[Holding]:
    """Who holds connections of an alias in this process, the longest first."""
    return ledger(alias).holdings()


def pools() -> dict[str, Any]:
    """Django's pools of this process, by alias: its own dictionary."""
    return _HERE.pools


def pools_live_in(pools: dict[str, Any]) -> None:
    """Django keeps its pools in this dictionary."""
    _HERE.pools = pools


def pooled(raw: Any) -> None:
    """A pool has opened this connection."""
    _HERE.pooled.add(raw)


def _in_child() -> None:
    # Locks may be held by threads that this process does not have: they are replaced, never taken.
    _HERE.lock = threading.Lock()
    opened = sorted(_HERE.pools)
    for one in list(_HERE.ledgers.values()):
        _HERE.inherited.extend(one.abandon())
    for raw in list(_HERE.pooled):
        sockets.cut_off(raw)
        _HERE.inherited.append(raw)
    _HERE.inherited.extend(_HERE.pools.values())
    _HERE.pools.clear()
    _HERE.pooled = weakref.WeakSet()
    _HERE.breakers.clear()
    if opened:
        _LOG.info("pools opened before the fork stay the parent's", extra={"aliases": opened})


def _at_fork(after_in_child: Callable[[], None]) -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=after_in_child)


_at_fork(_in_child)
