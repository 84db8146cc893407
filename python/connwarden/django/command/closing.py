"""`close-idle`, `force-close` and `cancel`: look, plan, ask, act, look again, tell."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Literal

from django.db import DEFAULT_DB_ALIAS, connections

from ..._core import Closing, Server
from ..conf import conf
from .arguments import only
from .screen import Screen, somebody_is_there

logger = logging.getLogger("connwarden.django")

Action = Literal["close-idle", "force-close", "cancel"]


def meant(action: Action, options: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sessions that are meant where the options name none: of this project's database, and with `force-close` and
    `cancel` only those of this project's role: of this application. Raises `ValueError` where the settings do not say them.
    """
    given = only(options)
    if options["everything"] and action != "close-idle":
        return given
    filtered = bool(set(given) - {"db"})
    # Whoever looks may be an administrator: it is the application's own entry that says what is its own.
    alias = options["database"] or DEFAULT_DB_ALIAS
    own = connections[DEFAULT_DB_ALIAS if alias == conf().admin_alias else alias].settings_dict
    if "db" not in given:
        _exactly(given, "db", own.get("NAME"), "NAME")
    if action != "close-idle" and not filtered:
        _exactly(given, "user", own.get("USER"), "USER")
    return given


def _exactly(given: dict[str, list[str]], field: str, value: object, key: str) -> None:
    if not value:
        raise ValueError(
            f"DATABASES says no {key} (a service or the environment may): say whose sessions are meant by --{field}"
        )
    quoted = str(value).replace('"', '""')
    given.setdefault("where", []).append(f'{field}="{quoted}"')


def act(action: Action, server: Server, options: Mapping[str, Any], screen: Screen, err: Any) -> int:
    """Closes or cancels. 0: done, nothing to do, or only shown; 1 partly; 2 nothing done; 130 stopped by Ctrl-C."""
    closing = server.closing(
        action,
        only=meant(action, options),
        min_age=options["min_age"],
        keep=options["keep"],
        max=options["max"],
        until=options["until"],
        protect=options["protect"],
        include_idle_tx=options["include_idle_tx"],
        include_poolers=options["include_poolers"],
        include_superusers=options["include_superusers"],
        everything=options["everything"],
        i_know=options["i_know"],
        reason=options["reason"],
    )
    if options["dry_run"] or closing.victims == 0:
        screen.show(closing.report())
        return 0
    if not screen.is_json:
        screen.show(closing.report())
    if action != "close-idle" and options["interactive"]:
        if not somebody_is_there(screen.out):
            err.write("error: there is no terminal to ask on\n  = add --no-input, or --dry-run")
            return 2
        if not _agreed(closing):
            err.write("Nothing done.")
            return 2
    return _carry_out(closing, action, server, options, screen)


def _agreed(closing: Closing) -> bool:
    # A number has to be read before it is typed.
    return input(f"Type {closing.victims} to continue: ").strip() == str(closing.victims)


def _carry_out(
    closing: Closing, action: Action, server: Server, options: Mapping[str, Any], screen: Screen
) -> int:
    def told(pid: int, result: str, detail: str | None) -> None:
        logger.info(
            "session acted on",
            extra={
                "action": action,
                "place": server.place,
                "pid": pid,
                "result": result,
                "detail": detail,
                "reason": options["reason"],
            },
        )

    report = closing.carry_out(
        server,
        rate=options["rate"],
        grace=options["grace"],
        recheck=options["recheck"],
        told=told,
    )
    screen.show(report)
    document = json.loads(report.json())
    results = [victim["result"] for victim in document["victims"] if "result" in victim]
    good = sum(result in ("closed", "cancelled", "gone") for result in results)
    if document.get("ended") == "interrupted":
        return 130
    if good == len(results) and document.get("ended") in (None, "finished", "enough"):
        return 0
    return 1 if good else 2
