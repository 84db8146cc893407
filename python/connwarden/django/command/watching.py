"""`monitor`: a look, or one after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from ..._core import ConnwardenError, Server
from .against import Against
from .arguments import only
from .looking import exit_code
from .screen import Screen, is_terminal

INTERVAL_S_MIN = 0.5
_CLEAR = "\x1b[H\x1b[2J"


def watch(
    way: Callable[[], AbstractContextManager[Server]],
    options: Mapping[str, Any],
    screen: Screen,
    against: Against,
) -> int:
    """Looks, once or with `--watch` again and again, over one connection that is kept: it works also when the server has
    filled up since. A lost one is opened anew at the next look. The exit code is that of the last verdict."""
    looks = 0
    code = 0
    count = (options["count"] or None) if options["watch"] else 1
    interval = max(INTERVAL_S_MIN, options["interval"])
    with ExitStack() as held:
        server: Server | None = None
        while count is None or looks < count:
            if looks:
                time.sleep(interval)
            try:
                if server is None:
                    server = held.enter_context(way())
                code = _look(server, options, screen, against)
            except ConnwardenError as error:
                held.close()
                server = None
                _write(screen, options, screen.text(error.health, _form(screen, "line")))
                code = error.health.exit_code
            looks += 1
    return exit_code(code, options)


def _look(server: Server, options: Mapping[str, Any], screen: Screen, against: Against) -> int:
    health = server.health(thresholds=against.thresholds, plan=against.plan)
    if options["watch"] and not is_terminal(screen.out):
        _write(screen, options, screen.text(health, _form(screen, "line")))
        return health.exit_code
    if screen.is_json:
        screen.show(health)
        return health.exit_code
    status = server.status(only=only(options), thresholds=against.utilization, plan=against.plan)
    form = "human" if screen.form == "human" else "plain"
    text = screen.text(status, form) + "\n" + screen.text(health, "line")
    _write(screen, options, text)
    return health.exit_code


def _form(screen: Screen, else_: str) -> str:
    return screen.form if screen.form in ("json", "nagios") else else_


def _write(screen: Screen, options: Mapping[str, Any], text: str) -> None:
    if options["watch"] and is_terminal(screen.out) and not screen.is_json:
        text = _CLEAR + text
    screen.write(text)
    if hasattr(screen.out, "flush"):
        screen.out.flush()
