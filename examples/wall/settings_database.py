"""DATABASES of the wall services, from the environment that compose.yaml gives them.

In the application's settings: from settings_database import DATABASES
"""

import os

THROUGH_THE_PROXY = os.environ["DB_PORT"] == "6432"

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DB_HOST"],
        "PORT": os.environ["DB_PORT"],
        "NAME": os.environ["DB_NAME"],
        "USER": os.environ["DB_USER"],
        "PASSWORD": os.environ["DB_PASSWORD"],
        # Seconds since the connection was made, looked at when a request begins or ends. There is no setting of Django's for
        # how many connections a process may open: it opens one for each thread.
        "CONN_MAX_AGE": int(os.environ["CONN_MAX_AGE"]),
        "CONN_HEALTH_CHECKS": True,
        # QuerySet.iterator() outside of a transaction needs a cursor that outlives one. In transaction mode none does.
        "DISABLE_SERVER_SIDE_CURSORS": THROUGH_THE_PROXY,
        "OPTIONS": {
            "application_name": os.environ.get("DB_APPLICATION_NAME", "wall-django"),
            "connect_timeout": 10,
            "keepalives": 1,
            "keepalives_idle": 60,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        },
    }
}
