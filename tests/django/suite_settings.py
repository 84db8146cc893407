"""Settings of Django's test suite: the same on both sides but for the address.

It is given by two variables of the environment: SUITE_HOST and SUITE_PORT. A third one, SUITE_DATABASE, is a
JSON object of what else shall stand in the entries of DATABASES.
"""

import json
import os
from typing import Any

TEST_RUNNER = "suite_recorder.Recorder"


def _database(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        # Some of the tests make extensions that only a superuser may make.
        "USER": "postgres",
        "HOST": os.environ["SUITE_HOST"],
        "PORT": os.environ["SUITE_PORT"],
        # What Django asks for with transaction pooling; on both sides, so that the same tests are asked.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        **json.loads(os.environ.get("SUITE_DATABASE", "{}")),
    }


DATABASES = {"default": _database("app"), "other": _database("other")}
SECRET_KEY = "a key of tests"
# As in Django's own settings for its tests: a hasher that costs nothing, keys of 32 bits.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
