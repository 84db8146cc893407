"""`status` and `health`: one look each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._core import ConnwardenError, Server
from .against import Against
from .arguments import only
from .screen import Screen

APART_S = 1.0
"""Between the two samples of one look, to see sessions come and go."""


def status(server: Server, options: Mapping[str, Any], screen: Screen, against: Against) -> int:
    """Shows who holds the slots."""
    report = server.status(
        by=[key for key in options["by"].split(",") if key],
        sessions=options["sessions"],
        only=only(options),
        thresholds=against.utilization,
        plan=against.plan,
    )
    screen.show(report)
    return exit_code(report.exit_code, options) if options["check"] is not None else 0


def health(server: Server, options: Mapping[str, Any], screen: Screen, against: Against) -> int:
    """Shows what is right and wrong, and leaves the verdict."""
    names = [name for name in (options["check"] or "").split(",") if name]
    report = server.health(checks=names, apart=APART_S, thresholds=against.thresholds, plan=against.plan)
    screen.show(report)
    return exit_code(report.exit_code, options)


def refused(error: ConnwardenError, options: Mapping[str, Any], screen: Screen) -> int:
    """Shows a health that nobody let us look at. A full server is critical: it is what is being watched."""
    screen.show(error.health)
    return exit_code(error.health.exit_code, options)


def exit_code(code: int, options: Mapping[str, Any]) -> int:
    """What is left behind: with `--fail-on crit` a warning passes."""
    return 0 if code == 1 and options["fail_on"] == "crit" else code
