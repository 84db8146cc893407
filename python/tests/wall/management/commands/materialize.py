"""The long one: a page for each author, in one process that never ends by itself."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connection

from connwarden.django import connection_monitor
from wall.models import Page, Post


class Command(BaseCommand):
    """Makes pages, then waits for its input to end, as a worker waits for its queue."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--leak", action="store_true", help="leave a transaction open while waiting")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Does it."""
        with connection_monitor("materialize"):
            for author in Post.objects.values_list("author", flat=True).distinct():
                number = Post.objects.filter(author=author).count()
                Page.objects.update_or_create(author=author, defaults={"posts": number})
        if options["leak"]:
            connection.set_autocommit(False)
            Page.objects.select_for_update().first()
        self.stdout.write("ready")
        self.stdout.flush()
        sys.stdin.read()
