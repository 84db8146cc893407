"""What the pools inside of this process hold: one shape for psycopg, SQLAlchemy and asyncpg, and who keeps too long."""
