"""The limit: who waits, who makes way, and that no right is lost. See `stack`."""

from __future__ import annotations

import os
import random
import threading

import stack

from scenarios.common import LIMIT, in_threads, work_once


def more_threads_than_connections_take_turns() -> None:
    stack.set_up(MAX_CONNS=LIMIT)
    done: list[int] = []
    with stack.Watch() as watch:
        assert in_threads(LIMIT + 1, lambda number: work_once(done, number)) == []
        for _ in range(5):
            assert in_threads(4 * LIMIT, lambda number: work_once(done, number)) == []
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
            work_once(done, number, close=False)
        barrier.wait(60)

    with stack.Watch() as watch:
        assert in_threads(count, work) == []
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
        failed = in_threads(1, lambda number: work_once([], number))
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

    failed = in_threads(LIMIT + 1, hold)
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
    for word in (*wanted, "OPTIONS['pool']['max_size']" if stack.STACK == "pool" else "DB_MAX_CONNS"):
        assert word in text, (word, text)
    # What was refused has cost nothing.
    assert in_threads(LIMIT, lambda number: work_once([], number)) == []


def threads_that_die_without_a_close_lose_nothing() -> None:
    stack.set_up(MAX_CONNS=LIMIT, MAX_CONNS_TIMEOUT=20)
    from django.db import connection

    with stack.Watch() as watch:
        for _ in range(4 * LIMIT):
            assert in_threads(1, lambda number: connection.ensure_connection()) == []
        # And while somebody waits already.
        assert in_threads(2 * LIMIT, lambda number: connection.ensure_connection()) == []
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
            elif step == "drop" and stack.STACK != "pool":
                # A pool has no way to learn of this.
                connection.connection = None
            elif step == "fail" and stack.STACK != "pool":
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
            assert in_threads(12, lambda number, start=start: life(start + number)) == []  # type: ignore[misc]
    assert watch.most <= LIMIT, watch.most
    assert connection.settings_dict["PORT"] == good
    together = threading.Barrier(LIMIT)

    def at_once(number: int) -> None:
        connection.ensure_connection()
        together.wait(30)
        connection.close()

    assert in_threads(LIMIT, at_once) == []


def test_databases_are_made_and_dropped() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=5, USER="postgres", HOST=os.environ["BED_SOCKET"])
    from django.db import connection

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    with connection.cursor() as cursor:
        cursor.execute("select current_database()")
        assert cursor.fetchone()[0] == name
    connection.creation.destroy_test_db(os.environ["BED_NAME"], verbosity=0)


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


def a_proxy_takes_what_config_says_and_the_limit_holds_for_its_clients() -> None:
    from connwarden.django import config

    said = {
        "DB_HOST": os.environ["BED_HOST"],
        "DB_PORT": os.environ["BED_PORT"],
        "DB_NAME": os.environ["BED_NAME"],
    }
    environ = {
        **said,
        "DB_USER": "app",
        "DB_POOLER": os.environ["POOLER"],
        "DB_MAX_CONNS": "2",
        "CONN_MAX_AGE": "60",
    }
    made = config(preset="high-load", service="wall-api[{pid}]", environ=environ)
    from django.conf import settings

    settings.configure(DATABASES={"default": made}, INSTALLED_APPS=["connwarden.django"])
    import django

    django.setup()
    from django.db import connection

    wanted = "1min" if os.environ["POOLER"] != "transaction" else "0"
    for _ in range(3):
        with connection.cursor() as cursor:
            cursor.execute("select current_setting('statement_timeout'), current_setting('application_name')")
            assert cursor.fetchone() == (wanted, f"wall-api[{os.getpid()}]")
    connection.close()
    done: list[int] = []
    assert in_threads(6, lambda number: work_once(done, number, close=False)) == []
    assert len(done) == 6


def a_pool_without_a_server_says_so_and_loses_nothing() -> None:
    stack.set_up(MAX_CONNS=1, MAX_CONNS_TIMEOUT=0.3, PORT="1")
    from django.db import OperationalError, connection

    for _ in range(3):
        try:
            connection.ensure_connection()
        except OperationalError as error:
            assert "though it has room" in str(error), error
        else:
            raise AssertionError("port 1 answered")
    connection.close_pool()
    connection.settings_dict["PORT"] = os.environ["BED_PORT"]
    connection.settings_dict["OPTIONS"]["pool"]["timeout"] = 30.0
    connection.ensure_connection()
    connection.close()
    connection.close_pool()
