"""Compares what became of each test on the two sides, and holds it against the listed differences."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]

# Stands for the outcome of a test that one side did not ask.
MISSING = "missing"


@dataclass(frozen=True)
class Listed:
    """A difference that is meant to be there, and why. Without `django` or `driver` it holds for all."""

    test: str
    direct: str
    proxy: str
    reason: str
    django: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()

    def concerns(self, django: str, driver: str, modules: Collection[str]) -> bool:
        """Whether a run of these modules with this `django` (`5.2`) and this `driver` should show it."""
        return (
            (not self.django or django in self.django)
            and (not self.driver or driver in self.driver)
            and self.test.partition(".")[0] in modules
        )


@dataclass
class Verdict:
    """What the comparison found; names of tests, sorted. `failed` are sentences."""

    alike: int = 0
    listed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unwell_on_both: list[str] = field(default_factory=list)


def read_toml(path: Path) -> dict[str, Any]:
    """A file as a table. Raises what `tomllib` raises."""
    return dict(tomllib.loads(path.read_text()))


def read_listed(path: Path) -> list[Listed]:
    """The table. Raises ValueError for an entry that is incomplete or has a key nobody knows."""
    return [_entry(path, entry) for entry in read_toml(path).get("difference", [])]


def _entry(path: Path, entry: Mapping[str, Any]) -> Listed:
    try:
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in entry.items()}
        return Listed(**plain)
    except TypeError as error:
        raise ValueError(f"{path}: {entry.get('test', 'an entry without a test')}: {error}") from error


def compare(direct: Mapping[str, Any], proxy: Mapping[str, Any], listed: Collection[Listed]) -> Verdict:
    """Compares two records of `suite_recorder`; `listed` are the differences that concern this run.

    Raises ValueError where two of them are about the same test.
    """
    meant: dict[str, Listed] = {}
    for one in listed:
        if meant.setdefault(one.test, one) is not one:
            raise ValueError(f"{one.test} is listed twice for this run")
    verdict = Verdict()
    for test in sorted({*direct["outcomes"], *proxy["outcomes"], *meant}):
        left, right = (side["outcomes"].get(test, MISSING) for side in (direct, proxy))
        entry = meant.get(test)
        if entry is not None and (left, right) == (entry.direct, entry.proxy):
            verdict.listed.append(test)
        elif entry is not None:
            verdict.failed.append(
                f"{test}: listed as {entry.direct} directly and {entry.proxy} through the proxy, "
                f"is {left} and {right}{_said(test, direct, proxy)}"
            )
        elif left != right:
            verdict.failed.append(
                f"{test}: {left} directly, {right} through the proxy{_said(test, direct, proxy)}"
            )
        else:
            verdict.alike += 1
            if left in ("fail", "error", "unexpected success"):
                verdict.unwell_on_both.append(test)
    return verdict


def _said(test: str, direct: Mapping[str, Any], proxy: Mapping[str, Any]) -> str:
    sides = (("directly", direct), ("through the proxy", proxy))
    return "".join(f"\n    {name}: {side['said'][test]}" for name, side in sides if test in side["said"])
