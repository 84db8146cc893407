"""Forks, ends, and servers other than gunicorn. Each function runs in a process of its own, see `stack`."""

from __future__ import annotations

import os
import threading
from typing import Any

import stack

from scenarios.common import LIMIT, work_once


def a_child_starts_at_zero_and_shares_no_socket() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=10, CONN_MAX_AGE=600)
    from django.db import connection

    def own_pid() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            return int(cursor.fetchone()[0])

    def sockets() -> set[str]:
        found = set()
        for name in os.listdir("/proc/self/fd"):
            try:
                target = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                continue
            if target.startswith("socket:"):
                found.add(target)
        return found

    mine = own_pid()
    before = sockets()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            shared = sockets() & before
            theirs = own_pid()
            os.write(writing, f"{theirs} {len(shared)}".encode())
            connection.close()
        except BaseException as error:  # told to the parent
            os.write(writing, repr(error).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(reading, 10_000).decode()
    theirs, _, shared = told.partition(" ")
    assert theirs.isdigit() and int(theirs) != mine, told
    assert shared == "0", told
    assert own_pid() == mine


def a_fork_within_a_transaction_leaves_it_to_the_parent() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=10)
    from django.db import connection, transaction
    from django.db.transaction import TransactionManagementError

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_current_xact_id()::text")
            mine = cursor.fetchone()[0]
        child = os.fork()
        if child == 0:
            try:
                with connection.cursor() as cursor:
                    cursor.execute("select 1")
            except TransactionManagementError:
                os._exit(7)
            os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7
        with connection.cursor() as cursor:
            cursor.execute("select pg_current_xact_id()::text")
            assert cursor.fetchone()[0] == mine
    connection.close()


def closing_leaves_nothing_behind() -> None:
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    from django.db import connection

    from connwarden.django import lifecycle
    from connwarden.django.postgresql import process

    ready, end = threading.Barrier(LIMIT), threading.Event()

    def live(number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        connection.close_if_unusable_or_obsolete()
        ready.wait(30)
        end.wait(30)

    threads = [threading.Thread(target=live, args=(number,)) for number in range(LIMIT - 1)]
    for thread in threads:
        thread.start()
    connection.ensure_connection()
    ready.wait(30)
    report = lifecycle.close_connections(grace_s=5.0)
    end.set()
    for thread in threads:
        thread.join()
    assert report.cancelled == 0, report
    with stack.server() as admin:
        stack.until(lambda: stack.sessions(admin) == 0)
    stack.until(lambda: process.ledger("default").count() == 0)


def a_statement_that_does_not_end_is_cancelled_at_the_end_of_the_grace() -> None:
    stack.set_up(MAX_CONNS=LIMIT)
    from django.db import connection

    from connwarden.django import lifecycle

    ended: list[str] = []

    def long(_: int) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("select pg_sleep(600)")
        except Exception as error:
            ended.append(type(error).__name__)

    thread = threading.Thread(target=long, args=(0,))
    thread.start()
    with stack.server() as admin:
        stack.until(
            lambda: stack.ask(
                admin,
                "select count(*) from pg_stat_activity where usename = 'app' and state = 'active'",
            )
        )
        report = lifecycle.close_connections(grace_s=0.2)
        thread.join()
        assert report.cancelled == 1 and len(ended) == 1, (report, ended)
        stack.until(lambda: stack.sessions(admin) == 0)


def celery_is_connected_when_asked() -> None:
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    from celery import Celery, signals
    from django.db import connection, transaction

    from connwarden.django import lifecycle
    from connwarden.django.postgresql.lease import State
    from connwarden.django.postgresql.process import ledger

    before = len(signals.task_postrun.receivers)
    assert lifecycle.connect_celery() and lifecycle.connect_celery()
    assert len(signals.task_postrun.receivers) == before + 1
    app = Celery("wall", set_as_current=False)
    app.conf.task_always_eager = True

    @app.task  # type: ignore[untyped-decorator,unused-ignore]
    def ask() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            return int(cursor.fetchone()[0])

    first = ask.delay().get()
    # A task's end is a request's: the connection stays, and may be taken for somebody who waits.
    assert [lease.state for lease in ledger("default").live()] == [State.PARKED]
    assert ask.delay().get() == first
    with transaction.atomic():
        inside = ask.delay().get()
        assert ask.delay().get() == inside
        assert [lease.state for lease in ledger("default").live()] == [State.HELD]
    signals.worker_process_shutdown.send(sender=None)
    with stack.server() as admin:
        stack.until(lambda: stack.sessions(admin) == 0)


def a_lifespan_closes() -> None:
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    import asyncio

    from django.db import connection

    from connwarden.django.lifecycle import with_lifespan

    thread = threading.Thread(target=connection.ensure_connection)
    thread.start()
    thread.join()
    connection.ensure_connection()
    coming = ["lifespan.startup", "lifespan.shutdown"]
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": coming.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def application(*_: Any) -> None:
        raise AssertionError("a lifespan is no request")

    asyncio.run(with_lifespan(application)({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    with stack.server() as admin:
        stack.until(lambda: stack.sessions(admin) == 0)


def djangos_own_engine_forgets_when_asked() -> None:
    stack.set_up(ENGINE="django.db.backends.postgresql")
    from django.db import connection

    from connwarden.django import lifecycle

    def own_pid() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            return int(cursor.fetchone()[0])

    mine = own_pid()
    child = os.fork()
    if child == 0:
        try:
            lifecycle.forget_inherited()
            os._exit(0 if own_pid() != mine else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert own_pid() == mine
    connection.close()


def requests_by_asgi_are_bounded_and_leave_nothing_stale() -> None:
    """Each request has a thread of its own, which dies with it, as under Django's ASGI handler."""
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    import asyncio

    from asgiref.sync import ThreadSensitiveContext, sync_to_async
    from django.core.exceptions import SynchronousOnlyOperation
    from django.db import close_old_connections, connection

    done: list[int] = []

    async def request(number: int) -> None:
        async with ThreadSensitiveContext():
            await sync_to_async(close_old_connections)()
            await sync_to_async(work_once)(done, number, close=False)
            await sync_to_async(close_old_connections)()

    async def all_of_them() -> None:
        for _ in range(3):
            await asyncio.gather(*(request(number) for number in range(5 * LIMIT)))
        try:
            connection.ensure_connection()
        except SynchronousOnlyOperation:
            pass
        else:
            raise AssertionError("the event loop was blocked")

    with stack.Watch() as watch:
        asyncio.run(all_of_them())
    assert len(done) == 15 * LIMIT and 1 <= watch.most <= LIMIT, (done, watch.most)
