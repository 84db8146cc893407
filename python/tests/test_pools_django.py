"""Django's native pool, in a process of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest

TESTS = pathlib.Path(__file__).resolve().parent


@pytest.fixture(scope="module")
def told(server: Any) -> dict[str, Any]:
    if tuple(int(part) for part in pytest.importorskip("django").__version__.split(".")[:2]) < (5, 1):
        pytest.skip("Django has its pool since 5.1")
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, str(TESTS / "pools_django.py"), server.dsn]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_djangos_own_pool_tells_its_numbers(told: dict[str, Any]) -> None:
    full, after = told["default"]["full"], told["default"]["after"]
    assert not told["default"]["traced"]
    assert (full["kind"], full["size"], full["idle"], full["in_use"], full["max"]) == ("psycopg", 1, 0, 1, 1)
    assert (full["waiting"], full["leaks"]) == (2, None)
    assert (after["waiting"], after["requests_total"], after["in_use"]) == (0, 3, 0)


def test_a_backend_with_a_traced_pool_tells_who_holds_a_connection(told: dict[str, Any]) -> None:
    traced = told["traced"]
    assert traced["traced"] and traced["full"]["waiting"] == 2
    assert (traced["after"]["lent_total"], traced["after"]["in_use"]) == (3, 0)
    assert traced["found"] == traced["wanted"]
    assert traced["left"] == 0
