"""A program with Django's native pool, for a process of its own: settings are made once. Prints what it saw
as JSON.
"""

from __future__ import annotations

import json
import sys
import threading

from django.conf import settings
from pools_bed import Clock, next_line, parts, until


def main(dsn: str) -> None:
    """Three threads want one connection, at Django's own backend and at a traced one."""
    said = parts(dsn)
    common = {
        "NAME": said["database"],
        "USER": said["user"],
        "HOST": said["host"],
        "PORT": said["port"],
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 1}},
    }
    backends = {"default": "django.db.backends.postgresql", "traced": "pools_backend"}
    settings.configure(DATABASES={alias: {"ENGINE": engine, **common} for alias, engine in backends.items()})
    print(json.dumps({alias: tried(alias) for alias in backends}))


def tried(alias: str) -> dict[str, object]:
    """What the pool of an alias tells."""
    from django.db import connections

    from connwarden.pools import watch

    clock = Clock()
    watched = watch(connections[alias].pool, name=alias, sample=1, clock=clock)
    with connections[alias].cursor() as cursor:
        cursor.execute("select 1")
    release = threading.Event()

    def work() -> None:
        with connections[alias].cursor() as cursor:
            cursor.execute("select 1")
        release.wait(60)
        connections[alias].close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: watched.stats().waiting == 2)
    told: dict[str, object] = {"full": watched.stats().as_dict(), "traced": watched.traced}
    release.set()
    connections[alias].close()
    for thread in threads:
        thread.join()
    told["after"] = watched.stats().as_dict()
    if watched.traced:
        line = next_line()
        with connections[alias].cursor() as cursor:
            cursor.execute("select 1")
        clock.passes(64)
        told["wanted"], told["found"] = line, watched.leaks()[0].where
        connections[alias].close()
        told["left"] = len(watched.borrowed())
    connections[alias].close_pool()
    return told


if __name__ == "__main__":
    main(sys.argv[1])
