"""The circuit breaker, behind Django. Each function runs in a process of its own, see `stack`."""

from __future__ import annotations

import os
import threading

import stack


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
