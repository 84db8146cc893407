"""`connection_monitor`: a scope around an operation, and what happens at its two ends.

    with connection_monitor("bulk_operation") as m:
        ...
    m.queries, m.database_seconds, m.warnings

It tells about the work and never changes how it ends: exceptions pass, and what fails in here is logged.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager, suppress
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.db import connections

from .. import hooks
from .looker import Health, Look, looker
from .record import Counts, Limits, Record, Warned, judged
from .scope import Scope, current
from .shapes import alike
from .watch import hold_here, sweep_here

logger = logging.getLogger("connwarden.django")

P = ParamSpec("P")
R = TypeVar("R")

LOOK_SECONDS_MAX = 1.0
"""So long does the end of a scope wait for a look, from when it was asked for: one that hangs delays few."""


def connection_monitor(
    operation: str,
    *,
    warn_after: float | None = 30.0,
    max_connections_delta: int | None = 5,
    using: str | Iterable[str] | None = None,
    tag: bool = True,
    utilization: bool | Health = True,
) -> Monitor:
    """A scope: for `with`, for `async with`, and as a decorator of functions and coroutines.

    `operation` names it in logs, metrics and, with `tag`, in the statements themselves (`/*op='...'*/`): one
    of a few names known beforehand. `warn_after` is in seconds, `max_connections_delta` in connections left
    open; None is without limit. `using` is an alias or several; all by default. `utilization` looks at the
    server before and after, by `check_connection_health` or by a callable that takes an alias and returns the
    like.

    Raises `TypeError` and `ValueError` for arguments that cannot be meant.
    """
    if not isinstance(operation, str):
        raise TypeError(
            f'connection_monitor wants a name, not {operation!r}: write @connection_monitor("name")'
        )
    if not operation:
        raise ValueError("connection_monitor wants a name that is not empty")
    for name, limit in (("warn_after", warn_after), ("max_connections_delta", max_connections_delta)):
        if limit is not None and limit < 0:
            raise ValueError(
                f"connection_monitor({operation!r}): {name} is {limit}; it is 0 or more, or None"
            )
    aliases = None if using is None else (using,) if isinstance(using, str) else tuple(using)
    return Monitor(operation, Limits(warn_after, max_connections_delta), aliases, tag, utilization)


class Monitor:
    """What `connection_monitor` returns: enters one scope, once, and shows what it has seen, also while it is
    open.
    """

    def __init__(
        self,
        operation: str,
        limits: Limits,
        aliases: tuple[str, ...] | None,
        tag: bool,
        utilization: bool | Health,
    ) -> None:
        self.operation = operation
        self._limits = limits
        self._aliases = aliases
        self._tag = tag
        self._utilization = utilization
        self._scope: Scope | None = None
        self._record: Record | None = None
        self._before: Look | None = None
        self._in_loop = False

    def __repr__(self) -> str:
        return f"connection_monitor({self.operation!r})"

    @property
    def record(self) -> Record:
        """Everything at once: as it is now, or as it was at the end. Raises `RuntimeError` before the scope
        is entered.
        """
        if self._record is not None:
            return self._record
        if self._scope is None:
            raise RuntimeError(f"{self!r} has seen nothing: enter it by `with`")
        return self._recorded(self._scope.counts(), failed=False, after=None, warned=[])

    @property
    def queries(self) -> int:
        """Statements, savepoints included."""
        return self.record.queries

    @property
    def shapes(self) -> int:
        """Different statements, values apart."""
        return self.record.shapes

    @property
    def errors(self) -> int:
        """Statements that raised."""
        return self.record.errors

    @property
    def seconds(self) -> float:
        """How long the scope lasted."""
        return self.record.seconds

    @property
    def database_seconds(self) -> float:
        """The sum of all statements' times, in seconds."""
        return self.record.database_seconds

    @property
    def longest_transaction_seconds(self) -> float:
        """As far as it lay within the scope."""
        return self.record.longest_transaction_seconds

    @property
    def connections_opened(self) -> dict[str, int]:
        """By alias."""
        return dict(self.record.connections_opened)

    @property
    def connections_left_open(self) -> dict[str, int]:
        """By alias: of those, the ones that are open still and took no other's place."""
        return dict(self.record.connections_left_open)

    @property
    def utilization_before(self) -> float | None:
        """Of the server, in percent; None if it could not be looked at."""
        return self.record.utilization_before

    @property
    def utilization_after(self) -> float | None:
        """The same, after the scope."""
        return self.record.utilization_after

    @property
    def failed(self) -> bool:
        """An exception left the scope."""
        return self.record.failed

    @property
    def warnings(self) -> list[str]:
        """What there is to say about the scope, once it has ended: a sentence each, with no value of a
        parameter.
        """
        return list(self.record.warnings)

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return self.record.as_dict()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Lets a thread count into the scope which neither has the scope's context nor a new connection: a
        pool's, for example.
        """
        scope = self._scope
        if scope is None or scope.closed:
            raise RuntimeError(f"{self!r} is not open: enter it by `with` before a thread counts into it")
        outside = current.get()
        current.set(scope)
        hold_here(scope)
        try:
            yield
        finally:
            current.set(outside)
            if scope.closed:
                sweep_here()

    def __enter__(self) -> Monitor:
        scope = self._begun()
        self._in_loop = _in_loop()
        scope.enter()
        try:
            hold_here(scope)
        except BaseException:
            scope.leave()
            scope.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            counts, warned = self._ended(failed=kind is not None)
            after = self._look()
            if not self._in_loop:
                for look in (self._before, after):
                    if look is not None:
                        wait([look], look.patience(LOOK_SECONDS_MAX))
            self._tell(counts, warned, failed=kind is not None, after=after)
        except Exception:
            logger.exception("a monitored scope could not be told about", extra={"operation": self.operation})

    async def __aenter__(self) -> Monitor:
        scope = self._begun()
        scope.enter()
        try:
            hold_here(scope)
            # Django's own asynchronous calls run there, on connections that may be open already.
            await sync_to_async(hold_here, thread_sensitive=True)(scope)
        except BaseException:
            scope.leave()
            scope.release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            counts, warned = self._ended(failed=kind is not None)
            after = self._look()
            if kind is GeneratorExit:
                # A coroutine that is being closed must not wait: the wrapper takes itself away.
                self._tell(counts, warned, failed=True, after=after)
                return
            for look in (self._before, after):
                if look is not None and not look.done():
                    await _waited(look, look.patience(LOOK_SECONDS_MAX))
            await sync_to_async(self._tell_there, thread_sensitive=True)(
                counts, warned, kind is not None, after
            )
        except Exception:
            logger.exception("a monitored scope could not be told about", extra={"operation": self.operation})

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """As a decorator: each call is a scope of its own."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{self!r} cannot decorate the generator {function.__qualname__}: use `with` inside it"
            )
        if iscoroutinefunction(function):

            @functools.wraps(function)
            async def monitored(*args: P.args, **kwargs: P.kwargs) -> Any:
                async with self._again():
                    return await function(*args, **kwargs)

            return monitored  # type: ignore[return-value]

        @functools.wraps(function)
        def monitored_plain(*args: P.args, **kwargs: P.kwargs) -> R:
            with self._again():
                return function(*args, **kwargs)

        return monitored_plain

    def _again(self) -> Monitor:
        return Monitor(self.operation, self._limits, self._aliases, self._tag, self._utilization)

    def _begun(self) -> Scope:
        if self._scope is not None:
            raise RuntimeError(f"{self!r} was entered before: make one for each scope")
        for alias in self._aliases or ():
            if alias not in connections.settings:
                known = ", ".join(connections.settings)
                raise ValueError(f"{self!r}: using names {alias!r}; DATABASES has {known}")
        aliases = None if self._aliases is None else frozenset(self._aliases)
        self._before = self._look()
        self._scope = Scope(self.operation, aliases, self._tag)
        return self._scope

    def _ended(self, failed: bool) -> tuple[Counts, list[Warned]]:
        """Closes the scope, in the thread and context that end it."""
        scope = self._scope
        assert scope is not None, "a scope ends after it has begun"
        try:
            counts, left = scope.counts(), scope.left()
            scope.hand_over()
        finally:
            scope.leave()
            scope.release()
            sweep_here()
        warned = judged(self.operation, counts, left, self._limits)
        if self._in_loop:
            warned.append(_half_blind(self.operation))
        # Complete but for the look, should the wait for it be cancelled.
        self._record = self._recorded(counts, failed, None, warned)
        return counts, warned

    def _tell_there(self, counts: Counts, warned: list[Warned], failed: bool, after: Look | None) -> None:
        sweep_here()
        self._tell(counts, warned, failed, after)

    def _tell(self, counts: Counts, warned: list[Warned], failed: bool, after: Look | None) -> None:
        self._record = self._recorded(counts, failed, after, warned)
        for one in warned:
            logger.warning(one.event, extra={"operation": self.operation, "detail": one.text, **one.facts})
        hooks.ended(self._record, [one.reason for one in warned])

    def _recorded(self, counts: Counts, failed: bool, after: Look | None, warned: list[Warned]) -> Record:
        return Record(
            operation=self.operation,
            seconds=counts.seconds,
            failed=failed,
            queries=counts.queries,
            shapes=len(alike(counts.statements)),
            errors=counts.errors,
            database_seconds=counts.database_seconds,
            longest_transaction_seconds=counts.longest_transaction_seconds,
            connections_opened=counts.connections_opened,
            connections_left_open=counts.connections_left_open,
            utilization_before=_answer(self._before),
            utilization_after=_answer(after),
            warnings=tuple(one.text for one in warned),
        )

    def _look(self) -> Look | None:
        """An answer to come, or None."""
        health = _health() if self._utilization is True else self._utilization
        if not callable(health):
            return None
        return looker.ask(health, self._aliases[0] if self._aliases else None)


def _health() -> Health | None:
    found: Health | None = getattr(_health_module(), "held_health", None)
    return found


@functools.lru_cache(maxsize=1)
def _health_module() -> ModuleType | None:
    try:
        return import_module("connwarden.django.health")
    except ImportError:
        return None
    except Exception:
        logger.exception("connwarden.django.health could not be imported: no scope looks at the server")
        return None


async def _waited(look: Look, seconds: float) -> None:
    """Waits for it. Not by asyncio's future of it, whose end may come after that of the loop."""
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: object) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(done.set)

    look.add_done_callback(wake)
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(done.wait(), seconds)


def _answer(look: Look | None) -> float | None:
    return look.result() if look is not None and look.done() else None


def _in_loop() -> bool:
    """In a coroutine. Who allows Django's synchronous calls there runs them there, and nothing is missed."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")


def _half_blind(operation: str) -> Warned:
    text = f"{operation}: entered by `with` in a coroutine, which misses open connections: use `async with`"
    return Warned("with", "a monitored scope in a coroutine was entered by `with`", text, {})
