"""What is done to the sockets under driver connections, which the drivers have no words for. No decision is
made here.

A server process closes its socket when everything else is done: who reads to the end of a closed connection
knows that its slot is free again (the server's own sources promise it, where the socket of a backend is
shut down).
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Sequence
from typing import Any


def watched(raw: Any) -> int | None:
    """A second descriptor of a driver connection's socket, which outlives it. `None` where it has none."""
    descriptor = descriptor_of(raw)
    return None if descriptor is None else os.dup(descriptor)


def descriptor_of(raw: Any) -> int | None:
    """The socket's descriptor. `None` once the driver has closed it."""
    try:
        descriptor = int(raw.fileno())
    except Exception:  # each driver has errors of its own for a closed connection
        return None
    return descriptor if descriptor >= 0 else None


def no_more_is_sent(watch: int) -> None:
    """Tells the server that nothing follows the goodbye, though the descriptor stays open to hear its end."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(watch)) as ending:
        ending.shutdown(socket.SHUT_WR)


def heard(watches: Sequence[int], wait_ms: int) -> bool:
    """Whether anything came on one of the descriptors within `wait_ms`. Nothing is read."""
    return bool(_polled(watches, wait_ms))


def ended(watches: Sequence[int]) -> set[int]:
    """Those of the descriptors whose server has ended. What came before the end is read and dropped."""
    return {watch for watch, events in _polled(watches, 0) if _at_end(watch, events)}


def _polled(watches: Sequence[int], wait_ms: int) -> list[tuple[int, int]]:
    poll = select.poll()
    for watch in watches:
        poll.register(watch, select.POLLIN)
    return poll.poll(wait_ms)


def _at_end(watch: int, events: int) -> bool:
    if not events & select.POLLIN:
        return bool(events & (select.POLLHUP | select.POLLERR | select.POLLNVAL))
    try:
        # Last words: nobody reads them any more. 256 KiB at a time, so that one connection does not hold up
        # the rest.
        return not os.read(watch, 1 << 18)
    except BlockingIOError:
        return False
    except OSError:
        return True


def cut_off(raw: Any) -> None:
    """After a fork, in the child: puts a dead socket under an inherited connection, so that whatever is
    done to it reaches neither the server nor the parent's session.
    """
    descriptor = descriptor_of(raw)
    if descriptor is None:
        return
    dead, gone = socket.socketpair()
    gone.close()
    with dead:
        os.dup2(dead.fileno(), descriptor, inheritable=False)


def close(watch: int) -> None:
    """Closes a descriptor of ours."""
    with contextlib.suppress(OSError):
        os.close(watch)
