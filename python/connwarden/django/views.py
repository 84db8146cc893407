"""The answer to a probe. It makes no login of its own for each: one connection is held while probes come."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.conf import settings
from django.core.signals import request_finished
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from .._core import Server
from ..asking import over
from . import looking
from .health import check_connection_health

HELD_S = 60.0
"""A held connection that no probe has used for so long is closed."""


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 where the server is ok or warns, 503 where it is critical or cannot be looked at.

    Strangers get `status` alone; with DEBUG, and for users of the admin site, the whole of `check_connection_health()`.
    """
    found = check_connection_health(way=_over)
    user = getattr(request, "user", None)
    trusted = settings.DEBUG or bool(getattr(user, "is_staff", False))
    body = dict(found) if trusted else {"status": found["status"]}
    return JsonResponse(body, status=200 if found["healthy"] else 503)


def _over(alias: str) -> AbstractContextManager[Server]:
    return _held.over(alias)


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
        self._server = over(connection.connection)

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


def _ended() -> None:
    _held.let_go(now=True)


_inherited: list[_Held] = []
os.register_at_fork(after_in_child=_forked)
request_finished.connect(_finished, dispatch_uid="connwarden.health")
atexit.register(_ended)
