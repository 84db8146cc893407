"""The circuit breaker, by a clock that only tests move."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable

import pytest

from connwarden.breaker import Breaker, BreakerOpen, Phase, Policy


class Down(Exception):
    """The server is not there."""


class Wrong(Exception):
    """The server is there, and says no."""


class World:
    """A clock, a sleep that moves it, and a server that fails as often as it is told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.down = False
        self.tried = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def breaker(self, **policy: float) -> Breaker:
        made = Policy(**policy)  # type: ignore[arg-type]
        return Breaker("db", made, clock=self.clock, sleep=self.sleep, chance=random.Random(1))

    def attempt(self) -> str:
        self.tried += 1
        if self.down:
            raise Down("refused")
        return "connection"


def passes(error: Exception) -> bool:
    return isinstance(error, Down)


def opened(world: World, **policy: float) -> Breaker:
    """One that has just opened."""
    breaker = world.breaker(**{"failures_max": 1, "deadline_s": 0.0, **policy})
    world.down = True
    with pytest.raises(Down):
        breaker.call(world.attempt, passes)
    assert breaker.snapshot().phase is Phase.OPEN
    return breaker


def test_a_server_that_is_there_is_asked_once() -> None:
    world = World()
    assert world.breaker().call(world.attempt, passes) == "connection"
    assert world.tried == 1 and world.slept == []


def test_a_failure_that_passes_is_tried_again_with_growing_pauses_until_the_deadline() -> None:
    world = World()
    world.down = True
    breaker = world.breaker(failures_max=1000, deadline_s=10, backoff_s=0.1, backoff_s_max=2)
    with pytest.raises(Down):
        breaker.call(world.attempt, passes)
    assert world.now <= 110.0 and world.tried == len(world.slept) + 1
    for number, pause in enumerate(world.slept):
        full = min(2.0, 0.1 * 2**number)
        assert full / 2 <= pause <= full, (number, pause)
    assert len(world.slept) > 6


def test_two_callers_do_not_pause_alike() -> None:
    pauses = []
    for seed in (1, 2):
        world = World()
        world.down = True
        policy = Policy(failures_max=1000)
        breaker = Breaker("db", policy, clock=world.clock, sleep=world.sleep, chance=random.Random(seed))
        with pytest.raises(Down):
            breaker.call(world.attempt, passes)
        pauses.append(world.slept)
    assert pauses[0] != pauses[1]


def test_a_failure_that_lasts_is_not_tried_again_and_opens_nothing() -> None:
    world = World()
    breaker = world.breaker(failures_max=1)

    def refused() -> str:
        world.tried += 1
        raise Wrong

    with pytest.raises(Wrong):
        breaker.call(refused, passes)
    assert world.tried == 1 and breaker.snapshot().phase is Phase.CLOSED


def test_enough_failures_in_a_row_open_it_and_nobody_is_let_through() -> None:
    world = World()
    world.down = True
    breaker = world.breaker(failures_max=3, deadline_s=100, open_s=5)
    with pytest.raises(Down):
        breaker.call(world.attempt, passes)
    assert world.tried == 3
    with pytest.raises(BreakerOpen) as caught:
        breaker.call(world.attempt, passes)
    assert world.tried == 3 and caught.value.failures == 3
    assert 0 < caught.value.retry_after_s <= 5 and "refused" in str(caught.value)
    assert breaker.snapshot().refused_total == 1 and breaker.snapshot().opened_total == 1


def test_a_success_forgets_the_failures_before_it() -> None:
    world = World()
    breaker = world.breaker(failures_max=2, deadline_s=0)
    for down in (True, False, True):
        world.down = down
        try:
            breaker.call(world.attempt, passes)
        except Down:
            assert down
    assert breaker.snapshot().phase is Phase.CLOSED and breaker.snapshot().failures == 1


def test_a_probe_that_succeeds_closes_it_and_one_that_fails_doubles_the_pause() -> None:
    world = World()
    breaker = opened(world, open_s=5, open_s_max=12)
    for pause in (5.0, 10.0, 12.0, 12.0):
        assert breaker.snapshot().retry_after_s == pause
        world.now += pause
        with pytest.raises(Down):
            breaker.call(world.attempt, passes)
    world.now += 12
    world.down = False
    assert breaker.call(world.attempt, passes) == "connection"
    assert breaker.snapshot().phase is Phase.CLOSED
    # And the next opening begins with the first pause again.
    world.down = True
    with pytest.raises(Down):
        breaker.call(world.attempt, passes)
    assert breaker.snapshot().retry_after_s == 5


def test_half_open_lets_exactly_one_through_of_many_threads() -> None:
    world = World()
    breaker = opened(world, open_s=1)
    world.now += 1
    world.down = False
    count = 16
    start, inside, go = threading.Barrier(count), threading.Event(), threading.Event()
    probes, refused = [], []

    def attempt() -> str:
        probes.append(1)
        inside.set()
        assert go.wait(30)
        return "connection"

    def come() -> None:
        start.wait(30)
        try:
            breaker.call(attempt, passes)
        except BreakerOpen:
            refused.append(1)
            if len(refused) == count - 1:
                go.set()

    threads = [threading.Thread(target=come) for _ in range(count)]
    for thread in threads:
        thread.start()
    assert inside.wait(30)
    for thread in threads:
        thread.join(30)
    assert len(probes) == 1 and len(refused) == count - 1
    assert breaker.snapshot().phase is Phase.CLOSED


def test_a_probe_that_learns_nothing_lets_the_next_one_probe_at_once() -> None:
    world = World()
    breaker = opened(world, open_s=1)
    world.now += 1

    def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        breaker.call(interrupted, passes)
    world.down = False
    assert breaker.call(world.attempt, passes) == "connection"


def test_a_probe_that_never_comes_back_does_not_keep_it_shut() -> None:
    world = World()
    breaker = opened(world, open_s=1, probe_s_max=30)
    world.now += 1
    lost = breaker.enter()
    with pytest.raises(BreakerOpen):
        breaker.enter()
    world.now += 30
    second = breaker.enter()
    # What the first one says now is of another time.
    lost.succeeded()
    assert breaker.snapshot().phase is Phase.HALF_OPEN
    second.succeeded()
    assert breaker.snapshot().phase is Phase.CLOSED


def test_what_was_begun_before_it_opened_says_nothing_later() -> None:
    world = World()
    breaker = world.breaker(failures_max=1, deadline_s=0, open_s=5)
    early = breaker.enter()
    world.down = True
    with pytest.raises(Down):
        breaker.call(world.attempt, passes)
    early.succeeded()
    assert breaker.snapshot().phase is Phase.OPEN
    assert breaker.snapshot().failures == 1


def test_a_ticket_is_settled_once_and_by_a_with_block() -> None:
    world = World()
    breaker = world.breaker(failures_max=2)
    ticket = breaker.enter()
    ticket.failed(Down("one"))
    ticket.failed(Down("two"))
    assert breaker.snapshot().failures == 1
    with breaker.enter():
        pass
    assert breaker.snapshot().failures == 0


def test_changes_of_its_phase_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    with caplog.at_level("INFO", logger="connwarden.breaker"):
        breaker = opened(world, open_s=1)
        world.now += 1
        world.down = False
        breaker.call(world.attempt, passes)
    seen = [(record.levelname, vars(record)["phase"]) for record in caplog.records]
    assert seen == [("WARNING", "open"), ("INFO", "half-open"), ("INFO", "closed")]


def test_whatever_happens_it_ends_closed_when_the_server_stays() -> None:
    seed = 20260118
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(200):
        world = World()
        breaker = world.breaker(
            failures_max=chance.randrange(1, 4), deadline_s=chance.choice([0.0, 3.0]), open_s=1
        )
        for _ in range(30):
            world.down = chance.random() < 0.6
            world.now += chance.choice([0.0, 0.5, 3.0])
            before, tried = breaker.snapshot(), world.tried
            with contextlib.suppress(Down, BreakerOpen):
                breaker.call(world.attempt, passes)
            if before.phase is Phase.OPEN and before.retry_after_s > 0:
                assert world.tried == tried
        world.down = False
        world.now += 60
        assert breaker.call(world.attempt, passes) == "connection"
        assert breaker.snapshot().phase is Phase.CLOSED and breaker.snapshot().failures == 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Policy(failures_max=0),
        lambda: Policy(open_s=-1),
        lambda: Policy(deadline_s=float("inf")),
        lambda: Policy(backoff_s=float("nan")),
    ],
)
def test_an_impossible_policy_is_refused(make: Callable[[], Policy]) -> None:
    with pytest.raises(ValueError):
        make()
