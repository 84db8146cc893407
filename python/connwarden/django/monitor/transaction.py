"""How long a transaction was open, as far as it can be seen from beside Django.

Django tells nobody that a transaction has ended. A callback of `on_commit` is called at a commit and
forgotten at a rollback: either is noticed at once. Where none can be left (autocommit is off, a TestCase), a
transaction counts to its last statement.
"""

from __future__ import annotations

from time import perf_counter

from django.db.backends.base.base import BaseDatabaseWrapper

_IN_TRANSACTION = (1, 2, 3)
"""PQTRANS_ACTIVE, PQTRANS_INTRANS, PQTRANS_INERROR: the manual of libpq, PQtransactionStatus."""


class Transaction:
    """A transaction that statements were seen in. Times are those of `perf_counter`, in seconds."""

    __slots__ = ("started", "last", "ended", "over", "marked")

    def __init__(self, started: float) -> None:
        self.started = started
        self.last = started
        """When its last statement was over."""
        self.ended: float | None = None
        """When it was committed or rolled back, perhaps to a savepoint only."""
        self.over = False
        """It was committed."""
        self.marked = False
        """Its end will be noticed."""

    def seconds(self, since: float, now: float, going: bool) -> float:
        """How much of it lies after `since`. `going`: the connection is in a transaction at `now`, and in no
        later one.
        """
        unfinished = (going and not self.over) or (self.marked and self.ended is None)
        end = now if unfinished else self.ended or self.last
        return max(0.0, end - max(self.started, since))


class _Mark:
    """The callback. Holds nothing but the transaction: it may outlive the scope that left it."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __call__(self) -> None:
        self._transaction.over = True
        self._transaction.ended = perf_counter()

    def __del__(self) -> None:
        if self._transaction.ended is None:
            self._transaction.ended = perf_counter()


def step(seen: Transaction | None, connection: BaseDatabaseWrapper, now: float) -> Transaction:
    """The transaction that a statement of `connection` is about to run in; `seen` is the one of the statement
    before.
    """
    if seen is not None:
        if seen.marked and seen.ended is None:
            return seen
        if not seen.over and in_transaction(connection):
            # Rolled back to a savepoint, which took the mark along, or never marked: still the same one.
            seen.ended = None
            return _marked(seen, connection)
    return _marked(Transaction(now), connection)


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether the server has a transaction open here. Asks the driver, not the server."""
    raw = connection.connection
    if raw is None:
        return False
    if connection.vendor != "postgresql":
        return connection.in_atomic_block
    try:
        return raw.info.transaction_status in _IN_TRANSACTION
    except Exception:
        # psycopg2 raises for a connection that is closed.
        return False


def _marked(transaction: Transaction, connection: BaseDatabaseWrapper) -> Transaction:
    transaction.marked = connection.in_atomic_block and not _of_a_testcase(connection)
    if transaction.marked:
        connection.on_commit(_Mark(transaction))
    return transaction


def _of_a_testcase(connection: BaseDatabaseWrapper) -> bool:
    """A TestCase never commits, and its tests count callbacks."""
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
