"""Everything about `connection_monitor` once more, where Django's driver is psycopg2."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
FILES = [
    "test_monitor.py",
    "test_monitor_beside.py",
    "test_monitor_threads.py",
    "test_monitor_async.py",
    "test_monitor_look.py",
]


def test_psycopg2_passes_the_same_tests() -> None:
    pytest.importorskip("psycopg2")
    path = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "only_psycopg2", *FILES]
    done = subprocess.run(
        command, cwd=HERE, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
