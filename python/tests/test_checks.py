"""The system checks: each finds its pitfall, and a healthy project hears nothing."""

from __future__ import annotations

import pathlib
from typing import Any

import django
import pytest
from test_backend import run

from connwarden.django import config
from connwarden.django.checks import pitfalls
from connwarden.django.checks.surroundings import Surroundings, plain_values
from connwarden.django.conf import Conf

OURS = "connwarden.django.postgresql"
THEIRS = "django.db.backends.postgresql"


def entry(engine: str = THEIRS, **more: Any) -> dict[str, Any]:
    """What Django makes of a plain entry, with a name."""
    options = {"application_name": "wall", **more.pop("OPTIONS", {})}
    return {"ENGINE": engine, "NAME": "wall", "PORT": "", "CONN_MAX_AGE": 0, "OPTIONS": options, **more}


def found(given: dict[str, Any], around: Surroundings | None = None, conf: Conf | None = None) -> list[str]:
    """The numbers of the findings; each has a way out and its place."""
    said = pitfalls.of_entry("default", given, around or Surroundings(), conf or Conf())
    for message in said:
        assert message.hint and message.obj == "DATABASES['default']"
    return [str(message.id).removeprefix("connwarden.") for message in said]


def gunicorn(words: str, **variables: str) -> Surroundings:
    return Surroundings({"GUNICORN_CMD_ARGS": words, **variables})


ASGI = Surroundings(asgi_application="wall.asgi.application")
PITFALLS: list[tuple[str, dict[str, Any], Surroundings | None, Conf | None]] = [
    ("W001", entry(MAX_CONNS=25), None, None),
    ("W001", entry(OPTIONS={"MAX_CONNS": 25}), None, None),
    ("W001", entry(OPTIONS={"max_conns": 25}), None, None),
    ("W001", entry(OURS, DB_MAX_CONNS=25), None, None),
    ("W002", entry(CONN_MAX_AGE=600), ASGI, None),
    ("W002", entry(CONN_MAX_AGE=None), ASGI, None),
    ("W002", entry(CONN_MAX_AGE=600), Surroundings(arguments=("/venv/bin/uvicorn", "wall.asgi")), None),
    ("W002", entry(OURS, CONN_MAX_AGE=1), gunicorn("-k uvicorn.workers.UvicornWorker"), None),
    ("W002", entry(CONN_MAX_AGE=1), Surroundings(gunicorn_file={"worker_class": "uvicorn_worker.X"}), None),
    ("W003", entry(POOLER="transaction"), None, None),
    ("W003", entry(POOLER="connwarden"), None, None),
    ("W003", entry(PORT="6432"), None, None),
    ("W003", entry(PORT=6543), None, None),
    ("W004", entry(OPTIONS={"application_name": ""}), None, None),
    ("W005", entry(OURS, MAX_CONNS=25), gunicorn("--workers=4"), Conf(allowance=99)),
    ("W005", entry(OURS, MAX_CONNS=25), gunicorn("-w 4"), Conf(allowance={"default": 99})),
    (
        "W005",
        entry(OPTIONS={"pool": {"max_size": 25}}),
        gunicorn("", WEB_CONCURRENCY="4"),
        Conf(allowance=99),
    ),
    ("W005", entry(OPTIONS={"pool": True}), gunicorn("-w2"), Conf(allowance=7)),
    ("W005", entry(), gunicorn("--workers 4 --threads 25"), Conf(allowance=99)),
    ("W005", entry(OURS, MAX_CONNS=25), None, Conf(allowance=99, workers=4)),
    ("W005", entry(OURS, MAX_CONNS=25), Surroundings(gunicorn_file={"workers": 4}), Conf(allowance=99)),
]
GIS = "django.contrib.gis.db.backends.postgis"
HEALTHY: list[tuple[dict[str, Any], Surroundings | None, Conf | None]] = [
    (entry(), None, None),
    (entry(OURS, MAX_CONNS=25, OPTIONS={"MAX_CONNS": 25}), None, None),
    (entry("django_db_geventpool.backends.postgresql_psycopg3", OPTIONS={"MAX_CONNS": 25}), None, None),
    ({"ENGINE": "django.db.backends.sqlite3", "MAX_CONNS": 5, "CONN_MAX_AGE": 5}, ASGI, None),
    (entry(CONN_MAX_AGE=600), gunicorn("-k gthread"), None),
    (entry(CONN_MAX_AGE=0), ASGI, None),
    (entry(PORT="5432"), None, None),
    (entry(PORT="5433"), None, None),
    (entry(PORT="6432", DISABLE_SERVER_SIDE_CURSORS=True), None, None),
    (entry(PORT="6432", POOLER="session"), None, None),
    (entry(PORT="6432", POOLER="none"), None, None),
    (entry(OPTIONS={"application_name": "", "service": "wall"}), None, None),
    (entry(OPTIONS={"application_name": ""}), Surroundings({"PGAPPNAME": "wall"}), None),
    (entry(OURS, MAX_CONNS=25), gunicorn("--workers=4"), Conf(allowance=100)),
    (entry(OURS, MAX_CONNS=25), gunicorn("--workers=4"), None),
    (entry(OURS, MAX_CONNS=25), None, Conf(allowance=5)),
    (entry(), gunicorn("--workers=4"), Conf(allowance=1)),
]


@pytest.mark.parametrize(("number", "given", "around", "conf"), PITFALLS)
def test_a_pitfall_is_found(
    number: str, given: dict[str, Any], around: Surroundings | None, conf: Conf | None
) -> None:
    assert found(given, around, conf) == [number]


@pytest.mark.parametrize(("given", "around", "conf"), HEALTHY)
def test_a_healthy_project_hears_nothing(
    given: dict[str, Any], around: Surroundings | None, conf: Conf | None
) -> None:
    assert found(given, around, conf) == []


@pytest.mark.parametrize("pooler", ["none", "session", "transaction", "connwarden"])
def test_what_config_makes_is_healthy(pooler: str) -> None:
    environ = {"DB_HOST": "db", "DB_NAME": "wall", "DB_POOLER": pooler, "DB_PORT": "6432"}
    given = config(preset="production", environ=environ)
    assert found(given, gunicorn("--workers=4"), Conf(allowance=100)) == []


@pytest.mark.parametrize("sign", [gunicorn("--preload"), Surroundings(gunicorn_file={"preload_app": True})])
def test_a_pool_opened_before_the_fork_is_found(sign: Surroundings) -> None:
    opened = Surroundings(sign.environ, (), sign.gunicorn_file, None, frozenset({"default"}))
    (message,) = pitfalls.of_pools({"default": entry(OPTIONS={"pool": True})}, opened)
    assert message.id == "connwarden.W006" and "AppConfig.ready()" in str(message.hint)


def test_a_pool_is_no_pitfall_before_it_is_opened_or_without_preload_or_with_our_engine() -> None:
    pooled = {"default": entry(OPTIONS={"pool": True})}
    ours = {"default": entry(OURS, OPTIONS={"pool": True})}
    opened = frozenset({"default"})
    preload = {"GUNICORN_CMD_ARGS": "--preload"}
    assert pitfalls.of_pools(pooled, Surroundings(preload)) == []
    assert pitfalls.of_pools(pooled, Surroundings(open_pools=opened)) == []
    assert pitfalls.of_pools(ours, Surroundings(preload, open_pools=opened)) == []


def test_gunicorns_file_is_read_and_not_run(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "gunicorn.conf.py"
    path.write_text("import missing\nworkers = 3\npreload_app = True\nbind = missing.address()\n")
    assert plain_values(path) == {"workers": 3, "preload_app": True}
    path.write_text("workers = (")
    assert plain_values(path) == {}
    assert plain_values(tmp_path / "none.py") == {}


def test_gunicorns_words_are_read_as_gunicorn_does() -> None:
    around = gunicorn("--bind=:80 --workers 3 --threads=5 -k gevent")
    assert around.workers() == (3, "GUNICORN_CMD_ARGS") and around.threads() == 5 and around.asgi() is None
    assert gunicorn("--workers '3").workers() is None
    assert gunicorn("", WEB_CONCURRENCY="auto").workers() is None


@pytest.mark.parametrize(
    "scenario",
    [
        "checks_find_what_a_database_tells",
        "checks_of_a_healthy_project_are_silent",
        "checks_say_nothing_where_no_server_answers",
    ],
)
def test_with_a_database(server: Any, scenario: str) -> None:
    run(server, "psycopg", scenario)


@pytest.mark.skipif(django.VERSION < (5, 1), reason="this Django has no pool")
def test_a_query_at_load_time_is_found_before_it_hurts(server: Any) -> None:
    run(server, "pool", "checks_find_a_pool_opened_at_load_time", GUNICORN_CMD_ARGS="--preload")


def test_an_engine_is_only_proposed_where_it_fits() -> None:
    hints = [
        str(pitfalls.of_entry("default", entry(engine, MAX_CONNS=5), Surroundings(), Conf())[0].hint)
        for engine in (THEIRS, GIS)
    ]
    assert OURS in hints[0] and OURS not in hints[1] and all("max_size" in hint for hint in hints)
