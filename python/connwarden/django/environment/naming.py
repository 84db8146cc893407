"""What a process calls itself on the server: its `application_name`, by which everybody tells services
apart.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

from .reading import Found, Reader

BYTES_MAX = 63
"""PostgreSQL cuts longer names off, and so makes two services one."""

_PID = "{pid}"
_PID_DIGITS_MAX = 7


def application_name(reader: Reader, service: str | None, arguments: Sequence[str] | None = None) -> str:
    """`DB_APPLICATION_NAME`, else the service's name as given, else `project-program` as in `wall-gunicorn`.

    `{pid}` in it becomes the process id when a connection is opened. Mistakes go to the reader.
    """
    found = reader.find("DB_APPLICATION_NAME")
    if found is None and service is None:
        return derived(reader.environ, sys.argv if arguments is None else arguments)
    given = found or Found("config(service=...)", service or "")
    name = given.value
    if not re.fullmatch(r"[ -~]+", name):
        reader.mistake(f"{given.shown} is not plain printable ASCII: PostgreSQL shows '?' for anything else")
    elif "{" in name.replace(_PID, "") or "}" in name.replace(_PID, ""):
        reader.mistake(f"{given.shown}: the only thing that is filled in is {_PID}")
    elif (size := len(name.replace(_PID, "9" * _PID_DIGITS_MAX))) > BYTES_MAX:
        reader.mistake(f"{given.shown} has {size} bytes: PostgreSQL keeps {BYTES_MAX}; make it shorter")
    return name


def derived(environ: Mapping[str, str], arguments: Sequence[str]) -> str:
    """The project, by its settings module, and the program, by its command line: the same in all its
    processes.
    """
    project = environ.get("DJANGO_SETTINGS_MODULE", "").partition(".")[0] or "django"
    program = os.path.basename(arguments[0]) if arguments else ""
    if program in ("manage.py", "django-admin", "__main__.py") and len(arguments) > 1:
        program = arguments[1]
    program = re.sub(r"[^A-Za-z0-9_.]+", "-", program.removesuffix(".py")).strip("-")
    return f"{project}-{program or 'python'}"[:BYTES_MAX]
