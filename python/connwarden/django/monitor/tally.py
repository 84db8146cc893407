"""What was counted on one connection in one scope: written by the connection's own thread alone, so without a
lock.

Its memory is bounded: texts of statements beyond the bounds are counted, but not told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .transaction import Transaction

STATEMENTS_MAX = 500
"""Texts told apart, for each connection."""
STATEMENT_CHARS_MAX = 16_384
"""Of one text: of a longer one only the beginning counts."""
CHARS_MAX = 1_000_000
"""Of all texts together, for each connection."""


@dataclass
class Tally:
    """Counts and sums; seconds are those of `perf_counter`."""

    queries: int = 0
    errors: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    """Of the transactions that are over."""
    transaction: Transaction | None = None
    """The last one seen."""
    statements: dict[str, int] = field(default_factory=dict)
    """How often each text ran."""
    chars: int = 0
    was_open: bool = False
    """The connection was open when the scope began."""
    was_in_transaction: bool = False
    """A transaction was open when the scope met the connection."""
    was_autocommit: bool = True
    """Autocommit was on when the scope met the connection."""

    def meet(self, sql: str, times: int = 1) -> None:
        """Counts a text that was not met before, or that is too long to be a key."""
        key = sql if len(sql) <= STATEMENT_CHARS_MAX else sql[:STATEMENT_CHARS_MAX]
        if key in self.statements:
            self.statements[key] += times
        elif len(self.statements) < STATEMENTS_MAX and self.chars + len(key) <= CHARS_MAX:
            self.statements[key] = times
            self.chars += len(key)

    def turn(self, transaction: Transaction, since: float, now: float) -> None:
        """`transaction` is the current one; the one before is over."""
        if self.transaction is not None:
            self.longest = max(self.longest, self.transaction.seconds(since, now, going=False))
        self.transaction = transaction

    def add(self, other: Tally) -> None:
        """The sums of both; `other` may be counting meanwhile. Its last transaction is left to the caller."""
        self.queries += other.queries
        self.errors += other.errors
        self.seconds += other.seconds
        self.longest = max(self.longest, other.longest)
        for sql, times in other.statements.copy().items():
            self.meet(sql, times)
