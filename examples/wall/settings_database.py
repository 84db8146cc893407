"""DATABASES of the wall services, from the environment that compose.yaml gives them.

In the application's settings: from settings_database import DATABASES
"""

from connwarden.django import config

# DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, DB_APPLICATION_NAME, CONN_MAX_AGE, and DB_MAX_CONNS, to which the engine
# holds every process. DB_POOLER=connwarden says that the proxy stands between: no cursor outlives a transaction there.
DATABASES = {"default": config()}
