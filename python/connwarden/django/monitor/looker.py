"""Looks at the server from a thread of its own: outside the transactions of those who ask, and never in their
way.

One thread for each process, begun when it is wanted and ended when nobody has asked for a while. It keeps its
connection between looks, so a scope does not cost a login; what was seen less than a second ago is told
again.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any

from django.db import connections

from .. import held

logger = logging.getLogger("connwarden.django")

Health = Callable[[str | None], Mapping[str, Any]]
"""`check_connection_health`, or what stands in for it: takes an alias."""

FRESH_SECONDS = 1.0
"""So old may an answer be."""
KEPT_SECONDS = 10.0
"""So long does the thread wait for another question before it closes its connection and ends."""
ANSWERS_MAX = 64
"""Answers kept; each alias has one."""

_Key = tuple[Health, str | None]


class Look(Future[float | None]):
    """An answer to come: the utilization in percent, or None if the look failed."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = monotonic()

    def patience(self, seconds: float) -> float:
        """What is left of `seconds` since it was asked for."""
        return max(0.0, self.asked + seconds - monotonic())


class Looker:
    """Takes questions from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: queue.SimpleQueue[tuple[_Key, Look]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failing = False
        self._answers: dict[_Key, Look] = {}

    def ask(self, health: Health, alias: str | None) -> Look:
        """An answer to come, or one that is there: those who ask at the same time share one look."""
        key = (health, alias)
        with self._lock:
            known = self._answers.pop(key, None)
            if known is not None and (not known.done() or known.patience(FRESH_SECONDS) > 0):
                self._answers[key] = known
                return known
            answer = self._answers[key] = Look()
            while len(self._answers) > ANSWERS_MAX:
                del self._answers[next(iter(self._answers))]
            self._asked.put((key, answer))
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="connwarden-looker", daemon=True)
                self._thread.start()
            return answer

    def reset(self) -> None:
        """In a child of fork, which has no such thread."""
        self.__init__()  # type: ignore[misc]

    def _look(self) -> None:
        try:
            while True:
                try:
                    (health, alias), answer = self._asked.get(timeout=KEPT_SECONDS)
                except queue.Empty:
                    with self._lock:
                        if self._asked.empty():
                            self._thread = None
                            return
                    continue
                if answer.set_running_or_notify_cancel():
                    answer.set_result(self._utilization(health, alias))
                if held.in_tests():
                    _close()
        finally:
            _close()

    def _utilization(self, health: Health, alias: str | None) -> float | None:
        try:
            told = health(alias)
            failed = told.get("error") or {}
            if failed and failed.get("code") != "server_full":
                raise ConnectionError(failed.get("message") or "the server could not be looked at")
            found = float(told["postgresql_info"]["utilization_percent"])
        except Exception:
            # Once, not once a second, while a server is away.
            level = logging.DEBUG if self._failing else logging.WARNING
            logger.log(level, "the server could not be looked at", exc_info=True, extra={"alias": alias})
            self._failing = True
            return None
        self._failing = False
        return found


def _close() -> None:
    try:
        connections.close_all()
        held.let_go()
    except Exception:
        logger.debug("a connection for looks could not be closed", exc_info=True)


looker = Looker()
os.register_at_fork(after_in_child=looker.reset)
