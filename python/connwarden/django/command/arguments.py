"""The options of `manage.py db_connections`: those of the commands of the program, under the same names."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

ACTIONS = ("status", "health", "close-idle", "force-close", "cancel", "monitor")
FILTERS = ("app", "user", "db", "client", "state", "pid", "query_match", "where")
THRESHOLDS = ("warn", "crit", "idle_warn", "idle_tx_warn", "idle_tx_crit", "long_query_warn", "churn_warn")

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def seconds(text: str) -> float:
    """`5m`, `1h30m`, `250ms`; a bare number is seconds."""
    try:
        return float(text)
    except ValueError:
        pass
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ArgumentTypeError(f"{text!r} is no length of time: write 90s, 5m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def rate(text: str) -> float:
    """`10/s`, or `10`."""
    try:
        return float(text.removesuffix("/s"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no rate: write 10/s") from None


def percent(text: str) -> float:
    """`70`, or `70%`."""
    try:
        return float(text.removesuffix("%"))
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no percentage: write 70") from None


def add(parser: ArgumentParser) -> None:
    """Adds them all."""
    parser.add_argument(
        "--action", choices=ACTIONS, default="status", help="what to do (default: %(default)s)"
    )
    parser.add_argument(
        "--database",
        metavar="ALIAS",
        help="entry of DATABASES (default: CONNWARDEN['ADMIN_ALIAS'], else default)",
    )
    parser.add_argument(
        "--wait-slot", type=seconds, metavar="TIME", help="where the server is full: wait so long"
    )
    _output(parser)
    _looks(parser)
    _filters(parser)
    _closing(parser)


def _output(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="one JSON document")
    group.add_argument(
        "--output",
        "-o",
        choices=("human", "plain", "json", "nagios", "prometheus"),
        help="form of the answer: plain lines (default), a screen for people, or one for programs",
    )
    group.add_argument(
        "--ascii", action="store_true", help="no character beyond ASCII in what we say ourselves"
    )
    group.add_argument("--top", type=int, default=20, metavar="N", help="most groups of status (default: 20)")


def _looks(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("status, health and monitor")
    group.add_argument(
        "--by",
        default="app",
        metavar="KEYS",
        help="group by app, user, db, client, state; several with commas",
    )
    group.add_argument("--sessions", action="store_true", help="every session in the JSON document of status")
    group.add_argument(
        "--check",
        nargs="?",
        const="",
        metavar="NAMES",
        help="of health: only these checks; of status: leave the verdict as exit code",
    )
    group.add_argument(
        "--fail-on",
        choices=("warn", "crit"),
        default="warn",
        help="from which verdict on the exit code is not 0",
    )
    group.add_argument("--watch", action="store_true", help="look again and again")
    group.add_argument(
        "--interval", type=seconds, default=5.0, metavar="TIME", help="between looks (default: 5s)"
    )
    group.add_argument("--count", type=int, metavar="N", help="with --watch: end after so many looks")
    group.add_argument(
        "--plan", metavar="FILE", help="plan file to hold services against (default: CONNWARDEN['PLAN'])"
    )
    for name, kind, text in (
        ("warn", percent, "slots taken, in percent of the usable ones (default: CONNWARDEN['WARN'], 70)"),
        ("crit", percent, "the same, critical (default: CONNWARDEN['CRIT'], 85)"),
        ("idle-warn", percent, "idle sessions, in percent of all, while slots are scarce (default: 50)"),
        ("idle-tx-warn", seconds, "idle in a transaction (default: 1m)"),
        ("idle-tx-crit", seconds, "the same, critical (default: 5m)"),
        ("long-query-warn", seconds, "age of a running statement (default: 5m)"),
        ("churn-warn", float, "new sessions a second, each little used (default: 20)"),
    ):
        group.add_argument(f"--{name}", type=kind, metavar="N", help=text)


def _filters(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("which sessions (repeatable; ! in front excludes)")
    for name, metavar, text in (
        ("app", "GLOB", "application name; * and ? stand for any text and any letter"),
        ("user", "GLOB", "role"),
        ("db", "GLOB", "database; of close-idle and force-close by default this project's"),
        ("client", "CIDR", "address or network of the client, or local"),
        ("state", "STATE", "active, idle, idle_in_transaction, ..."),
        ("pid", "N", "process ids, apart by commas"),
        ("query-match", "RE", "regular expression that the last statement fits"),
        ("where", "CONDITION", """a condition such as 'app~"api*" and idle>5m'"""),
    ):
        group.add_argument(f"--{name}", action="append", default=[], metavar=metavar, help=text)


def _closing(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("close-idle, force-close and cancel")
    group.add_argument("--dry-run", action="store_true", help="show the plan and do nothing")
    group.add_argument(
        "--no-input", "--noinput", "--yes", action="store_false", dest="interactive", help="do not ask"
    )
    group.add_argument(
        "--min-age", type=seconds, metavar="TIME", help="of close-idle: idle so long (default: 5m)"
    )
    group.add_argument("--i-know", action="store_true", help="a --min-age below 10s is meant")
    group.add_argument(
        "--keep", type=int, default=0, metavar="N", help="of close-idle: leave N of each application"
    )
    group.add_argument(
        "--max", type=int, default=100, metavar="N", help="most sessions of one run (default: 100)"
    )
    group.add_argument("--until", type=percent, metavar="PERCENT", help="stop once no more slots are taken")
    group.add_argument(
        "--rate", type=rate, default=10.0, metavar="N/s", help="sessions a second (default: 10/s)"
    )
    group.add_argument(
        "--recheck",
        type=seconds,
        default=10.0,
        metavar="TIME",
        help="look who came back (default: 10s; 0: do not)",
    )
    group.add_argument("--grace", type=seconds, default=5.0, metavar="TIME", help="for a cancelled statement")
    group.add_argument("--protect", action="append", default=[], metavar="GLOB", help="leave these alone")
    group.add_argument("--reason", metavar="TEXT", help="why: goes into the log")
    group.add_argument(
        "--everything", action="store_true", help="of force-close and cancel: all of the server"
    )
    for name, text in (
        ("idle-tx", "of close-idle: also sessions idle in a transaction, whose work is rolled back"),
        ("poolers", "also sessions of poolers"),
        ("superusers", "also sessions of superusers other than the role that logs in"),
    ):
        group.add_argument(f"--include-{name}", action="store_true", help=text)


def only(options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sessions that are meant, as `connwarden.Server` wants them."""
    found = {name: list(options[name]) for name in FILTERS}
    found["pid"] = [pid for text in found["pid"] for pid in str(text).split(",")]
    return {name: values for name, values in found.items() if values}


def thresholds(options: Mapping[str, Any], defaults: Mapping[str, float]) -> dict[str, float]:
    """The thresholds that were given, over the project's."""
    given = {name: options[name] for name in THRESHOLDS if options[name] is not None}
    return {**defaults, **given}
