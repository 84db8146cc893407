"""Pretends to be many users: threads, each with a connection of its own."""

import sys
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wall.models import Post


class Command(BaseCommand):
    """Writes posts from threads, which then keep their connections until the input ends."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Adds the options."""
        parser.add_argument("--threads", type=int, default=4)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Does it."""
        all_there = threading.Barrier(options["threads"] + 1)
        ended = threading.Event()
        refused: list[Exception] = []

        def user(number: int) -> None:
            try:
                Post.objects.create(author=f"user {number}", text="x")
            except Exception as error:
                refused.append(error)
            all_there.wait()
            ended.wait()

        threads = [threading.Thread(target=user, args=(n,)) for n in range(options["threads"])]
        for thread in threads:
            thread.start()
        all_there.wait()
        self.stdout.write(f"ready {len(refused)} refused")
        for error in refused[:1]:
            self.stdout.write(str(error).strip().replace("\n", " "))
        self.stdout.flush()
        sys.stdin.read()
        ended.set()
