"""What an entry of DATABASES asks of this backend beyond Django's own: `MAX_CONNS`, `MAX_CONNS_TIMEOUT`,
`BREAKER`.

Each may stand in the entry itself or in its OPTIONS; none of them ever reaches libpq.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from connwarden.breaker import Policy

KEYS = ("MAX_CONNS", "MAX_CONNS_TIMEOUT", "BREAKER")
"""The names, as they may stand in OPTIONS as well."""

SECONDS_MAX = 4_000_000.0
"""No thread can wait for much longer."""

TIMEOUT_S = 30.0
"""How long one waits for a connection unless MAX_CONNS_TIMEOUT says otherwise."""


def max_conns(settings: Mapping[str, Any], alias: str) -> int | None:
    """Connections this process may have. `None`: any number. Raises `ImproperlyConfigured`."""
    value = _found(settings, alias, "MAX_CONNS")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise _wrong(alias, "MAX_CONNS", f"a whole number from 1 on, not {value!r}")
    return value


def max_conns_timeout_s(settings: Mapping[str, Any], alias: str) -> float:
    """Seconds that one waits for a connection. Raises `ImproperlyConfigured`."""
    value = _found(settings, alias, "MAX_CONNS_TIMEOUT")
    if value is None:
        return TIMEOUT_S
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < SECONDS_MAX:
        raise _wrong(alias, "MAX_CONNS_TIMEOUT", f"a number of seconds from 0 on, not {value!r}")
    return float(value)


def breaker(settings: Mapping[str, Any], alias: str) -> Policy | None:
    """The breaker's policy: `True` for the usual one, or a dictionary of its fields. Raises
    `ImproperlyConfigured`.
    """
    value = _found(settings, alias, "BREAKER")
    if value is None or value is False:
        return None
    if settings["OPTIONS"].get("pool"):
        raise ImproperlyConfigured(
            f"DATABASES[{alias!r}] has BREAKER and OPTIONS['pool']: a pool opens its connections in the "
            "background and has pauses of its own (reconnect_timeout). Take one of the two away."
        )
    if value is True:
        return Policy()
    if not isinstance(value, Mapping):
        raise _wrong(alias, "BREAKER", f"True or a dictionary, not {type(value).__name__}")
    try:
        return Policy(**value)
    except (TypeError, ValueError) as error:
        known = ", ".join(Policy.__dataclass_fields__)
        raise _wrong(alias, "BREAKER", f"a dictionary with keys of {known}: {error}") from error


def _found(settings: Mapping[str, Any], alias: str, key: str) -> Any:
    beside, within = settings.get(key), settings["OPTIONS"].get(key)
    if beside is not None and within is not None and beside != within:
        raise _wrong(alias, key, f"{beside!r} in the entry and {within!r} in its OPTIONS: leave one of them")
    return within if beside is None else beside


def _wrong(alias: str, key: str, text: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"DATABASES[{alias!r}]: {key} is {text}")


def conflict(alias: str, limit: int, size: object) -> ImproperlyConfigured:
    """MAX_CONNS and the pool's size differ."""
    return _wrong(
        alias, "MAX_CONNS", f"{limit}, and OPTIONS['pool']['max_size'] is {size!r}: leave one of them"
    )
