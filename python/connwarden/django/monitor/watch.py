"""The wrapper around a connection's statements. It is on a connection only while a scope holds that
connection.

It stands first in `execute_wrappers`, not last: Django's `execute_wrapper` takes the last one off when its
block ends, and must not take this one. Only the connection's own thread puts it there and takes it away.
Where a scope ends in another thread, the wrapper takes itself away at the connection's next statement.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from .scope import Scope, covering, current
from .tally import Tally
from .transaction import Transaction, in_transaction, step

_current = current.get
_clock = perf_counter


class Watch:
    """One connection's. Knows the connection weakly: it must not keep it alive."""

    __slots__ = (
        "alias",
        "connection",
        "holders",
        "_scope",
        "_tally",
        "_transaction",
        "_bare",
        "_doubled",
        "__weakref__",
    )

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.alias = connection.alias
        self.connection: weakref.ref[BaseDatabaseWrapper] = weakref.ref(connection)
        self.holders: set[Scope] = set()
        self._scope: Scope | None = None
        """The current scope at the last statement."""
        self._tally: Tally | None = None
        """Where statements of that scope are counted."""
        self._transaction: Transaction | None = None
        self._bare = ""
        self._doubled = ""

    def execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Django calls it for each statement. What it does here is paid by each statement: see
        docs/django-monitor.md.
        """
        scope = _current()
        if scope is None or scope is not self._scope or scope.closed:
            self._turn(scope, context["connection"])
        tally = self._tally
        if tally is None:
            return execute(sql, params, many, context)
        connection = context["connection"]
        if type(sql) is not str:
            sql = _text(sql, connection)
        tally.queries += 1
        statements = tally.statements
        if sql in statements:
            statements[sql] += 1
        else:
            tally.meet(sql if type(sql) is str else "(not text)")
        transaction = None
        started = _clock()
        if connection.in_atomic_block or not connection.autocommit:
            transaction = self._transaction
            if (
                transaction is None
                or transaction.ended is not None
                or not transaction.marked
                or tally.transaction is not transaction
            ):
                transaction = self._step(connection, tally, started)
        if type(sql) is str:
            sql = (self._bare if params is None else self._doubled) + sql
        try:
            return execute(sql, params, many, context)
        except Exception:
            tally.errors += 1
            raise
        finally:
            now = _clock()
            tally.seconds += now - started
            if transaction is not None:
                transaction.last = now

    def in_this(self, transaction: Transaction) -> bool:
        """Whether `transaction` may be open still."""
        connection = self.connection()
        return connection is not None and transaction is self._transaction and in_transaction(connection)

    def held(self) -> bool:
        """Whether a scope that is open holds it."""
        return any(not scope.closed for scope in list(self.holders))

    def begin(self, connection: BaseDatabaseWrapper) -> None:
        """A scope meets the connection: a transaction that is open already counts from now on."""
        if in_transaction(connection):
            self._transaction = step(self._transaction, connection, _clock())
            for holder in self.holders:
                tally = holder.tallies.get(self)
                if tally is not None and tally.transaction is None:
                    tally.transaction = self._transaction

    def release(self, scope: Scope) -> None:
        """`scope` has ended. Any thread may call it."""
        self.holders.discard(scope)
        if self._scope is scope:
            self._scope = self._tally = None

    def _turn(self, scope: Scope | None, connection: BaseDatabaseWrapper) -> None:
        """The current scope is another one than at the last statement."""
        target = covering(scope, self.alias)
        self._scope = scope
        if target is None:
            self._tally = None
            if not self.held():
                _take_off(self, connection)
            return
        if target not in self.holders:
            for one in target.chain(self.alias):
                one.hold(self, connection, opened=False)
        self._tally = target.tallies.get(self)
        tag = target.tag if connection.vendor == "postgresql" else None
        self._bare = "" if tag is None else tag.bare
        self._doubled = "" if tag is None else tag.doubled

    def _step(self, connection: BaseDatabaseWrapper, tally: Tally, now: float) -> Transaction:
        transaction = step(self._transaction, connection, now)
        self._transaction = transaction
        if tally.transaction is not transaction:
            scope = covering(self._scope, self.alias)
            tally.turn(transaction, scope.started if scope is not None else now, now)
        return transaction


def hold_here(scope: Scope) -> None:
    """Puts the wrapper on the connections of this thread; those that are opened later get it then."""
    _listen()
    for connection in connections.all(initialized_only=True):
        if scope.covers(connection.alias):
            _hold(scope, connection, opened=False)


def sweep_here() -> None:
    """Takes the wrapper off the connections of this thread that no scope holds."""
    for connection in connections.all(initialized_only=True):
        watch = _of(connection)
        if watch is not None and not watch.held():
            _take_off(watch, connection)


def _hold(scope: Scope, connection: BaseDatabaseWrapper, opened: bool) -> None:
    watch = _of(connection)
    if watch is None:
        watch = Watch(connection)
        connection.execute_wrappers.insert(0, watch.execute)
    for one in scope.chain(connection.alias):
        one.hold(watch, connection, opened)
    if not opened:
        watch.begin(connection)


def _of(connection: BaseDatabaseWrapper) -> Watch | None:
    for wrapper in connection.execute_wrappers:
        owner = getattr(wrapper, "__self__", None)
        if type(owner) is Watch:
            return owner
    return None


def _take_off(watch: Watch, connection: BaseDatabaseWrapper) -> None:
    if watch.execute in connection.execute_wrappers:
        connection.execute_wrappers.remove(watch.execute)


def _listen() -> None:
    connection_created.connect(_created, dispatch_uid="connwarden.django.monitor")


def _created(sender: object, connection: BaseDatabaseWrapper, **facts: object) -> None:
    scope = covering(current.get(), connection.alias)
    if scope is not None:
        _hold(scope, connection, opened=True)


def _text(sql: Any, connection: BaseDatabaseWrapper) -> Any:
    """A composed statement of psycopg as text. What cannot be text (bytes) stays as it is, and untagged."""
    if isinstance(sql, str):
        return str(sql)
    try:
        return str(sql.as_string(connection.connection))
    except Exception:
        # The driver says what is wrong with it, or takes it.
        return sql
