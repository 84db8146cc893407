"""The smallest Django project that gunicorn can serve: settings, URLs and the application in one module."""

from __future__ import annotations

import os
import threading
from typing import Any

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

from connwarden.django import config
from connwarden.django.lifecycle import with_lifespan


def _pid() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


def sockets() -> set[str]:
    """The sockets of this process that lead to the server, as the kernel numbers them."""
    port = f":{int(os.environ['DB_PORT']):04X}"
    inodes = set()
    with open("/proc/self/net/tcp") as table:
        for line in list(table)[1:]:
            words = line.split()
            if words[2].endswith(port):
                inodes.add(f"socket:[{words[9]}]")
    mine = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            mine.add(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            continue
    return mine & inodes


def look(request: Any) -> HttpResponse:
    """Which process, which session, which sockets."""
    session = _pid()
    return HttpResponse(f"{os.getpid()} {session} {','.join(sorted(sockets()))}")


def hold(request: Any) -> HttpResponse:
    """A request within a transaction, for as long as it is told."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_sleep(%s)", [float(request.GET["s"])])
    return HttpResponse("held")


def background(request: Any) -> HttpResponse:
    """Starts a thread whose statement takes longer than the process lives."""

    def work() -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("select pg_sleep(600)")

    threading.Thread(target=work, daemon=True).start()
    return HttpResponse("started")


urlpatterns = [path("look", look), path("hold", hold), path("background", background)]

if not settings.configured:
    settings.configure(
        ROOT_URLCONF="wall_site",
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": config(service="wall-site")},
        INSTALLED_APPS=["connwarden.django"],
        LOGGING_CONFIG=None,
        SECRET_KEY="of a test",
    )
    django.setup()
    if os.environ.get("ASK_AT_LOAD") == "1":
        # What should not be done: with --preload, this is gunicorn's master.
        os.environ["LOADED_SESSION"] = str(_pid())
        os.environ["LOADED_SOCKETS"] = ",".join(sorted(sockets()))
        assert os.environ["LOADED_SOCKETS"], "the master has no socket"

application = get_wsgi_application()
asgi_application = with_lifespan(get_asgi_application())
