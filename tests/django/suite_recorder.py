"""Django's runner of tests, which writes down what became of each test.

The file that SUITE_OUTCOMES names gets one JSON object:

- `outcomes`: a test's name -> `ok`, `fail`, `error`, `skip`, `expected failure` or `unexpected success`
- `said`: a test's name -> the end of its error's text, or the reason why it was skipped
- `versions`: of Django, of the driver, of Python, of the server
- `server_sees`: the address that the server has for a connection of ours; None is a unix socket
"""

import json
import os
import platform
import unittest
from typing import Any

import django
from django.db import connection
from django.test.runner import DiscoverRunner

SAID_CHARS_MAX = 600


class Recording(unittest.TextTestResult):
    """Remembers every outcome. With several processes Django replays here what happened in each of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.outcomes: dict[str, str] = {}
        self.said: dict[str, str] = {}

    def _note(self, test: Any, outcome: str, said: str = "") -> None:
        name = test.id()
        # A part of a test that went wrong has spoken for the whole.
        if self.outcomes.get(name) in ("fail", "error"):
            return
        self.outcomes[name] = outcome
        if said:
            self.said[name] = said[-SAID_CHARS_MAX:]

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        """It is well."""
        super().addSuccess(test)
        self._note(test, "ok")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """An assertion did not hold."""
        super().addFailure(test, err)
        self._note(test, "fail", f"{err[0].__name__}: {err[1]}")

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        """Something else was raised, or a class could not be prepared."""
        super().addError(test, err)
        self._note(test, "error", f"{err[0].__name__}: {err[1]}")

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        """It was not asked."""
        super().addSkip(test, reason)
        self._note(test, "skip", reason)

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """It failed, as it is known to."""
        super().addExpectedFailure(test, err)
        self._note(test, "expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        """It is well, although it is known to fail."""
        super().addUnexpectedSuccess(test)
        self._note(test, "unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        """A part of a test: counts for the test where it went wrong."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0], test.failureException)
            self._note(test, "fail" if failed else "error", f"{subtest.id()}: {err[0].__name__}: {err[1]}")


class Recorder(DiscoverRunner):
    """Runs tests as Django does, and writes the file at the end."""

    server_sees: str | None = None
    server_version = ""

    def get_resultclass(self) -> Any:
        """The result that remembers."""
        return Recording

    def setup_databases(self, **kwargs: Any) -> Any:
        """Makes the test databases, and asks the server who it thinks we are."""
        made = super().setup_databases(**kwargs)
        with connection.cursor() as cursor:
            cursor.execute("select host(inet_client_addr()), current_setting('server_version')")
            self.server_sees, self.server_version = cursor.fetchone()
        connection.close()
        return made

    def run_suite(self, suite: Any, **kwargs: Any) -> Any:
        """Runs them; the file is complete with the last test."""
        result: Any = super().run_suite(suite, **kwargs)
        driver: Any = getattr(connection, "Database")  # noqa: B009  unknown to the stubs
        versions = {
            "django": django.get_version(),
            "driver": f"{driver.__name__} {driver.__version__.split()[0]}",
            "python": platform.python_version(),
            "server": self.server_version,
        }
        record = {
            "outcomes": result.outcomes,
            "said": result.said,
            "versions": versions,
            "server_sees": self.server_sees,
        }
        with open(os.environ["SUITE_OUTCOMES"], "w") as file:
            json.dump(record, file, indent=1, sort_keys=True)
        return result
