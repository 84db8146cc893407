"""What the backend is put through, by name."""

from __future__ import annotations

from collections.abc import Callable

from scenarios import breaking, checking, life, limit


def named(name: str) -> Callable[[], None]:
    """The scenario of that name."""
    found = [vars(module)[name] for module in (breaking, checking, life, limit) if name in vars(module)]
    assert len(found) == 1, f"{name} is no scenario, or more than one"
    scenario: Callable[[], None] = found[0]
    return scenario
