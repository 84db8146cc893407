"""Django's PostgreSQL backend with another class of pool: what it takes for checkouts to be seen."""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from connwarden.pools.psycopg import TracedConnectionPool


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    """The original, whose pool is a `TracedConnectionPool`."""

    @property
    def pool(self) -> Any:
        """One for each alias and process, as the original's."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if options and self.alias not in self._connection_pools:
            traced: TracedConnectionPool[Any] = TracedConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,
                **options,
            )
            self._connection_pools.setdefault(self.alias, traced)
        return super().pool
