"""Takes a `DATABASE_URL` apart. A value that cannot be understood is never shown: it may hold a password
anywhere.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from .reading import Found, Reader

_SCHEMES = {"postgres", "postgresql", "pgsql"}

LIBPQ = frozenset(
    [
        "application_name",
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "fallback_application_name",
        "gssdelegation",
        "gssencmode",
        "gsslib",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "krbsrvname",
        "load_balance_hosts",
        "max_protocol_version",
        "min_protocol_version",
        "options",
        "passfile",
        "require_auth",
        "requirepeer",
        "service",
        "sslcert",
        "sslcertmode",
        "sslcompression",
        "sslcrl",
        "sslcrldir",
        "sslkey",
        "sslmode",
        "sslnegotiation",
        "sslpassword",
        "sslrootcert",
        "sslsni",
        "ssl_max_protocol_version",
        "ssl_min_protocol_version",
        "target_session_attrs",
        "tcp_user_timeout",
    ]
)
"""The parameters of libpq that may stand behind the question mark."""


PLACES = frozenset(["hostaddr", "service", "target_session_attrs", "load_balance_hosts"])
"""Of those, the ones that say where a server is: another entry's server is elsewhere."""


@dataclass(frozen=True)
class Parts:
    """What a URL says. Empty texts are not said."""

    host: str = ""
    port: str = ""
    name: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    options: dict[str, str] = field(default_factory=dict, repr=False)


def taken_apart(reader: Reader, found: Found) -> Parts:
    """The parts; mistakes go to the reader."""
    scheme, separator, rest = found.value.partition("://")
    if not separator or not re.fullmatch(r"[a-z0-9+.-]{1,30}", scheme):
        reader.mistake(
            f"{found.variable} is no URL (its value is not shown, it may hold a password): write it as "
            "postgresql://user:password@host:5432/name"
        )
        return Parts()
    if scheme.split("+")[0] not in _SCHEMES:
        reader.mistake(f"{found.variable} begins with {scheme + '://'!r}: write postgresql://")
        return Parts()
    rest, _, query = rest.partition("?")
    place, _, name = rest.partition("/")
    login, _, address = place.rpartition("@")
    user, _, password = login.partition(":")
    if "#" in address + name or "@" in name + query or "/" in unquote(name):
        reader.mistake(
            f"{found.variable} has '@', '/', '?' or '#' where none can be (its value is not shown): in a "
            "user or a password they are written %40, %2F, %3F and %23"
        )
        return Parts()
    hosts, ports = _addresses(reader, found, address)
    options = _options(reader, found, query)
    return Parts(
        options.pop("host", "") or hosts,
        options.pop("port", "") or ports,
        options.pop("dbname", "") or unquote(name),
        options.pop("user", "") or unquote(user),
        options.pop("password", "") or unquote(password),
        options,
    )


def _addresses(reader: Reader, found: Found, address: str) -> tuple[str, str]:
    """Hosts and ports, each with commas between where there are several."""
    hosts, ports = [], []
    for one in address.split(","):
        if one.startswith("["):
            host, closed, port = one[1:].partition("]")
            if not closed or (port and not port.startswith(":")):
                reader.mistake(
                    f"{found.variable} has an address in brackets without an end: write [::1]:5432"
                )
                return "", ""
            port = port[1:]
        else:
            host, _, port = one.partition(":")
        hosts.append(unquote(host))
        ports.append(port)
    return ",".join(hosts), ",".join(ports) if any(ports) else ""


def _options(reader: Reader, found: Found, query: str) -> dict[str, str]:
    options = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in LIBPQ or key in ("host", "port", "dbname", "user", "password"):
            options[key] = value
            continue
        # The name may be a piece of a password that was not encoded; what is nearly libpq's is none.
        near = difflib.get_close_matches(key, LIBPQ, n=1)
        hint = (
            f"did you mean {near[0]!r}?"
            if near
            else "take it out, or write & in a value as %26 (it is not shown, it may belong to a password)"
        )
        reader.mistake(f"{found.variable} has a parameter that libpq lacks: {hint}")
    return options
