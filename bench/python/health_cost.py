"""What `check_connection_health()` costs where the last look is still good, and where it is not.

    python bench/python/health_cost.py "host=... port=... dbname=... user=..."

The package must be installed. Prints medians and quartiles of repeated rounds.
"""

from __future__ import annotations

import statistics
import sys
import time

import django
from django.conf import settings

ROUNDS = 30
CACHED = 2_000
LOOKS = 20


def main() -> None:
    """Measures."""
    words = dict(word.split("=", 1) for word in sys.argv[1].split())
    entry = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": words["host"],
        "PORT": words["port"],
        "NAME": words["dbname"],
        "USER": words["user"],
        "CONN_MAX_AGE": None,
    }
    settings.configure(DATABASES={"default": entry}, INSTALLED_APPS=["connwarden.django"], USE_TZ=True)
    django.setup()
    from django.db import connection

    from connwarden.django import check_connection_health

    connection.ensure_connection()
    check_connection_health(max_age=0)
    told("given again", [_each(lambda: check_connection_health(max_age=3600), CACHED) for _ in range(ROUNDS)])
    told("a new look", [_each(lambda: check_connection_health(max_age=0), LOOKS) for _ in range(ROUNDS)])


def _each(call, times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begun) / times * 1e6


def told(what: str, rounds: list[float]) -> None:
    """Prints a line, in microseconds."""
    low, middle, high = statistics.quantiles(rounds, n=4)
    print(f"{what:12} {middle:9.1f} us [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    main()
