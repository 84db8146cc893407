"""A backend of Django whose pool is traced; only the tests know it."""
