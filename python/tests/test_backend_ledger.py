"""The books behind the limit, with sockets in place of servers and a clock that only tests move."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator

import pytest

from connwarden.django.postgresql import ledger as ledgers
from connwarden.django.postgresql.lease import Lease, State, Terms
from connwarden.django.postgresql.ledger import Ledger, LimitReached


class Raw:
    """A driver's connection to a server that ends when it is told."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.closed = False

    def fileno(self) -> int:
        return self.here.fileno()

    def close(self) -> None:
        self.closed = True
        self.here.close()

    def __del__(self) -> None:
        # As the drivers do it.
        self.here.close()


class World:
    """A ledger, and all connections that were ever opened in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.raws: list[Raw] = []
        self.shared = False
        self.ledger = Ledger("default", clock=lambda: self.now)

    def open(self, limit: int | None = 1, timeout_s: float = 0.0) -> tuple[Lease, Raw]:
        lease = self.ledger.acquire(limit, timeout_s)
        raw = Raw()
        self.raws.append(raw)
        terms = Terms(lambda raw: raw.close(), lambda: self.shared, watched=True, kept=False)
        self.ledger.opened(lease, raw, terms)
        return lease, raw

    def close(self, lease: Lease, raw: Raw) -> None:
        raw.close()
        self.ledger.closed(lease)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    for raw in made.raws:
        raw.close()
        raw.there.close()


def test_a_right_comes_back_only_when_the_server_has_ended(world: World) -> None:
    lease, raw = world.open()
    world.close(lease, raw)
    assert lease.state is State.LEAVING and world.ledger.count() == 1
    with pytest.raises(LimitReached):
        world.open()
    raw.there.close()
    assert world.ledger.count() == 0
    world.open()


def test_last_words_of_a_server_are_not_its_end(world: World) -> None:
    lease, raw = world.open()
    raw.there.sendall(b"E: terminating connection")
    world.close(lease, raw)
    assert world.ledger.count() == 1 and world.ledger.count() == 1
    raw.there.close()
    assert world.ledger.count() == 0


def test_a_server_learns_that_nothing_follows(world: World) -> None:
    lease, raw = world.open()
    world.close(lease, raw)
    raw.there.settimeout(10)
    assert raw.there.recv(10) == b""


def test_a_server_that_never_ends_is_given_up(world: World) -> None:
    lease, raw = world.open()
    world.close(lease, raw)
    world.now += ledgers.LEAVE_S_MAX + 0.1
    assert world.ledger.count() == 0
    # Once, and for good.
    world.ledger.closed(lease)
    assert lease.state is State.GONE


def test_a_right_that_was_never_used_comes_back_at_once(world: World) -> None:
    lease = world.ledger.acquire(1, 0.0)
    world.ledger.closed(lease)
    assert world.ledger.count() == 0


def test_without_a_limit_nobody_waits(world: World) -> None:
    for _ in range(20):
        world.open(limit=None)
    assert world.ledger.count() == 20


def test_a_lowered_limit_holds_for_who_comes_next(world: World) -> None:
    held = [world.open(limit=3) for _ in range(3)]
    with pytest.raises(LimitReached):
        world.open(limit=2)
    for lease, raw in held[:2]:
        world.close(lease, raw)
        raw.there.close()
    world.open(limit=2)


def test_a_parked_connection_is_its_threads_again_unless_somebody_took_it(world: World) -> None:
    lease, raw = world.open()
    world.ledger.park(lease)
    assert world.ledger.claim(lease) and lease.state is State.HELD
    assert not world.ledger.evict(lease) and not raw.closed
    world.ledger.park(lease)
    assert world.ledger.evict(lease) and raw.closed
    assert not world.ledger.claim(lease)


def test_who_waits_takes_what_was_parked_first(world: World) -> None:
    old, old_raw = world.open(limit=2)
    world.now += 1
    young, young_raw = world.open(limit=2)
    for lease in (young, old):
        world.ledger.park(lease)
    old_raw.there.close()
    world.open(limit=2, timeout_s=30.0)
    assert old_raw.closed and not young_raw.closed and young.state is State.PARKED


def test_a_dead_threads_connection_goes_to_who_waits_unless_it_is_shared(world: World) -> None:
    kept: list[tuple[Lease, Raw]] = []
    thread = threading.Thread(target=lambda: kept.append(world.open()))
    thread.start()
    thread.join()
    lease, raw = kept[0]
    raw.there.close()
    world.shared = True
    assert not world.ledger.evict(lease)
    world.shared = False
    world.open(timeout_s=30.0)
    assert raw.closed and lease.state is State.GONE


def test_who_comes_first_is_served_first(world: World) -> None:
    lease, raw = world.open()
    count, order = 5, []
    turn = [threading.Event() for _ in range(count)]

    def wait(number: int) -> None:
        mine, connection = world.open(timeout_s=60.0)
        order.append(number)
        turn[number].set()
        world.close(mine, connection)
        connection.there.close()

    threads = []
    for number in range(count):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        # In line before the next one comes.
        pause = threading.Event()
        while world.ledger.waiting() <= number and not turn[number].is_set():
            pause.wait(0.001)
    world.close(lease, raw)
    raw.there.close()
    for thread in threads:
        thread.join(60)
    assert order == list(range(count))


def test_a_waiter_that_gives_up_leaves_the_line(world: World) -> None:
    world.open()
    with pytest.raises(LimitReached) as caught:
        world.open()
    assert world.ledger.waiting() == 0
    assert caught.value.limit == 1 and len(caught.value.holdings) == 1
    assert caught.value.holdings[0].thread == threading.current_thread().name


def test_no_right_is_lost_by_any_order_of_events(world: World) -> None:
    seed = 20260119
    print("seed", seed)
    chance = random.Random(seed)
    limit = 4
    open_ones: list[tuple[Lease, Raw]] = []
    for _ in range(3000):
        step = chance.choice(
            ["open", "open", "fail", "close", "park", "claim", "evict", "end", "drop", "late"]
        )
        if step == "open" or step == "fail":
            try:
                if step == "fail":
                    world.ledger.closed(world.ledger.acquire(limit, 0.0))
                else:
                    open_ones.append(world.open(limit))
            except LimitReached:
                assert world.ledger.count() >= limit
        elif step == "late":
            world.now += chance.choice([0.1, ledgers.LEAVE_S_MAX + 1])
        elif step == "end":
            for raw in world.raws:
                if raw.closed and chance.random() < 0.5:
                    raw.there.close()
        elif open_ones:
            lease, raw = chance.choice(open_ones)
            if step == "park":
                world.ledger.park(lease)
            elif step == "claim":
                assert world.ledger.claim(lease) is (not raw.closed)
            elif step == "evict":
                world.ledger.evict(lease)
            elif step == "close":
                world.close(lease, raw)
            elif step == "drop" and not raw.closed:
                # Collected without a close: the world lets go of it as well.
                open_ones.remove((lease, raw))
                world.raws.remove(raw)
                raw.there.close()
                del raw
        open_ones = [(lease, raw) for lease, raw in open_ones if lease.state is not State.GONE]
        # A dropped one is in this loop's variables until the next turn.
        lease = raw = None  # type: ignore[assignment]
        assert world.ledger.count() <= limit
    for lease, raw in open_ones:
        world.close(lease, raw)
    world.now += ledgers.LEAVE_S_MAX + 1
    assert world.ledger.count() == 0 and world.ledger.waiting() == 0
