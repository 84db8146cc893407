"""What the pools of this process hold, for psycopg, SQLAlchemy and asyncpg, and who keeps a connection too
long.

    from connwarden.pools import watch

    watched = watch(engine, name="orders", leak_after=30.0, sample=0.1)
    watched.stats().waiting
    for leak in watched.leaks():
        print(leak.borrower, leak.held_seconds, leak.where)

It takes nothing back and closes nothing: it tells. Each library is loaded only when a pool of it is watched.
"""

from .adapter import NotTracedError
from .metrics import collector
from .shape import Borrowed, Frame, PoolStats
from .watched import Watched, watch

__all__ = ["Borrowed", "Frame", "NotTracedError", "PoolStats", "Watched", "collector", "watch"]
