"""A scenario of the backend, in a process of its own: one stack, one server, one function.

    python stack.py SCENARIO      with STACK (pool, psycopg or psycopg2), and the BED_* of `run`

Django reads its settings once in a process, and takes psycopg 3 wherever it finds it: hence processes.
"""

from __future__ import annotations

import os
import pathlib
import sys
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

STACK = os.environ["STACK"]

if STACK == "psycopg2":
    # A module that is None cannot be imported: Django goes on to psycopg2.
    sys.modules["psycopg"] = None  # type: ignore[assignment]

import django  # noqa: E402
from django.conf import settings  # noqa: E402


def entry(**more: Any) -> dict[str, Any]:
    """An entry of DATABASES for the bed, by this stack."""
    options = {"application_name": "scenario", "connect_timeout": 10, **more.pop("OPTIONS", {})}
    if STACK == "pool":
        options["pool"] = {"timeout": more.get("MAX_CONNS_TIMEOUT", 30.0)}
        more.pop("CONN_MAX_AGE", None)
    return {
        "ENGINE": "connwarden.django.postgresql",
        "HOST": os.environ["BED_HOST"],
        "PORT": os.environ["BED_PORT"],
        "NAME": os.environ["BED_NAME"],
        "USER": "app",
        "OPTIONS": options,
        **more,
    }


def set_up(**more: Any) -> None:
    """Django, with one alias."""
    settings.configure(
        DATABASES={"default": entry(**more)}, INSTALLED_APPS=["connwarden.django"], USE_TZ=True
    )
    django.setup()


class Watch:
    """Counts the application's sessions on the server, over a connection of its own, as often as it can."""

    def __init__(self) -> None:
        import threading

        self.most = 0
        self.looks = 0
        self._done = threading.Event()
        self._first = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def _look(self) -> None:
        with server() as admin:
            while not self._done.is_set():
                self.most = max(self.most, sessions(admin))
                self.looks += 1
                self._first.set()

    def __enter__(self) -> Watch:
        self._thread.start()
        assert self._first.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


class server:  # noqa: N801  reads as a function
    """A superuser's connection past everything, by whatever driver there is."""

    def __enter__(self) -> Any:
        if STACK == "psycopg2":
            import psycopg2

            self.raw: Any = psycopg2.connect(os.environ["BED_SERVER"])
        else:
            import psycopg

            self.raw = psycopg.connect(os.environ["BED_SERVER"])
        self.raw.autocommit = True
        return self.raw

    def __exit__(self, *_: object) -> None:
        self.raw.close()


def ask(admin: Any, sql: str) -> Any:
    """The first value."""
    with admin.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def sessions(admin: Any) -> int:
    """Sessions of the application, those that log in just now included."""
    return int(
        ask(
            admin,
            "select count(*) from pg_stat_activity where backend_type = 'client backend' and usename = 'app'",
        )
    )


def until(condition: Any, seconds: float = 20.0) -> None:
    """Waits for a condition, and fails with its name."""
    import threading
    import time

    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, f"{condition} did not come about"
        pause.wait(0.01)


def main() -> None:
    """Runs what the command line names."""
    # One module, whoever imports it.
    sys.modules["stack"] = sys.modules[__name__]
    import scenarios

    scenarios.named(sys.argv[1])()
    print("done")


if __name__ == "__main__":
    main()
