"""A Celery app whose worker gives itself eight tasks. Each notes its process, session and sockets."""

from __future__ import annotations

import os
import pathlib

from celery import Celery, signals
from wall_site import _pid, sockets

from connwarden.django.lifecycle import connect_celery

FOLDER = pathlib.Path(os.environ["TASKS_FOLDER"])

app = Celery("wall_tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    name: str(FOLDER / "queue") for name in ("data_folder_in", "data_folder_out", "control_folder")
}
app.conf.worker_hijack_root_logger = False
(FOLDER / "queue").mkdir(exist_ok=True)

connect_celery()


@app.task  # type: ignore[untyped-decorator,unused-ignore]
def note(number: int) -> None:
    """What this process has."""
    session = _pid()
    text = f"{os.getpid()} {session} {','.join(sorted(sockets()))}"
    (FOLDER / f"note-{number}.part").write_text(text)
    (FOLDER / f"note-{number}.part").rename(FOLDER / f"note-{number}")


@signals.worker_ready.connect  # type: ignore[untyped-decorator,unused-ignore]
def _ready(**_: object) -> None:
    for number in range(8):
        note.delay(number)
