"""A borrower's stack: walked, not formatted. No source line is read, and no frame is kept.

Frames of this package and of the libraries between a pool and its borrower are left out at the inner end, so
that the borrower's own line stands first. Further out everything stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType

from .shape import Frame

FRAMES_MAX = 16
"""Frames kept of one stack."""

_WALK_MAX = 200
"""Frames looked at: deeper, a stack counts as one of libraries only."""

_BETWEEN = frozenset(
    {
        "asyncio",
        "asyncpg",
        "connwarden",
        "contextlib",
        "django",
        "greenlet",
        "psycopg",
        "psycopg_pool",
        "sqlalchemy",
    }
)
"""Top-level packages that stand between a pool and the code that wanted a connection."""


def here() -> tuple[Frame, ...]:
    """The stack of the caller's borrower, innermost first, at most `FRAMES_MAX` frames.

    Where every frame belongs to a library, the innermost ones are told rather than none.
    """
    inner: list[Frame] = []
    kept: list[Frame] = []
    for looked, frame in enumerate(_outwards(sys._getframe(1))):
        if looked >= _WALK_MAX or len(kept) >= FRAMES_MAX:
            break
        if kept or not _between(frame):
            kept.append(_place(frame))
        elif len(inner) < FRAMES_MAX:
            inner.append(_place(frame))
    return tuple(kept or inner)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Frames from `frame` outwards. SQLAlchemy's asyncio runs in a greenlet, whose frames end at its first
    one: the awaiting code stands in the parent's.
    """
    while frame is not None:
        yield frame
        frame = frame.f_back
    greenlet = sys.modules.get("greenlet")
    parent = greenlet.getcurrent().parent if greenlet is not None else None
    frame = parent.gr_frame if parent is not None else None
    while frame is not None:
        yield frame
        frame = frame.f_back


def _between(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] in _BETWEEN


def _place(frame: FrameType) -> Frame:
    return Frame(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
