"""DATABASES from the environment: what is said, what is left unsaid, and every mistake at once."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from connwarden._presets import presets
from connwarden.django import chosen_preset, config
from connwarden.django.environment import naming
from connwarden.django.environment.stack import has_pool

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAIN = {
    "DB_HOST": "postgres",
    "DB_PORT": "5432",
    "DB_NAME": "wall",
    "DB_USER": "wall",
    "DB_PASSWORD": "s3cret",
}


def entry(prefix: str = "", /, **said: str) -> dict[str, Any]:
    return config(prefix, environ={**PLAIN, **said})


def mistakes(prefix: str = "", /, environ: dict[str, str] | None = None, **said: str) -> list[str]:
    with pytest.raises(ImproperlyConfigured) as caught:
        config(prefix, environ={**PLAIN, **said} if environ is None else environ)
    assert "s3cret" not in str(caught.value)
    return str(caught.value).split("\n")[1:]


def test_the_table_is_the_programs() -> None:
    ours = {one.name: (one.connections_max, one.connection_age_s, one.debug) for one in presets().values()}
    assert ours == {
        "development": (10, 180, True),
        "staging": (20, 300, False),
        "production": (25, 600, False),
        "high-load": (15, 300, False),
    }


def test_the_parts_of_an_address_are_read_one_by_one() -> None:
    said = entry()
    assert {key: said[key] for key in ("HOST", "PORT", "NAME", "USER", "PASSWORD")} == {
        "HOST": "postgres",
        "PORT": "5432",
        "NAME": "wall",
        "USER": "wall",
        "PASSWORD": "s3cret",
    }
    assert said["ENGINE"] == "connwarden.django.postgresql"
    assert said["CONN_MAX_AGE"] == 0 and "MAX_CONNS" not in said
    assert said["CONN_HEALTH_CHECKS"] is True and said["DISABLE_SERVER_SIDE_CURSORS"] is False
    assert said["OPTIONS"]["keepalives_idle"] == 60 and said["OPTIONS"]["connect_timeout"] == 10
    assert "options" not in said["OPTIONS"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgres://u:p@h/n", ("h", "", "n", "u", "p")),
        ("postgresql+psycopg://u:p%40%2F@h:6000/n", ("h", "6000", "n", "u", "p@/")),
        ("postgresql://u:p@ss:w@h/n", ("h", "", "n", "u", "p@ss:w")),
        ("postgresql:///n?host=/run/pg&port=5433", ("/run/pg", "5433", "n", "", "")),
        ("postgresql://%2Frun%2Fpg/n", ("/run/pg", "", "n", "", "")),
        ("postgresql://u@[::1]:5433/n", ("::1", "5433", "n", "u", "")),
        ("postgresql://u@a:1,b:2/n", ("a,b", "1,2", "n", "u", "")),
    ],
)
def test_a_url_is_taken_apart(url: str, wanted: tuple[str, ...]) -> None:
    said = config(environ={"DATABASE_URL": url})
    assert tuple(said[key] for key in ("HOST", "PORT", "NAME", "USER", "PASSWORD")) == wanted


def test_parameters_of_a_url_go_to_libpq() -> None:
    said = config(environ={"DATABASE_URL": "postgres://h/n?sslmode=verify-full&connect_timeout=3"})
    assert said["OPTIONS"]["sslmode"] == "verify-full" and said["OPTIONS"]["connect_timeout"] == "3"


@pytest.mark.parametrize(
    "url",
    [
        "s3cret",
        "mysql://u:s3cret@h/n",
        "postgres://u:a/s3cret@h/n",
        "postgres://u:a?s3cret@h/n",
        "postgres://u:s3cret@[::1/n",
        "postgres://u:s3cret@h/n?sslmod=require",
        "postgres://u:s3cret@h:port/n",
        "postgres://u:s3cret@h",
    ],
)
def test_a_url_that_makes_no_sense_is_refused_without_being_shown(url: str) -> None:
    told = mistakes(environ={"DATABASE_URL": url})
    assert len(told) == 1 and "DATABASE_URL" in told[0], told


def test_a_secret_comes_from_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "password"
    path.write_text("from a file \n")
    environ = {**PLAIN, "DB_PASSWORD": "", "DB_PASSWORD_FILE": str(path)}
    assert config(environ=environ)["PASSWORD"] == "from a file "
    path.write_text("\n")
    assert "empty" in mistakes(environ=environ)[0]
    path.unlink()
    assert "DB_PASSWORD_FILE" in mistakes(environ=environ)[0]
    assert "both set" in mistakes(DB_PASSWORD_FILE=str(path))[0]


def test_a_url_and_parts_that_differ_are_a_mistake() -> None:
    told = mistakes(DATABASE_URL="postgres://wall:0ther@elsewhere:5432/wall")
    assert len(told) == 2 and "DB_HOST" in told[0] and "'elsewhere'" in told[0]
    assert "DB_PASSWORD" in told[1] and "0ther" not in told[1]


def test_all_mistakes_are_told_at_once() -> None:
    told = mistakes(
        DB_PORT="54 32",
        DB_MAX_CONNS="many",
        CONN_MAX_AGE="-1",
        CONNWARDEN_PRESET="Production",
        DB_POOLER="pgbouncer",
        DB_POOL="perhaps",
        DB_STATEMENT_TIMEOUT="30",
        DB_CONNECT_TIMEOUT="1s",
        DB_SSLMODE="requires",
        DB_APPLICATION_NAME="wänd",
        CONNWARDEN_BREAKER="failures=0,opne=1s",
    )
    variables = [
        "PORT",
        "MAX_CONNS",
        "MAX_AGE",
        "PRESET",
        "POOLER",
        "POOL=",
        "STATEMENT",
        "CONNECT",
        "SSLMODE",
        "APPLICATION",
        "BREAKER",
    ]
    text = "\n".join(told)
    assert len(told) == 12, text
    for word in variables:
        assert word in text, word
    for hint in ("did you mean 'production'", "'30s' or '30ms'", "did you mean 'require'", "5432"):
        assert hint in text, hint


def test_nothing_said_is_a_mistake() -> None:
    assert "DATABASE_URL" in mistakes(environ={})[0]


@pytest.mark.parametrize("name", list(presets()))
def test_a_preset_gives_what_the_environment_leaves_open(name: str) -> None:
    preset = presets()[name]
    said = entry(CONNWARDEN_PRESET=name)
    assert said["MAX_CONNS"] == preset.connections_max and said["CONN_MAX_AGE"] == preset.connection_age_s
    said = entry(CONNWARDEN_PRESET=name, DB_MAX_CONNS="7", CONN_MAX_AGE="none", DB_MAX_CONNS_TIMEOUT="250ms")
    assert (said["MAX_CONNS"], said["CONN_MAX_AGE"], said["MAX_CONNS_TIMEOUT"]) == (7, None, 0.25)
    chosen = chosen_preset({"CONNWARDEN_PRESET": name})
    assert chosen is not None and chosen.debug is (name == "development")


def test_the_environment_wins_over_arguments() -> None:
    environ = {**PLAIN, "CONNWARDEN_PRESET": "staging", "DB_APPLICATION_NAME": "theirs", "DB_POOL": "off"}
    said = config(preset="production", service="ours", pool=True, environ=environ)
    assert said["MAX_CONNS"] == 20 and said["OPTIONS"]["application_name"] == "theirs"
    assert "pool" not in said["OPTIONS"]
    said = config(preset="production", service="ours", environ=PLAIN)
    assert said["MAX_CONNS"] == 25 and said["OPTIONS"]["application_name"] == "ours"


def test_timeouts_are_startup_settings_and_yield_to_what_libpq_is_told() -> None:
    said = entry(CONNWARDEN_PRESET="production", DB_STATEMENT_TIMEOUT="30s", PGOPTIONS="-c work_mem=8MB")
    assert said["OPTIONS"]["options"] == (
        "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=300000 -c work_mem=8MB"
    )
    assert "options" not in entry(CONNWARDEN_PRESET="development")["OPTIONS"]


@pytest.mark.parametrize("pooler", ["session", "transaction"])
def test_nothing_is_sent_that_a_foreign_pooler_refuses(pooler: str) -> None:
    said = entry(CONNWARDEN_PRESET="production", DB_POOLER=pooler)
    assert "options" not in said["OPTIONS"]
    assert said["DISABLE_SERVER_SIDE_CURSORS"] is (pooler == "transaction")
    told = mistakes(DB_POOLER=pooler, DB_STATEMENT_TIMEOUT="30s")
    assert "ALTER ROLE wall IN DATABASE wall SET statement_timeout = 30000" in told[0]


def test_our_proxy_takes_startup_settings_and_has_no_cursors_that_outlive_a_transaction() -> None:
    said = entry(CONNWARDEN_PRESET="high-load", DB_POOLER="connwarden")
    assert "statement_timeout=60000" in said["OPTIONS"]["options"]
    assert said["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_pool_is_used_where_it_is_wanted_and_there_is_one() -> None:
    said = entry(DB_POOL="on", DB_MAX_CONNS="25", CONN_MAX_AGE="600")
    if has_pool():
        assert said["OPTIONS"]["pool"] == {"min_size": 0, "max_size": 25, "timeout": 30.0, "max_idle": 600.0}
        assert said["CONN_MAX_AGE"] == 0
    else:
        assert "pool" not in said["OPTIONS"] and said["CONN_MAX_AGE"] == 600
    assert said["MAX_CONNS"] == 25


@pytest.mark.skipif(not has_pool(), reason="this Django has no pool")
def test_a_pool_without_a_size_or_with_a_breaker_is_a_mistake() -> None:
    assert "DB_MAX_CONNS" in mistakes(DB_POOL="on")[0]
    assert "CONNWARDEN_BREAKER" in mistakes(DB_POOL="on", DB_MAX_CONNS="5", CONNWARDEN_BREAKER="on")[0]


def test_a_breaker_is_asked_for_in_words() -> None:
    assert entry(CONNWARDEN_BREAKER="on")["BREAKER"] is True
    assert "BREAKER" not in entry(CONNWARDEN_BREAKER="off")
    said = entry(CONNWARDEN_BREAKER="failures=3, open=500ms,deadline=1min")
    assert said["BREAKER"] == {"failures_max": 3, "open_s": 0.5, "deadline_s": 60.0}


def test_another_entry_says_where_it_is_and_shares_the_rest() -> None:
    said = entry("REPLICA_", REPLICA_DB_HOST="replica", REPLICA_DB_MAX_CONNS="3", DB_MAX_CONNS="9")
    assert (said["HOST"], said["NAME"], said["PASSWORD"], said["MAX_CONNS"]) == (
        "replica",
        "wall",
        "s3cret",
        3,
    )
    said = entry("REPLICA_", REPLICA_DATABASE_URL="postgres://r:p@elsewhere/other")
    assert (said["HOST"], said["PORT"], said["NAME"], said["USER"]) == ("elsewhere", "", "other", "r")
    environ = {"DATABASE_URL": "postgres://wall:s3cret@h/wall", "REPLICA_DB_HOST": "replica"}
    said = config("REPLICA_", environ=environ)
    assert (said["HOST"], said["NAME"], said["USER"], said["PASSWORD"]) == (
        "replica",
        "wall",
        "wall",
        "s3cret",
    )
    assert "REPLICA_DB_HOST" in mistakes("REPLICA_")[0]


def test_a_process_is_named_by_its_project_and_its_program() -> None:
    environ = {"DJANGO_SETTINGS_MODULE": "wall.settings"}
    assert naming.derived(environ, ["manage.py", "migrate"]) == "wall-migrate"
    assert naming.derived(environ, ["/venv/bin/gunicorn", "wall.wsgi"]) == "wall-gunicorn"
    assert naming.derived({}, [""]) == "django-python"
    assert len(naming.derived({"DJANGO_SETTINGS_MODULE": "x" * 99}, ["y"])) == 63


def test_a_name_is_refused_where_postgresql_would_change_it() -> None:
    assert entry(DB_APPLICATION_NAME="wall-api[{pid}]")["OPTIONS"]["application_name"] == "wall-api[{pid}]"
    assert "63" in mistakes(DB_APPLICATION_NAME="x" * 64)[0]
    assert "63" in mistakes(DB_APPLICATION_NAME="x" * 57 + "{pid}")[0]
    assert "{pid}" in mistakes(DB_APPLICATION_NAME="x{host}")[0]


def test_the_environments_of_the_wall_are_understood() -> None:
    for path in sorted((ROOT / "examples" / "wall").glob("*.env")):
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        said = entry(**dict(line.split("=", 1) for line in lines))
        preset = presets()[path.stem]
        assert (said["MAX_CONNS"], said["CONN_MAX_AGE"]) == (preset.connections_max, preset.connection_age_s)


def test_no_piece_of_a_password_is_shown_where_a_url_is_miswritten() -> None:
    for url in (
        "postgresql://wall:hunter2/wall",
        "postgresql://wall@db/wall?password=hunter2&hunter3=x",
    ):
        with pytest.raises(ImproperlyConfigured) as caught:
            config(environ={"DATABASE_URL": url})
        assert "hunter" not in str(caught.value), str(caught.value)


def test_where_another_server_is_is_not_inherited() -> None:
    shared = (
        "postgresql://wall:s3cret@db/wall?hostaddr=10.0.0.1&sslmode=require&target_session_attrs=read-write"
    )
    made = config("REPLICA_", environ={"DATABASE_URL": shared, "REPLICA_DB_HOST": "replica"})
    assert made["HOST"] == "replica" and made["OPTIONS"]["sslmode"] == "require"
    assert "hostaddr" not in made["OPTIONS"] and "target_session_attrs" not in made["OPTIONS"]
