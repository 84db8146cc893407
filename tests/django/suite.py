"""Runs Django's own database tests directly and through the proxy, and compares test by test.

    suite.py [--target FOLDER] [--list short|long] [--django 5.2] [--driver psycopg] [OPTION...] [MODULE...]

The target is cargo's folder, where `scripts/needs.sh` has put Django's sources and the drivers, and where the
programs are. The last line is `N passed, N failed`: tests with the same outcome on both sides, and
differences that `differences.toml` does not list or that are listed and gone. docs/django-suite.md says more.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from suite_bed import Bed, Door, bed
from suite_compare import Verdict, compare, read_listed, read_toml

HERE = Path(__file__).resolve().parent
SIDE_SECONDS_MAX = 1800


class Trouble(Exception):
    """A side that could not be asked, or that left something behind: a sentence for the reader."""


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=Path, default=Path(os.environ.get("CARGO_TARGET_DIR", "target")))
    parser.add_argument("--list", choices=("short", "long"), default="short")
    parser.add_argument("--django", default="5.2", help="the version whose tests are run, as in 5.2")
    parser.add_argument("--driver", choices=("psycopg", "psycopg2"), default="psycopg")
    parser.add_argument("--database", metavar="JSON", default="{}", help="more for the entries of DATABASES")
    parser.add_argument("--keep", type=Path, help="a folder for what each side wrote; else it is dropped")
    parser.add_argument("modules", nargs="*", help="modules of Django's tests; else those of the list")
    return parser.parse_args()


def modules_of(name: str, django: str) -> list[str]:
    """The modules of a list that this version has; the long one begins with the short one."""
    lists = read_toml(HERE / "modules.toml")
    modules = list(lists["short"]) + (list(lists["long"]) if name == "long" else [])
    return [module for module in modules if not newer(lists["since"].get(module, django), django)]


def newer(one: str, other: str) -> bool:
    """Whether a version such as `5.2` is behind another."""
    left, right = ([int(part) for part in version.split(".")] for version in (one, other))
    return left > right


def ask(
    what: argparse.Namespace, modules: Sequence[str], name: str, door: Door, folder: Path
) -> dict[str, Any]:
    """Runs the modules through one door; the record of `suite_recorder`. Raises Trouble without one."""
    shelf = (what.target / "django").resolve()
    source, outcomes, log = shelf / f"django-{what.django}", folder / f"{name}.json", folder / f"{name}.log"
    world = {key: value for key, value in os.environ.items() if not key.startswith(("PG", "DJANGO_"))}
    world |= {"SUITE_HOST": door.host, "SUITE_PORT": door.port, "SUITE_OUTCOMES": str(outcomes)}
    world |= {"SUITE_DATABASE": what.database}
    world |= {"PYTHONPATH": f"{source}:{HERE}", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(folder)}
    command = [str(shelf / what.driver / "bin" / "python"), "runtests.py", "--settings=suite_settings"]
    command += ["--parallel=2", "--noinput", "--verbosity=1", *modules]
    with log.open("w") as said:
        process = subprocess.Popen(
            command, cwd=source / "tests", env=world, stdout=said, stderr=said, start_new_session=True
        )
        try:
            status: int | str = process.wait(SIDE_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            status = f"still running after {SIDE_SECONDS_MAX} s"
        finally:
            end_group(process)
    if not outcomes.exists():
        raise Trouble(f"{name}: no outcomes ({status}); it ended with\n{tail(log)}")
    record: dict[str, Any] = json.loads(outcomes.read_text())
    return record


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends what a side has started and left running."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def tail(log: Path) -> str:
    """The end of a log, for a reader who has nothing else."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-40:])


def both(
    what: argparse.Namespace, modules: Sequence[str], servers: Bed, folder: Path
) -> list[dict[str, Any]]:
    """The records of both sides. Raises Trouble where a side was not what it should have been."""
    records = []
    before = servers.inventory()
    for name, door, seen_as in (("direct", servers.server, "127.0.0.1"), ("proxy", servers.proxy, None)):
        began = time.monotonic()
        record = ask(what, modules, name, door, folder)
        print(
            f"django: {name}: {len(record['outcomes'])} tests in {time.monotonic() - began:.0f} s", flush=True
        )
        # The proxy comes to the server by its unix socket.
        if record["server_sees"] != seen_as:
            raise Trouble(f"{name}: the server was reached as {record['server_sees']}, not as {seen_as}")
        if left := sorted(set(servers.inventory()) ^ set(before)):
            raise Trouble(f"{name}: the server is not as it was: {', '.join(left)}")
        records.append(record)
    return records


def tell(verdict: Verdict, versions: dict[str, str]) -> None:
    """Prints what was found; the counts come last."""
    for sentence in verdict.failed:
        print(f"django: DIFFERENT: {sentence}")
    for test in verdict.listed:
        print(f"django: listed: {test}")
    for test in verdict.unwell_on_both:
        print(f"django: alike, and not well on either side: {test}")
    print("django: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"django: {verdict.alike} passed, {len(verdict.failed)} failed")


def main() -> int:
    """Runs, compares, tells; 0 where nothing differs that is not listed."""
    what = arguments()
    # As with Ctrl-C: what was started ends with us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    modules = what.modules or modules_of(what.list, what.django)
    table = read_listed(HERE / "differences.toml")
    listed = [one for one in table if one.concerns(what.django, what.driver, modules)]
    testbed = os.environ.get("TESTBED", str(what.target.resolve() / "fast" / "testbed"))
    with tempfile.TemporaryDirectory(prefix="connwarden-django-") as scratch:
        folder = what.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with bed(testbed) as servers:
                direct, proxy = both(what, modules, servers, folder.resolve())
        except FileNotFoundError as error:
            print(f"django: {error}: build it, and let scripts/needs.sh django fetch the rest")
            print("django: 0 passed, 1 failed")
            return 1
        except Trouble as trouble:
            print(f"django: {trouble}\ndjango: 0 passed, 1 failed")
            return 1
    verdict = compare(direct, proxy, listed)
    tell(verdict, direct["versions"])
    return 1 if verdict.failed or not verdict.alike else 0


if __name__ == "__main__":
    sys.exit(main())
