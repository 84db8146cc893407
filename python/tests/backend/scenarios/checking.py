"""System checks that need a project and a database. See `stack`."""

from __future__ import annotations

import os
from typing import Any

import stack


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
