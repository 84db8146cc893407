"""Who holds PostgreSQL's connections, and why.

`connwarden.django` is an app for Django; `connwarden.pools` looks into the pools of psycopg, SQLAlchemy and asyncpg.
"""
