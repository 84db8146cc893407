"""A scope while it is open, and which one a statement belongs to. What it counted becomes a `Record`; nothing
is judged here.

The current scope is in a context variable: what runs in a copy of the context (an awaited coroutine, a task
begun within the scope, `sync_to_async`, `asyncio.to_thread`) belongs to the scope; another task and a bare
thread do not.
"""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from contextvars import ContextVar
from time import perf_counter
from typing import TYPE_CHECKING

from django.db.backends.base.base import BaseDatabaseWrapper

from .record import Counts, Left
from .tag import Tag, tag
from .tally import Tally
from .transaction import in_transaction

if TYPE_CHECKING:
    from .watch import Watch

TALLIES_MAX = 64
"""Connections counted one by one before those that are gone are summed up."""

current: ContextVar[Scope | None] = ContextVar("connwarden_scope", default=None)


def covering(scope: Scope | None, alias: str) -> Scope | None:
    """The nearest open scope, from `scope` outwards, that watches `alias`."""
    while scope is not None and (scope.closed or not scope.covers(alias)):
        scope = scope.parent
    return scope


class Scope:
    """Counts until it is closed. Threads count into it at the same time, each into a `Tally` of its own."""

    def __init__(self, operation: str, aliases: frozenset[str] | None, tagged: bool) -> None:
        outer: Scope | None = current.get()
        while outer is not None and outer.closed:
            outer = outer.parent
        self.operation = operation
        self.parent: Scope | None = outer
        self.closed: bool = False
        self.tag: Tag | None = tag(operation, outer.tag if outer is not None else None) if tagged else None
        self.tallies: dict[Watch, Tally] = {}
        self._aliases = aliases
        self._lock = threading.Lock()
        self._gone: dict[str, Tally] = {}
        self._opened: Counter[str] = Counter()
        self._added: list[weakref.ref[BaseDatabaseWrapper]] = []
        self.started = perf_counter()

    def covers(self, alias: str) -> bool:
        """Whether it watches `alias`."""
        return self._aliases is None or alias in self._aliases

    def chain(self, alias: str) -> list[Scope]:
        """This scope and those around it that are open and watch `alias`."""
        found = []
        scope = covering(self, alias)
        while scope is not None:
            found.append(scope)
            scope = covering(scope.parent, alias)
        return found

    def enter(self) -> None:
        """Makes it the current one."""
        current.set(self)

    def leave(self) -> None:
        """Makes the one around it the current one, unless another has taken its place."""
        self.closed = True
        if current.get() is self:
            current.set(self.parent)

    def hold(self, watch: Watch, connection: BaseDatabaseWrapper, opened: bool) -> None:
        """Begins to count on `connection`. `opened`: it was opened just now; otherwise it may have been open
        before.
        """
        if watch not in self.tallies:
            known = Tally(
                was_open=not opened and connection.connection is not None,
                was_in_transaction=connection.in_atomic_block or in_transaction(connection),
                was_autocommit=connection.autocommit or connection.connection is None,
            )
            with self._lock:
                self.tallies[watch] = known
                if len(self.tallies) > TALLIES_MAX:
                    self._sum_up_the_gone()
            watch.holders.add(self)
        if opened:
            with self._lock:
                self._opened[connection.alias] += 1
                if not self.tallies[watch].was_open and watch.connection not in self._added:
                    self._added = [one for one in self._added if one() is not None]
                    self._added.append(watch.connection)

    def hand_over(self) -> None:
        """Adds what was counted to the scopes around this one. Called when it has ended."""
        for watch, tally in list(self.tallies.items()):
            outer = covering(self.parent, watch.alias)
            if outer is not None:
                outer._take(watch, tally, self.started)
        for alias, gone in self._gone.items():
            outer = covering(self.parent, alias)
            if outer is not None:
                with outer._lock:
                    outer._gone_of(alias).add(gone)

    def counts(self) -> Counts:
        """What was counted until now."""
        now = perf_counter()
        total = Tally()
        with self._lock:
            tallies = list(self.tallies.items())
            for gone in self._gone.values():
                total.add(gone)
        for watch, tally in tallies:
            total.add(tally)
            if tally.transaction is not None:
                seconds = tally.transaction.seconds(self.started, now, watch.in_this(tally.transaction))
                total.longest = max(total.longest, seconds)
        return Counts(
            seconds=now - self.started,
            queries=total.queries,
            errors=total.errors,
            database_seconds=total.seconds,
            longest_transaction_seconds=total.longest,
            connections_opened=dict(self._opened),
            connections_left_open=self._left_open(),
            statements=total.statements,
        )

    def left(self) -> list[Left]:
        """The connections on which a transaction was begun, or autocommit switched off, in the scope, and is
        so still.
        """
        found = []
        for watch, tally in list(self.tallies.items()):
            connection = watch.connection()
            if connection is None or connection.connection is None:
                continue
            begun = not tally.was_in_transaction and (
                connection.in_atomic_block or in_transaction(connection)
            )
            switched = tally.was_autocommit and not connection.autocommit and not connection.in_atomic_block
            if begun or switched:
                found.append(Left(watch.alias, transaction=begun))
        return found

    def release(self) -> None:
        """Lets go of all connections."""
        for watch in list(self.tallies):
            watch.release(self)
        # A task may keep its context, and this scope in it, for ever.
        self.tallies, self._gone, self._added = {}, {}, []

    def _left_open(self) -> dict[str, int]:
        left: Counter[str] = Counter()
        for one in list(self._added):
            connection = one()
            if connection is not None and connection.connection is not None:
                left[connection.alias] += 1
        return dict(left)

    def _take(self, watch: Watch, tally: Tally, since: float) -> None:
        """`tally` is that of a scope within, which began at `since`."""
        last = tally.transaction
        own = self.tallies.get(watch)
        with self._lock:
            gone = self._gone_of(watch.alias)
            gone.add(tally)
            if last is None or (own is not None and own.transaction is last):
                return
            if own is not None and own.transaction is None:
                own.transaction = last
            else:
                gone.longest = max(gone.longest, last.seconds(since, perf_counter(), watch.in_this(last)))

    def _gone_of(self, alias: str) -> Tally:
        return self._gone.setdefault(alias, Tally())

    def _sum_up_the_gone(self) -> None:
        now = perf_counter()
        for watch in [watch for watch in self.tallies if watch.connection() is None]:
            tally = self.tallies.pop(watch)
            gone = self._gone_of(watch.alias)
            gone.add(tally)
            if tally.transaction is not None:
                seconds = tally.transaction.seconds(self.started, now, going=False)
                gone.longest = max(gone.longest, seconds)
