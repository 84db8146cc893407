"""Who holds PostgreSQL's connections, and why.

    import connwarden

    server = connwarden.Server.connect()  # $DATABASE_URL, PG* variables
    print(server.status().text())

`connwarden.over(connection)` looks over a psycopg connection that is already there; `connwarden.django` is an app for
Django; `connwarden.pools` looks into the pools of psycopg, SQLAlchemy and asyncpg.
"""

from ._core import (
    Closing,
    ConnwardenError,
    Plan,
    Report,
    Server,
    __version__,
    explain,
    plan_check,
    presets,
    waiting,
)
from .asking import over

__all__ = [
    "Closing",
    "ConnwardenError",
    "Plan",
    "Report",
    "Server",
    "__version__",
    "explain",
    "over",
    "plan_check",
    "presets",
    "waiting",
]
