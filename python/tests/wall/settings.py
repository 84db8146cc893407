"""Settings of the wall, from what the tests put into the environment."""

import os

SECRET_KEY = "a key of the tests"
DEBUG = os.environ.get("WALL_DEBUG") == "1"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["connwarden.django", "wall"]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "wall.urls"
WSGI_APPLICATION = "wall.wsgi.application"

_ENTRY = {
    "ENGINE": os.environ.get("WALL_ENGINE", "django.db.backends.postgresql"),
    "HOST": os.environ.get("WALL_HOST", ""),
    "PORT": os.environ.get("WALL_PORT", ""),
    "NAME": os.environ.get("WALL_NAME", "app"),
    "USER": os.environ.get("WALL_USER", "app"),
    "CONN_MAX_AGE": int(os.environ.get("WALL_CONN_MAX_AGE", "300")),
    # The tests go through a proxy in transaction mode as well.
    "DISABLE_SERVER_SIDE_CURSORS": True,
    "OPTIONS": {"application_name": os.environ.get("WALL_APP", "wall-django-api")},
}
DATABASES = {
    "default": _ENTRY,
    "admin": {
        **_ENTRY,
        "HOST": os.environ.get("WALL_ADMIN_HOST", _ENTRY["HOST"]),
        "PORT": os.environ.get("WALL_ADMIN_PORT", _ENTRY["PORT"]),
        "USER": "postgres",
        "OPTIONS": {"application_name": "wall-admin"},
        "TEST": {"MIRROR": "default"},
    },
}
CONNWARDEN: dict[str, object] = {}
if os.environ.get("WALL_ADMIN") == "1":
    CONNWARDEN["ADMIN_ALIAS"] = "admin"
# A page that fails says why on the server's own output.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"output": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["output"], "level": "ERROR"}},
}
