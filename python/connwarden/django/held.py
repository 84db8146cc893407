"""One connection that is held for looks, in processes that look again and again: probes and monitored scopes make no login for
each, and a server that has filled up since can still be looked at.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.core.signals import request_finished
from django.db.backends.base.base import BaseDatabaseWrapper

from .._core import Server
from ..asking import over as over_connection
from . import looking

HELD_S = 60.0
"""A held connection that nobody has used for so long is closed when a request ends."""


def over(alias: str) -> AbstractContextManager[Server]:
    """A server to look at, over the connection that is held; opened where there is none."""
    return _held.over(alias)


def let_go() -> None:
    """Closes it. The next look opens another."""
    _held.let_go(now=True)


class _Held:
    """The connection of this process's probes. It is open only in processes that answer some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None
        self._server: Server | None = None
        self._alias = ""
        self._used = 0.0

    @contextmanager
    def over(self, alias: str) -> Iterator[Server]:
        with self._lock:
            if self._alias != alias:
                self._drop()
            self._used = time.monotonic()
            if self._server is None:
                try:
                    self._open(alias)
                except Exception:
                    self._drop()
                    # Nobody let Django in: the ways in that are left, for this once.
                    with looking.server(alias, application="connwarden health") as server:
                        yield server
                    return
            assert self._server is not None
            try:
                yield self._server
            except Exception:
                self._drop()
                raise

    def _open(self, alias: str) -> None:
        connection = looking.apart(alias)
        connection.ensure_connection()
        self._alias, self._connection = alias, connection
        self._server = over_connection(connection.connection)

    def _drop(self) -> None:
        connection, self._connection, self._server = self._connection, None, None
        if connection is not None:
            connection.close()

    def let_go(self, *, now: bool = False) -> None:
        """Closes what was not used for long, or at once."""
        if self._connection is None or not (now or time.monotonic() - self._used > HELD_S):
            return
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()


_held = _Held()


def _finished(**_: object) -> None:
    _held.let_go()


def _forked() -> None:
    # What was held is the parent's, who says goodbye on it: it must neither be used nor closed here.
    global _held
    _inherited.append(_held)
    _held = _Held()


_inherited: list[_Held] = []
os.register_at_fork(after_in_child=_forked)
request_finished.connect(_finished, dispatch_uid="connwarden.held")
atexit.register(let_go)
