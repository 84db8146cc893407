"""What becomes of connections when processes are forked and end: hooks for gunicorn, Celery and ASGI
servers.

    # gunicorn.conf.py
    from connwarden.django.lifecycle import post_fork, pre_fork, worker_exit

    # the module of the Celery app
    from connwarden.django.lifecycle import connect_celery
    connect_celery()

    # asgi.py
    application = with_lifespan(get_asgi_application())

Nothing here acts unless it is asked. A connection that is closed ends its session at once, with a goodbye;
one that just disappears counts as abandoned, and behind a network that drops packets its session stays for
as long as keepalives say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connections

from .postgresql import process, sockets
from .postgresql.lease import Lease, State
from .postgresql.ledger import Ledger

GRACE_S = 5.0
"""How long statements and transactions under way may take to end."""

_LOOK_S = 0.02
_CANCEL_S_MAX = 2.0
_RUNS = 1
"""The number both drivers give to a connection on which a statement runs."""

_LOG = logging.getLogger("connwarden.django")
_INHERITED: list[Any] = []

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class Closed:
    """What `close_connections` did."""

    closed: int
    """Connections that were idle, or became so in time."""
    cancelled: int
    """Connections closed within a statement or a transaction, when the grace was over."""


def close_connections(grace_s: float = GRACE_S) -> Closed:
    """Closes the connections of all threads of this process, and its pools. Idle ones go at once;
    statements and transactions have `grace_s` seconds to end, then statements are cancelled and
    transactions rolled back.

    All threads' connections are known with `connwarden.django.postgresql`; with another engine only those
    of the calling thread are closed. Whoever asks the database afterwards opens a new connection.
    """
    end = time.monotonic() + grace_s
    pause = threading.Event()
    closed = 0
    while True:
        busy = []
        for ledger, lease in _live():
            if _is_busy(lease):
                busy.append((ledger, lease))
            else:
                closed += ledger.evict(lease, in_use=True)
        if not busy or time.monotonic() >= end:
            break
        pause.wait(_LOOK_S)
    cancelled = _cancel(busy)
    for wrapper in _wrappers():
        # Whatever is not counted, and what is left of the counted ones.
        if not wrapper.in_atomic_block:
            with contextlib.suppress(Exception):  # another thread's, or broken
                wrapper.close()
    _close_pools(max(0.0, end - time.monotonic()))
    return Closed(closed, cancelled)


def forget_inherited() -> None:
    """In a child, straight after the fork: lets go of connections and pools that the parent had opened by
    any of Django's PostgreSQL engines. `connwarden.django.postgresql` does so by itself.
    """
    for wrapper in _wrappers():
        raw = wrapper.connection
        # The wrapper of a counting engine has noticed already, and asks again when it is used.
        if raw is None or wrapper.vendor != "postgresql" or hasattr(wrapper, "_lease"):
            continue
        sockets.cut_off(raw)
        _INHERITED.append(raw)
        wrapper.connection = None
    pools = _pools()
    if pools:
        _LOG.warning(
            "pools were opened before the fork: something asked the database at load time",
            extra={"aliases": sorted(pools)},
        )
    _INHERITED.extend(pools.values())
    pools.clear()


# gunicorn


def pre_fork(server: object, worker: object) -> None:
    """In gunicorn's master before each worker: what was opened while the application was loaded is closed,
    so that the master holds no slot of the server.
    """
    close_connections(0.0)


def post_fork(server: object, worker: object) -> None:
    """In a new worker of gunicorn."""
    forget_inherited()


def worker_exit(server: object, worker: object) -> None:
    """In a worker of gunicorn that ends, behind its last request."""
    close_connections()


# Celery


def connect_celery() -> bool:
    """Connects to Celery's signals: children start without the parent's connections, a task's end is a
    request's end (`CONN_MAX_AGE` holds), and a process that ends closes what it has. False where there is
    no Celery.
    """
    try:
        from celery import signals  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return False
    for signal, receiver in (
        (signals.worker_process_init, _on_process_init),
        (signals.worker_process_shutdown, _on_shutdown),
        (signals.worker_shutdown, _on_shutdown),
        (signals.task_postrun, _on_task_end),
    ):
        signal.connect(receiver, weak=False, dispatch_uid=f"connwarden.{receiver.__name__}")
    return True


def _on_process_init(**_: object) -> None:
    forget_inherited()


def _on_shutdown(**_: object) -> None:
    close_connections()


def _on_task_end(**_: object) -> None:
    for wrapper in _wrappers():
        # A task called within a transaction of the caller's is no end of anything.
        if not wrapper.in_atomic_block:
            wrapper.close_if_unusable_or_obsolete()


# ASGI


def with_lifespan(application: Application) -> Application:
    """An ASGI application that closes its connections when the server shuts down. Django itself knows no
    lifespan.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await asyncio.get_running_loop().run_in_executor(None, close_connections)
                await send({"type": "lifespan.shutdown.complete"})
                return

    return wrapped


# Within


def _wrappers() -> list[Any]:
    """The calling thread's connections. A gunicorn that does not preload has no settings in its master, and
    a hook is not to load them.
    """
    return list(connections.all(initialized_only=True)) if settings.configured else []


def _live() -> list[tuple[Ledger, Lease]]:
    return [(ledger, lease) for ledger in process.ledgers() for lease in ledger.live()]


def _is_busy(lease: Lease) -> bool:
    return lease.state is State.HELD and lease.thread_alive() and bool(lease.transaction_status())


def _cancel(busy: list[tuple[Ledger, Lease]]) -> int:
    """A driver's connection is not closed under a statement that another thread waits for: it is cancelled
    first.
    """
    for _, lease in busy:
        raw = lease.connection()
        if raw is not None and lease.transaction_status() == _RUNS:
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                raw.cancel()
    end = time.monotonic() + _CANCEL_S_MAX
    pause = threading.Event()
    while time.monotonic() < end and any(lease.transaction_status() == _RUNS for _, lease in busy):
        pause.wait(_LOOK_S)
    # One whose statement does not end for all that is left to the end of the process.
    return sum(
        ledger.evict(lease, in_use=True) for ledger, lease in busy if lease.transaction_status() != _RUNS
    )


def _pools() -> dict[str, Any]:
    base = sys.modules.get("django.db.backends.postgresql.base")
    if base is None:
        return {}
    found: dict[str, Any] = vars(base.DatabaseWrapper).get("_connection_pools", {})
    return found


def _close_pools(grace_s: float) -> None:
    pools = _pools()
    for alias in list(pools):
        pool = pools.pop(alias, None)
        if pool is not None:
            pool.close(timeout=max(1.0, grace_s))


__all__ = [
    "GRACE_S",
    "Closed",
    "close_connections",
    "connect_celery",
    "forget_inherited",
    "post_fork",
    "pre_fork",
    "with_lifespan",
    "worker_exit",
]
