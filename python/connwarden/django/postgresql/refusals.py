"""The texts a program reads when it gets no connection, and which failures to connect will pass by
themselves.
"""

from __future__ import annotations

import re

from django.db.utils import OperationalError

from connwarden.breaker import BreakerOpen

from .lease import Holding, State
from .ledger import LimitReached

_SHOWN_MAX = 10
"""So many holders are named; the rest is counted."""

_PASSING = re.compile(
    "|".join(
        (
            # 53300, in the texts of all supported versions
            "sorry, too many clients already",
            "remaining connection slots are reserved",
            "too many connections for (?:role|database)",
            # 57P03
            "the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)",
            # nobody listens, or the line is down or slow
            "Connection refused",
            "No such file or directory",
            "timeout expired",
            "Connection timed out",
            "could not connect to server",
            "server closed the connection unexpectedly",
            "Connection reset by peer",
            "Network is unreachable",
            "No route to host",
        )
    )
)
_LASTING = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|does not exist|certificate"
)
_STATES = {"53300", "57P03"}


class BreakerIsOpen(OperationalError):
    """Nothing was tried: see `connwarden.breaker`."""


def will_pass(error: Exception) -> bool:
    """Whether a failure to *connect* is worth another try: the server is full, starting, or not reached.

    libpq reports failed logins as text, without a SQLSTATE: they are known by PostgreSQL's English texts.
    """
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state:
        return state in _STATES
    if type(error).__name__ not in ("OperationalError", "ConnectionTimeout"):
        return False
    text = str(error)
    return bool(_PASSING.search(text)) and not _LASTING.search(text)


def limit_reached(why: LimitReached, pooled: bool) -> OperationalError:
    """The limit, who holds what, and what to do."""
    setting = "OPTIONS['pool']['max_size']" if pooled else "MAX_CONNS, DB_MAX_CONNS"
    shown = "; ".join(_line(holding) for holding in why.holdings[:_SHOWN_MAX]) or "nobody any more"
    more = len(why.holdings) - _SHOWN_MAX
    rest = f"; and {more} more" if more > 0 else ""
    others = f" {why.waiting} more wait." if why.waiting > 0 else ""
    return OperationalError(
        f"no connection of {why.alias!r} became free in {why.waited_s:.1f} s: this process may "
        f"have {why.limit} ({setting}). Held by: {shown}{rest}.{others} "
        "To mend it: fewer threads than connections, connection.close() where a thread of your own ends, "
        f"shorter transactions, or a larger {setting} if the server has room (see `connwarden plan check`)."
    )


def _line(holding: Holding) -> str:
    if not holding.thread_alive:
        doing = "its thread has ended, and the connection is shared with others"
    elif holding.state is State.OPENING:
        doing = "connecting"
    elif holding.state is State.LEAVING:
        doing = "closed, the server has not ended yet"
    elif holding.in_transaction:
        doing = "in a transaction"
    else:
        doing = "no transaction"
    return f"{holding.thread} for {holding.held_s:.1f} s ({doing})"


def breaker_open(why: BreakerOpen) -> BreakerIsOpen:
    """Nothing was tried."""
    return BreakerIsOpen(
        f"no connection of {why.name!r} is tried: {why.failures} failures in a row opened the circuit "
        f"breaker. The next try comes in {why.retry_after_s:.1f} s. The last error was: {why.last_error}"
    )


def pool_is_dry(alias: str, timeout_s: float) -> OperationalError:
    """The pool had room, and the server gave nothing."""
    return OperationalError(
        f"the pool of {alias!r} got no connection from the server within {timeout_s:.1f} s, though it has "
        "room. The log of 'psycopg.pool' says why its attempts failed."
    )
