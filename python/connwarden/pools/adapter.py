"""What a library's adapter answers. One stands for one pool; it decides nothing about leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from .ledger import Ledger
from .loan import Who
from .shape import PoolStats


class NotTracedError(RuntimeError):
    """Asked who holds a pool's connections, where the pool tells only numbers."""


class Adapter(Protocol):
    """One pool of one library."""

    of: ClassVar[tuple[type, ...]]
    """What one can be made of."""

    @property
    def name(self) -> str:
        """What the pool itself is called."""

    @property
    def untraced(self) -> str | None:
        """Why checkouts can't be seen, and what to use instead; None where they can."""

    @property
    def who(self) -> Who:
        """Who runs: a thread or a task."""

    @property
    def closed(self) -> Callable[[Any], bool] | None:
        """For a `Ledger`: whether something lent came back unseen."""

    def attach(self, ledger: Ledger) -> None:
        """Checkouts and returns go to this ledger from now on. Raises `ValueError` where another has them."""

    def detach(self) -> None:
        """No more; nothing of the watch stays at the pool."""

    def stats(self, name: str, out: int) -> PoolStats:
        """The pool's own numbers; `out` is how many traced checkouts are out."""
