"""Connections that are held for looks, one for each alias, in processes that look again and again: probes and monitored
scopes make no login for each, and a server that has filled up since can still be looked at.
"""

from __future__ import annotations

import atexit
import os
import sys
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
    """A server to look at, over the connection that is held for the alias; opened where there is none."""
    return _held.setdefault(alias, _Held(alias)).over()


def let_go() -> None:
    """Closes all of them. The next look opens another."""
    for held in list(_held.values()):
        held.let_go(now=True)


class _Held:
    """The connection for one alias. Open only in processes that look."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._lock = threading.Lock()
        self._connection: BaseDatabaseWrapper | None = None
        self._server: Server | None = None
        self._used = 0.0

    @contextmanager
    def over(self) -> Iterator[Server]:
        with self._lock:
            self._used = time.monotonic()
            try:
                server = self._server or self._opened()
            except Exception:
                self._drop()
                # Nobody let Django in: the ways in that are left, for this once.
                with looking.server(self._alias, application="connwarden health") as server:
                    yield server
                return
            try:
                yield server
            except Exception:
                self._drop()
                raise
            finally:
                if in_tests():
                    self._drop()

    def _opened(self) -> Server:
        self._connection = looking.apart(self._alias)
        self._connection.ensure_connection()
        self._server = over_connection(self._connection.connection)
        return self._server

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


def in_tests() -> bool:
    """Django's test environment has an outbox. A database with a session on it could not be dropped at the tests' end."""
    return hasattr(sys.modules.get("django.core.mail"), "outbox")


_held: dict[str, _Held] = {}


def _finished(**_: object) -> None:
    for held in list(_held.values()):
        held.let_go()


def _forked() -> None:
    # What was held is the parent's, who says goodbye on it: it must neither be used nor closed here.
    global _held
    _inherited.append(_held)
    _held = {}


_inherited: list[dict[str, _Held]] = []
os.register_at_fork(after_in_child=_forked)
request_finished.connect(_finished, dispatch_uid="connwarden.held")
atexit.register(let_go)
