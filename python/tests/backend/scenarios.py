"""What the backend is put through: each function runs in a process of its own, see `stack`."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

import stack

STACK = stack.STACK
LIMIT = 3


def _work(done: list[int], number: int, close: bool = True) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.02)")
    done.append(number)
    if close:
        connection.close()
    else:
        connection.close_if_unusable_or_obsolete()


def _in_threads(count: int, work: Any) -> list[BaseException]:
    failed: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # told by the caller
            failed.append(error)

    threads = [
        threading.Thread(target=guarded, args=(number,), name=f"worker-{number}") for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def more_threads_than_connections_take_turns() -> None:
    stack.set_up(MAX_CONNS=LIMIT)
    done: list[int] = []
    with stack.Watch() as watch:
        assert _in_threads(LIMIT + 1, lambda number: _work(done, number)) == []
        for _ in range(5):
            assert _in_threads(4 * LIMIT, lambda number: _work(done, number)) == []
    assert len(done) == LIMIT + 1 + 20 * LIMIT, done
    assert 1 <= watch.most <= LIMIT, watch.most
    assert watch.looks > 10, watch.looks


def threads_that_keep_connections_make_way_between_requests() -> None:
    """As a server of threads does with CONN_MAX_AGE: nobody closes, all threads live on."""
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    done: list[int] = []
    rounds, count = 4, 2 * LIMIT
    barrier = threading.Barrier(count)

    def work(number: int) -> None:
        for _ in range(rounds):
            _work(done, number, close=False)
        barrier.wait(60)

    with stack.Watch() as watch:
        assert _in_threads(count, work) == []
    assert len(done) == rounds * count
    assert 1 <= watch.most <= LIMIT, watch.most


def a_connection_is_kept_between_requests_where_nobody_waits() -> None:
    stack.set_up(MAX_CONNS=LIMIT, CONN_MAX_AGE=600)
    from django.db import connection

    seen = set()
    for _ in range(5):
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            seen.add(cursor.fetchone()[0])
        connection.close_if_unusable_or_obsolete()
    assert len(seen) == 1, seen


def a_connection_within_a_transaction_is_not_taken() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=0.3, CONN_MAX_AGE=600)
    from django.db import OperationalError, connection, transaction

    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            pid = cursor.fetchone()[0]
        failed = _in_threads(1, lambda number: _work([], number))
        assert [type(one) for one in failed] == [OperationalError], failed
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            assert cursor.fetchone()[0] == pid


def a_limit_reached_says_who_holds_and_what_to_do() -> None:
    stack.set_up(MAX_CONNS=LIMIT, MAX_CONNS_TIMEOUT=0.2)
    from django.db import OperationalError, connection, transaction

    ready, go = threading.Barrier(LIMIT + 1), threading.Event()

    def hold(number: int) -> None:
        if number == LIMIT:
            ready.wait(30)
            try:
                connection.ensure_connection()
            finally:
                go.set()
            return
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select 1")
            ready.wait(30)
            go.wait(30)
        connection.close()

    failed = _in_threads(LIMIT + 1, hold)
    assert [type(one) for one in failed] == [OperationalError], failed
    text = str(failed[0])
    wanted = [
        "'default'",
        f"may have {LIMIT} ",
        "worker-0",
        "worker-1",
        "worker-2",
        "in a transaction",
        "To mend it",
    ]
    for word in (*wanted, "OPTIONS['pool']['max_size']" if STACK == "pool" else "DB_MAX_CONNS"):
        assert word in text, (word, text)
    # What was refused has cost nothing.
    assert _in_threads(LIMIT, lambda number: _work([], number)) == []


def threads_that_die_without_a_close_lose_nothing() -> None:
    stack.set_up(MAX_CONNS=LIMIT, MAX_CONNS_TIMEOUT=20)
    from django.db import connection

    with stack.Watch() as watch:
        for _ in range(4 * LIMIT):
            assert _in_threads(1, lambda number: connection.ensure_connection()) == []
        # And while somebody waits already.
        assert _in_threads(2 * LIMIT, lambda number: connection.ensure_connection()) == []
    assert watch.most <= LIMIT, watch.most


def a_connection_that_is_dropped_unclosed_is_counted_out() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=20)
    import gc

    from django.db import connection

    connection.ensure_connection()
    connection.connection = None
    gc.collect()
    connection.ensure_connection()
    connection.close()


def failures_to_connect_cost_nothing() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=0.5)
    from django.db import OperationalError, connection

    good = connection.settings_dict["PORT"]
    for _ in range(5):
        connection.settings_dict["PORT"] = "1"
        try:
            connection.ensure_connection()
        except OperationalError as error:
            assert "may have" not in str(error), error
        else:
            raise AssertionError("port 1 answered")
    connection.settings_dict["PORT"] = good
    connection.ensure_connection()
    connection.close()


def a_server_that_ends_a_session_costs_nothing() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=10, CONN_HEALTH_CHECKS=True)
    from django.db import OperationalError, connection

    for _ in range(5):
        with connection.cursor() as cursor:
            cursor.execute("select pg_backend_pid()")
            pid = cursor.fetchone()[0]
        with stack.server() as admin:
            assert stack.ask(admin, f"select pg_terminate_backend({pid}, 5000)")
        try:
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        except OperationalError:
            connection.close_if_unusable_or_obsolete()
        else:
            raise AssertionError("a dead session answered")


def whatever_happens_every_right_comes_back() -> None:
    """Opens, closes, failures, deaths and requests at random; at the end all of the limit is there."""
    seed = int(os.environ.get("SEED", "20260117"))
    print("seed", seed)
    stack.set_up(MAX_CONNS=LIMIT, MAX_CONNS_TIMEOUT=60, CONN_MAX_AGE=600)
    from django.db import connection, connections, transaction

    good = connection.settings_dict["PORT"]

    def life(number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        for _ in range(chance.randrange(1, 5)):
            step = chance.choice(["ask", "ask", "request", "close", "fail", "drop", "rollback"])
            if step == "ask":
                with connection.cursor() as cursor:
                    cursor.execute("select 1")
            elif step == "request":
                connection.close_if_unusable_or_obsolete()
            elif step == "close":
                connection.close()
            elif step == "rollback":
                try:
                    with transaction.atomic(), connection.cursor() as cursor:
                        cursor.execute("select 1 / 0")
                except Exception as error:  # what it is called is Django's affair
                    assert "division" in str(error), error
            elif step == "drop" and STACK != "pool":
                # A pool has no way to learn of this.
                connection.connection = None
            elif step == "fail" and STACK != "pool":
                connection.close()
                bad = dict(connection.settings_dict, PORT="1")
                other = type(connections["default"])(bad, "default")
                try:
                    other.ensure_connection()
                except Exception as error:
                    assert "may have" not in str(error), error
        if chance.random() < 0.5:
            connection.close()

    with stack.Watch() as watch:
        for start in range(0, 120, 12):
            assert _in_threads(12, lambda number, start=start: life(start + number)) == []  # type: ignore[misc]
    assert watch.most <= LIMIT, watch.most
    assert connection.settings_dict["PORT"] == good
    together = threading.Barrier(LIMIT)

    def at_once(number: int) -> None:
        connection.ensure_connection()
        together.wait(30)
        connection.close()

    assert _in_threads(LIMIT, at_once) == []


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


def test_databases_are_made_and_dropped() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=5, USER="postgres", HOST=os.environ["BED_SOCKET"])
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        assert cursor.fetchone()[0] == name
    connection.creation.destroy_test_db(os.environ["BED_NAME"], verbosity=0)


def the_breaker_opens_and_lets_one_through() -> None:
    stack.set_up(BREAKER={"failures_max": 2, "open_s": 0.05, "deadline_s": 0.0}, PORT="1")
    from django.db import OperationalError, connection

    from connwarden.breaker import Phase
    from connwarden.django.postgresql import process

    texts = []
    for _ in range(3):
        try:
            connection.ensure_connection()
        except OperationalError as error:
            texts.append(str(error))
    assert "opened the circuit breaker" in texts[2] and "opened" not in texts[1], texts
    (breaker,) = process.breakers()
    assert breaker.phase is Phase.OPEN and breaker.refused_total == 1, breaker
    connection.settings_dict["PORT"] = os.environ["BED_PORT"]
    stack.until(lambda: process.breakers()[0].retry_after_s == 0)
    connection.ensure_connection()
    assert process.breakers()[0].phase is Phase.CLOSED
    connection.close()


def a_wrong_database_is_not_tried_twice() -> None:
    stack.set_up(BREAKER={"failures_max": 1}, NAME="nowhere")
    from django.db import OperationalError, connection

    from connwarden.breaker import Phase
    from connwarden.django.postgresql import process

    try:
        connection.ensure_connection()
    except OperationalError as error:
        assert "does not exist" in str(error), error
    assert process.breakers()[0].phase is Phase.CLOSED


def a_full_server_is_waited_for() -> None:
    """The server's last slot is taken, and given back while the application retries."""
    stack.set_up(BREAKER={"deadline_s": 30.0, "failures_max": 1000}, USER="limited")
    from django.db import connection

    with stack.server() as admin, admin.cursor() as cursor:
        cursor.execute("drop role if exists limited")
        cursor.execute("create role limited login connection limit 1")
    held = type(connection._connections[connection._alias])  # the wrapper's class
    first = held(dict(connection.settings_dict, BREAKER=None), "first")
    first.ensure_connection()

    from connwarden.django.postgresql import process

    def give_back() -> None:
        stack.until(lambda: any(one.failures for one in process.breakers()))
        first.inc_thread_sharing()
        first.close()

    thread = threading.Thread(target=give_back)
    thread.start()
    connection.ensure_connection()
    thread.join()
    assert process.breakers()[0].failures == 0
    connection.close()


def our_keys_never_reach_libpq_and_the_name_has_the_process() -> None:
    stack.set_up(
        OPTIONS={
            "MAX_CONNS": 2,
            "MAX_CONNS_TIMEOUT": 1.5,
            "application_name": "wall[{pid}]",
        }
    )
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select application_name from pg_stat_activity where pid = pg_backend_pid()")
        assert cursor.fetchone()[0] == f"wall[{os.getpid()}]"
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
    assert process.ledger("default").count() == 0


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


def _checked(**options: Any) -> set[str]:
    """The numbers that `manage.py check` reports."""
    from django.core import checks

    said = checks.run_checks(**options)
    return {str(message.id) for message in said if str(message.id).startswith("connwarden.")}


def checks_find_what_a_database_tells() -> None:
    os.environ["WEB_CONCURRENCY"] = "4"
    stack.set_up(MAX_CONNS=25, USER="postgres", HOST=os.environ["BED_SOCKET"])
    everything = {"include_deployment_checks": True, "databases": ["default"]}
    assert _checked(**everything) == {"connwarden.W005", "connwarden.W007"}
    assert _checked(databases=["default"]) == {"connwarden.W005"}
    # Without leave to ask, nothing is asked.
    assert _checked(include_deployment_checks=True) == set()
    from django.db import connection

    assert connection.connection is None


def checks_of_a_healthy_project_are_silent() -> None:
    os.environ["WEB_CONCURRENCY"] = "2"
    stack.set_up(MAX_CONNS=20)
    assert _checked(include_deployment_checks=True, databases=["default"]) == set()


def checks_say_nothing_where_no_server_answers() -> None:
    stack.set_up(MAX_CONNS=20, PORT="1")
    assert _checked(include_deployment_checks=True, databases=["default"]) == set()


def checks_find_a_pool_opened_at_load_time() -> None:
    stack.set_up(ENGINE="django.db.backends.postgresql")
    assert _checked() == set()
    from django.db import connection

    connection.ensure_connection()
    assert _checked() == {"connwarden.W006"}
    connection.close()
    connection.close_pool()


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
