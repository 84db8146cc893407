"""What a project's settings do not say: how its processes are started. Read from variables, arguments and
gunicorn's configuration file, which is parsed and never run.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

_SERVERS = ("uvicorn", "daphne", "hypercorn", "granian")


@dataclass(frozen=True)
class Surroundings:
    """The environment of one process."""

    environ: Mapping[str, str] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    gunicorn_file: Mapping[str, Any] = field(default_factory=dict)
    """The plain values of gunicorn.conf.py."""
    asgi_application: str | None = None
    """Django's setting, which channels and daphne want."""
    open_pools: frozenset[str] = frozenset()
    """Aliases whose pool is open in this process."""

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        base = sys.modules.get("django.db.backends.postgresql.base")
        pools = {} if base is None else vars(base.DatabaseWrapper).get("_connection_pools", {})
        return cls(
            os.environ,
            tuple(sys.argv),
            plain_values(Path("gunicorn.conf.py")),
            getattr(settings, "ASGI_APPLICATION", None),
            frozenset(pools),
        )

    def asgi(self) -> str | None:
        """By what one knows that requests come by ASGI."""
        worker = self._gunicorn("-k", "--worker-class") or self.gunicorn_file.get("worker_class")
        if isinstance(worker, str) and "uvicorn" in worker:
            return f"gunicorn's worker class {worker}"
        program = os.path.basename(self.arguments[0]) if self.arguments else ""
        if program in _SERVERS:
            return f"the program {program}"
        if self.asgi_application:
            return f"ASGI_APPLICATION = {self.asgi_application!r}"
        return None

    def workers(self) -> tuple[int, str] | None:
        """Processes of this service on this machine, and who says so."""
        said = self._gunicorn("-w", "--workers")
        if said is not None and said.isdigit():
            return int(said), "GUNICORN_CMD_ARGS"
        variable = self.environ.get("WEB_CONCURRENCY", "")
        inside = self.gunicorn_file.get("workers")
        if isinstance(inside, int) and not isinstance(inside, bool):
            return inside, "gunicorn.conf.py"
        if variable.isdigit() and int(variable) > 0:
            return int(variable), "WEB_CONCURRENCY"
        return None

    def threads(self) -> int | None:
        """Threads of one of gunicorn's workers."""
        said = self._gunicorn("--threads")
        if said is not None and said.isdigit():
            return int(said)
        inside = self.gunicorn_file.get("threads")
        return inside if isinstance(inside, int) and not isinstance(inside, bool) else None

    def preload(self) -> str | None:
        """Who says that the application is loaded before workers are forked."""
        if "--preload" in self._gunicorn_words():
            return "GUNICORN_CMD_ARGS has --preload"
        if self.gunicorn_file.get("preload_app") is True:
            return "gunicorn.conf.py has preload_app = True"
        return None

    def _gunicorn_words(self) -> list[str]:
        try:
            return shlex.split(self.environ.get("GUNICORN_CMD_ARGS", ""))
        except ValueError:
            # An open quote: gunicorn itself will say so.
            return []

    def _gunicorn(self, *names: str) -> str | None:
        found = None
        words = self._gunicorn_words()
        for at, word in enumerate(words):
            name, equals, value = word.partition("=")
            if word in names and at + 1 < len(words):
                found = words[at + 1]
            elif name in names and equals and name.startswith("--"):
                found = value
            elif matched := re.fullmatch(r"(-[a-z])(.+)", word):
                found = matched[2] if matched[1] in names else found
        return found


def plain_values(path: Path) -> dict[str, Any]:
    """The assignments of constants at the top of a Python file; nothing where it cannot be read."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    values: dict[str, Any] = {}
    for line in tree.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
            values |= {name.id: line.value.value for name in line.targets if isinstance(name, ast.Name)}
    return values
