"""`manage.py db_connections`: who holds PostgreSQL's connections, whether that is well, and relief."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.connection import ConnectionDoesNotExist

from ...._core import ConnwardenError, Server
from ... import looking
from ...command import arguments, closing
from ...command import looking as looks
from ...command.against import Against
from ...command.screen import Screen
from ...command.watching import watch

EXIT_CODES = """\
exit codes: of health, monitor and status --check 0 ok, 1 warning, 2 critical (also: refused because the server is full),
3 unknown; of close-idle, force-close and cancel 0 done, 1 partly done, 2 nothing done; 3 server not reached; 130 Ctrl-C"""


class Command(BaseCommand):
    """Looks at the server of an alias, and acts on its sessions."""

    help = "Who holds PostgreSQL's connections, whether that is well, and relief."
    # A full server shall not keep the command from running.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options of the program's commands."""
        parser.epilog = EXIT_CODES
        arguments.add(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Does it, and leaves an exit code where it is not 0."""
        screen = Screen.of(options, self.stdout)
        try:
            code = self._code(options, screen)
        except KeyboardInterrupt:
            code = 130
        if code:
            sys.exit(code)

    def _code(self, options: dict[str, Any], screen: Screen) -> int:
        action = options["action"]
        try:
            alias = looking.alias_of(options["database"])
        except (looking.NotPostgreSQL, ConnectionDoesNotExist) as error:
            raise CommandError(str(error), returncode=64) from error

        def way() -> AbstractContextManager[Server]:
            return looking.server(alias, application=f"connwarden {action}", wait_slot=options["wait_slot"])

        try:
            if action in ("close-idle", "force-close", "cancel"):
                with way() as server:
                    self._say_way(server, alias)
                    return closing.act(action, server, options, screen, self.stderr)
            against = Against.of(options, self.stderr)
            if action == "monitor" or (action == "health" and options["watch"]):
                return watch(way, options, screen, against)
            with way() as server:
                self._say_way(server, alias)
                look = looks.status if action == "status" else looks.health
                return look(server, options, screen, against)
        except ConnwardenError as error:
            if action == "health":
                return looks.refused(error, options, screen)
            screen.tell(error, self.stderr)
            full = error.code == "server_full" and action == "status" and options["check"] is not None
            return 2 if full else 3
        except ValueError as error:
            raise CommandError(str(error), returncode=64) from error

    def _say_way(self, server: Server, alias: str) -> None:
        if way := server.way:
            self.stderr.write(f"note: {way}")
        if looking.is_pooled(alias):
            self.stderr.write(
                "note: a pooler stands between us and the server; addresses and ports are the pooler's"
            )
