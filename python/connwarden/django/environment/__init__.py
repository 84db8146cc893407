"""DATABASES from the environment.

    from connwarden.django import config

    DATABASES = {"default": config(), "replica": config("REPLICA_")}

`docs/django-settings.md` has the variables. All mistakes are told at once, in one `ImproperlyConfigured`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from connwarden._presets import Preset, presets

from . import naming, url
from .reading import Found, Reader
from .stack import has_pool

ENGINE = "connwarden.django.postgresql"

POOLERS = ("none", "session", "transaction", "connwarden")
"""What may stand between the application and the server: `connwarden` is this project's proxy in
transaction mode.
"""

_SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_AGE_S_MAX = 10 * 365 * 86_400
_BREAKER = {"failures": "failures_max", "open": "open_s", "deadline": "deadline_s"}


def config(
    prefix: str = "",
    *,
    service: str | None = None,
    preset: str | None = None,
    pool: bool | None = None,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An entry of DATABASES. `prefix` stands before every variable's name: `config("REPLICA_")` reads
    `REPLICA_DB_HOST`, and for what is not said there, `DB_NAME` and the rest as for the first entry.
    `service`, `preset` and `pool` hold where `DB_APPLICATION_NAME`, `CONNWARDEN_PRESET` and `DB_POOL` are
    not set.

    Raises `ImproperlyConfigured` with all mistakes of this entry; no password is ever in it.
    """
    reader = Reader(os.environ if environ is None else environ, prefix)
    chosen = _preset(reader, preset)
    place = _place(reader)
    pooler = reader.one_of(reader.find("DB_POOLER"), POOLERS) or "none"
    entry: dict[str, Any] = {
        "ENGINE": ENGINE,
        "NAME": place.name,
        "USER": place.user,
        "PASSWORD": place.password,
        "HOST": place.host,
        "PORT": place.port,
        "CONN_HEALTH_CHECKS": True,
        # Where a transaction is a pooler's unit, no cursor outlives one.
        "DISABLE_SERVER_SIDE_CURSORS": pooler in ("transaction", "connwarden"),
        "POOLER": pooler,
        "OPTIONS": _options(reader, place, pooler, chosen, service),
    }
    entry |= _limits(reader, chosen, pool, entry["OPTIONS"])
    reader.verdict()
    return entry


def chosen_preset(environ: Mapping[str, str] | None = None) -> Preset | None:
    """The preset that `CONNWARDEN_PRESET` names, for other settings: `DEBUG = chosen_preset().debug`. Raises
    `ImproperlyConfigured` for an unknown one.
    """
    reader = Reader(os.environ if environ is None else environ)
    chosen = _preset(reader, None)
    reader.verdict()
    return chosen


def _preset(reader: Reader, given: str | None) -> Preset | None:
    found = reader.find("CONNWARDEN_PRESET")
    if found is None and given is not None:
        found = Found("config(preset=...)", given)
    name = reader.one_of(found, presets())
    return None if name is None else presets()[name]


def _place(reader: Reader) -> url.Parts:
    """Where the server is, and who logs in."""
    mine = reader.secret("DATABASE_URL", shared=False)
    parts = url.Parts() if mine is None else url.taken_apart(reader, mine)
    common = url.Parts()
    if reader.prefix and mine is None:
        if reader.own("DB_HOST") is None:
            names = f"{reader.prefix}DATABASE_URL nor {reader.prefix}DB_HOST"
            reader.mistake(f"neither {names} is set: say where the server of this entry is")
        shared = Reader(reader.environ).secret("DATABASE_URL")
        common = url.Parts() if shared is None else url.taken_apart(reader, shared)

    def said(name: str, part: str, otherwise: str, secret: bool = False) -> str:
        own = reader.secret(name, shared=False) if secret else reader.own(name)
        if own is not None and mine is not None and part and own.value != part:
            values = "" if secret else f" ({part!r} and {own.value!r})"
            reader.mistake(f"{mine.variable} and {own.variable} differ{values}: unset one of them")
        if own is not None or mine is not None:
            return own.value if own is not None else part
        shared = Reader(reader.environ)
        other = shared.secret(name) if secret else shared.own(name)
        return otherwise if other is None else other.value

    place = url.Parts(
        said("DB_HOST", parts.host, ""),
        said("DB_PORT", parts.port, common.port),
        said("DB_NAME", parts.name, common.name),
        said("DB_USER", parts.user, common.user),
        said("DB_PASSWORD", parts.password, common.password, secret=True),
        {
            **{word: value for word, value in common.options.items() if word not in url.PLACES},
            **parts.options,
        },
    )
    if not place.name and "service" not in place.options and (mine is None or parts != url.Parts()):
        wanted = f"{reader.prefix}DB_NAME" if mine is None else f"the path of {mine.variable}"
        reader.mistake(f"no database is named: set {wanted} (or all of it in {reader.prefix}DATABASE_URL)")
    for port in filter(None, place.port.split(",")):
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
            variable = next((one.variable for one in (reader.find("DB_PORT"), mine) if one), "DB_PORT")
            # What stands there in a URL may be a password whose @ was forgotten.
            plain = variable.endswith("DB_PORT")
            shown = f"{port!r} is no port" if plain else "what stands behind the last ':' is no port"
            reader.mistake(f"{variable}: {shown}: write a number from 1 to 65535, as 5432")
    return place


def _options(
    reader: Reader, place: url.Parts, pooler: str, preset: Preset | None, service: str | None
) -> dict[str, Any]:
    """What libpq is told."""
    timeout_ms = reader.duration_ms("DB_CONNECT_TIMEOUT")
    if timeout_ms is not None and 0 < timeout_ms < 2000:
        reader.mistake(
            f"DB_CONNECT_TIMEOUT: libpq waits 2 s at least; write '2s' or more, not {timeout_ms} ms"
        )
    options: dict[str, Any] = {
        "connect_timeout": 10 if timeout_ms is None else timeout_ms // 1000,
        # A server that vanished is given up after 90 s. Over a unix socket libpq passes them by.
        "keepalives": 1,
        "keepalives_idle": 60,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        **place.options,
    }
    name = naming.application_name(reader, service)
    if reader.find("DB_APPLICATION_NAME") or "application_name" not in options:
        options["application_name"] = name
    sslmode = reader.one_of(reader.find("DB_SSLMODE"), _SSLMODES)
    if sslmode is not None:
        options["sslmode"] = sslmode
    if certificate := reader.find("DB_SSLROOTCERT"):
        options["sslrootcert"] = certificate.value
    settings = _session_settings(reader, place, pooler, preset)
    # What the URL or libpq's own variable says comes last, and wins.
    theirs = options.pop("options", "") or reader.environ.get("PGOPTIONS", "")
    if settings:
        options["options"] = f"{settings} {theirs}".strip()
    elif theirs:
        options["options"] = theirs
    return options


def _session_settings(reader: Reader, place: url.Parts, pooler: str, preset: Preset | None) -> str:
    """Timeouts, in the startup packet: PostgreSQL and our proxy take them from there, at no cost. Other
    poolers refuse them there, and lose a SET or hand it to the next client: the role must have them.
    """
    wanted = {
        "statement_timeout": ("DB_STATEMENT_TIMEOUT", preset.statement_timeout_s if preset else None),
        "idle_in_transaction_session_timeout": (
            "DB_IDLE_IN_TRANSACTION_TIMEOUT",
            preset.idle_in_transaction_timeout_s if preset else None,
        ),
    }
    words = []
    for setting, (name, preset_s) in wanted.items():
        found, ms = reader.find(name), reader.duration_ms(name)
        if pooler in ("session", "transaction"):
            if found is not None and ms is not None:
                reader.mistake(
                    f"{found.shown} cannot be sent through DB_POOLER={pooler!r}: unset it, and say once on "
                    f"the server: ALTER ROLE {place.user or 'application'} IN DATABASE "
                    f"{place.name or 'name'} SET {setting} = {ms}"
                )
            continue
        if ms is None and preset_s is not None:
            ms = preset_s * 1000
        if ms is not None:
            words.append(f"-c {setting}={ms}")
    return " ".join(words)


def _limits(
    reader: Reader, preset: Preset | None, pool: bool | None, options: dict[str, Any]
) -> dict[str, Any]:
    """How many connections, and for how long; by a pool where one is wanted and this Django has one."""
    limit = reader.whole("DB_MAX_CONNS", 1, 10_000, "how many connections one process may have")
    if limit is None and preset is not None:
        limit = preset.connections_max
    timeout_ms = reader.duration_ms("DB_MAX_CONNS_TIMEOUT")
    timeout_s = 30.0 if timeout_ms is None else timeout_ms / 1000
    age = _age_s(reader, preset)
    breaker = _breaker(reader)
    found = reader.flag("DB_POOL")
    if not (pool if found is None else found) or not has_pool():
        said: dict[str, Any] = {"CONN_MAX_AGE": age}
        if limit is not None:
            said |= {"MAX_CONNS": limit, "MAX_CONNS_TIMEOUT": timeout_s}
        return said if breaker is None else {**said, "BREAKER": breaker}
    if limit is None:
        reader.mistake("DB_POOL is on, and nothing says how large: set DB_MAX_CONNS or CONNWARDEN_PRESET")
    if breaker is not None:
        reader.mistake(
            "CONNWARDEN_BREAKER and DB_POOL are both on: a pool has pauses of its own; turn one of them off"
        )
    options["pool"] = {"min_size": 0, "max_size": limit or 1, "timeout": timeout_s}
    if age is not None:
        options["pool"]["max_idle"] = float(age)
    # With a pool Django wants no age: it would be a second owner of the same connection.
    return {"CONN_MAX_AGE": 0, "MAX_CONNS": limit}


def _age_s(reader: Reader, preset: Preset | None) -> int | None:
    found = reader.find("CONN_MAX_AGE")
    if found is not None and found.value.lower() == "none":
        return None
    age = reader.whole(
        "CONN_MAX_AGE", 0, _AGE_S_MAX, "seconds that a connection is kept, or 'none' for no end"
    )
    if age is None:
        age = 0 if preset is None else preset.connection_age_s
    return age


def _breaker(reader: Reader) -> bool | dict[str, float] | None:
    """`on`, `off`, or `failures=5,open=5s,deadline=10s`."""
    found = reader.find("CONNWARDEN_BREAKER")
    if found is None:
        return None
    if "=" not in found.value:
        return reader.flag("CONNWARDEN_BREAKER") or None
    said: dict[str, float] = {}
    for word in found.value.split(","):
        key, _, value = word.strip().partition("=")
        if key not in _BREAKER:
            reader.mistake(f"{found.shown}: {key!r} is unknown; the words are {', '.join(_BREAKER)}")
        elif key == "failures":
            if value.isascii() and value.isdigit() and int(value) > 0:
                said["failures_max"] = int(value)
            else:
                reader.mistake(f"{found.shown}: failures={value!r} is no whole number from 1 on")
        elif (ms := reader.as_ms(f"{found.variable}: {key}", value)) is not None:
            said[_BREAKER[key]] = ms / 1000
    return said
