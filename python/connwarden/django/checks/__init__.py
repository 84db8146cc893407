"""System checks of what goes wrong with connections: `connwarden.W001` to `connwarden.W007`.

`pitfalls` looks at settings, `asked` at a database. This module only says to Django when to run them:
`manage.py check` for the first, `manage.py check --database default` (with `--deploy` for W007) for the
second.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, register

from ..conf import conf
from . import asked, pitfalls
from .surroundings import Surroundings


def register_all() -> None:
    """Called when the app is ready."""
    register(check_settings)
    register(check_size, Tags.database)
    register(check_role, Tags.database, deploy=True)


def check_settings(
    app_configs: object, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """W001 to W006, as far as settings tell."""
    around = Surroundings.here()
    said: list[CheckMessage] = []
    for alias, entry in settings.DATABASES.items():
        said += pitfalls.of_entry(alias, entry, around, conf())
    # A run with databases may have opened pools itself: migrations, tests.
    if not databases:
        said += pitfalls.of_pools(settings.DATABASES, around)
    return said


def check_size(app_configs: object, databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W005 against the server's own limits."""
    around = Surroundings.here()
    said: list[CheckMessage] = []
    for alias in databases or ():
        said += asked.size(alias, settings.DATABASES[alias], around, conf())
    return said


def check_role(app_configs: object, databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W007."""
    said: list[CheckMessage] = []
    for alias in databases or ():
        said += asked.role(alias)
    return said
