"""A plugin of pytest: Django takes psycopg2, though psycopg 3 is here too. Only while Django looks is psycopg
3 out of sight.
"""

import sys

sys.modules["psycopg"] = None  # type: ignore[assignment]
from django.db.backends.postgresql import base, psycopg_any  # noqa: E402, F401

del sys.modules["psycopg"]
assert not psycopg_any.is_psycopg3, "Django has taken psycopg2"
