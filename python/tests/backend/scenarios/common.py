"""What several scenarios do."""

from __future__ import annotations

import threading
from typing import Any

LIMIT = 3


def work_once(done: list[int], number: int, close: bool = True) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.02)")
    done.append(number)
    if close:
        connection.close()
    else:
        connection.close_if_unusable_or_obsolete()


def in_threads(count: int, work: Any) -> list[BaseException]:
    failed: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # told by the caller
            failed.append(error)

    threads = [
        threading.Thread(target=guarded, args=(number,), name=f"worker-{number}") for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed
