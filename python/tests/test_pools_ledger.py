"""Who holds what, without a pool: leaks, late returns, dropped connections, samples, bounds."""

from __future__ import annotations

import gc
import logging
import os
import threading
import weakref
from typing import Any

import pytest
from pools_bed import Clock, facts, next_line

from connwarden.pools.ledger import Ledger
from connwarden.pools.line import Line
from connwarden.pools.sampling import choice
from connwarden.pools.stack import FRAMES_MAX, here


class Connection:
    """Anything that can be lent."""


def ledger(clock: Clock, **more: Any) -> Ledger:
    given = {"leak_after": 30.0, "chosen": choice(1), "limit": 100, **more}
    return Ledger("orders", clock=clock, **given)


def lend(to: Ledger, connection: Connection) -> None:
    to.lent(to.request(), id(connection), connection)


def test_a_leak_is_told_once_and_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    book = ledger(clock)
    connection = Connection()
    lend(book, connection)
    clock.passes(30.0)
    assert [one.leak for one in book.look()] == [False]
    clock.passes(0.1)
    assert [one.leak for one in book.look()] == [True]
    assert [one.leak for one in book.look()] == [True]
    assert book.leaks_total == 1
    [record] = caplog.records
    assert (record.name, record.levelno) == ("connwarden.pools", logging.WARNING)
    assert record.getMessage() == "a connection is out for longer than leak_after"
    said = facts(record)
    assert (said["pool"], said["held_seconds"], said["leak_after_seconds"]) == ("orders", 30.1, 30.0)
    assert said["borrower"] == threading.current_thread().name
    assert said["where"] == said["stack"][0]


def test_a_leak_that_was_told_is_told_again_when_it_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    book = ledger(clock)
    connection = Connection()
    lend(book, connection)
    clock.passes(31)
    book.look()
    clock.passes(33)
    book.returned(id(connection))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert caplog.records[1].getMessage() == "a connection came back after leak_after"
    assert facts(caplog.records[1])["held_seconds"] == 64.0
    assert book.leaks_total == 1


def test_a_late_return_that_nobody_looked_for_is_a_warning_and_counts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    book = ledger(clock)
    connection = Connection()
    lend(book, connection)
    clock.passes(31)
    book.returned(id(connection))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert book.leaks_total == 1


def test_a_return_in_time_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    book = ledger(clock)
    connection = Connection()
    lend(book, connection)
    clock.passes(29)
    book.returned(id(connection))
    assert (book.look(), book.leaks_total, caplog.records) == ([], 0, [])


def test_a_return_of_what_was_lent_before_the_watch_is_passed_over() -> None:
    book = ledger(Clock())
    book.returned(17)
    assert (len(book), book.lent_total) == (0, 0)


def test_a_dropped_connection_is_told_at_the_next_look(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    book = ledger(clock)
    line = next_line()
    lend(book, Connection())
    gc.collect()
    assert caplog.records == []
    clock.passes(5)
    assert book.look() == []
    assert book.look() == []
    [record] = caplog.records
    assert record.getMessage() == "a borrower dropped its connection unreturned"
    assert line in facts(record)["stack"]
    assert book.abandoned_total == 1


def test_the_garbage_collector_may_come_while_the_ledger_is_locked() -> None:
    book = ledger(Clock())
    connection = Connection()
    lend(book, connection)
    with book._lock:
        del connection
        gc.collect()
    assert (len(book), book.abandoned_total) == (0, 0)
    book.look()
    assert book.abandoned_total == 1


def test_nothing_is_kept_alive_by_the_record_of_a_loan() -> None:
    book = ledger(Clock())
    connection = Connection()
    alive = weakref.ref(connection)
    lend(book, connection)
    assert len(book) == 1
    del connection
    gc.collect()
    assert alive() is None


def test_a_connection_lent_anew_is_not_taken_for_its_dropped_predecessor() -> None:
    book = ledger(Clock())
    first, second = Connection(), Connection()
    loan = book.request()
    book.lent(loan, 1, first)
    book.lent(book.request(), 1, second)
    del first
    gc.collect()
    assert loan.tie() is None  # type: ignore[operator]
    assert len(book.look()) == 1
    assert book.abandoned_total == 0


def test_a_pool_that_takes_a_dropped_connection_back_itself_does_not_hide_the_drop() -> None:
    book = ledger(Clock())
    connection = Connection()
    lend(book, connection)
    # Made after the loan, and so called before the loan's own tie.
    weakref.finalize(connection, book.returned, id(connection))
    del connection
    gc.collect()
    assert book.look() == []
    assert book.abandoned_total == 1


def test_a_thread_that_ended_with_a_connection_is_said_to_have_ended() -> None:
    book = ledger(Clock())
    kept = Connection()
    borrower = threading.Thread(target=lend, args=(book, kept), name="importer")
    borrower.start()
    borrower.join()
    [one] = book.look()
    assert (one.borrower, one.ended) == ("importer", True)
    del borrower
    gc.collect()
    [one] = book.look()
    assert (one.borrower, one.ended) == ("importer", True)


def test_the_longest_held_stands_first() -> None:
    clock = Clock()
    book = ledger(clock)
    kept = [Connection() for _ in range(3)]
    for connection in kept:
        lend(book, connection)
        clock.passes(1)
    assert [one.held_seconds for one in book.look()] == [3.0, 2.0, 1.0]


def test_records_are_bounded_and_what_was_not_recorded_is_counted() -> None:
    book = ledger(Clock(), limit=5)
    kept = [Connection() for _ in range(8)]
    for connection in kept:
        lend(book, connection)
    assert (len(book.look()), book.lent_total, book.overlooked_total) == (5, 8, 3)
    for connection in kept:
        book.returned(id(connection))
    assert len(book) == 0


def test_what_came_back_unseen_makes_room_when_the_records_are_full() -> None:
    back: set[int] = set()
    book = ledger(Clock(), limit=2, closed=lambda lent: id(lent) in back)
    kept = [Connection() for _ in range(3)]
    for connection in kept[:2]:
        book.lent(book.request(), id(connection), connection, weakly=False)
    back.add(id(kept[0]))
    book.lent(book.request(), id(kept[2]), kept[2], weakly=False)
    assert (len(book), book.overlooked_total) == (2, 0)


@pytest.mark.parametrize(("sample", "share"), [(0, 0), (1, 1000), (0.0, 0), (1.0, 1000), (10, 100)])
def test_whole_samples_are_exact(sample: float, share: int) -> None:
    chosen = choice(sample)
    assert sum(chosen() for _ in range(1000)) == share


def test_every_nth_begins_with_the_first() -> None:
    chosen = choice(3)
    assert [chosen() for _ in range(7)] == [True, False, False, True, False, False, True]


def test_a_seeded_fraction_chooses_the_same_checkouts_again() -> None:
    runs = [[chosen() for _ in range(2000)] for chosen in (choice(0.1, seed=7), choice(0.1, seed=7))]
    assert runs[0] == runs[1]
    assert 150 < sum(runs[0]) < 250
    other = choice(0.1, seed=8)
    assert runs[0] != [other() for _ in range(2000)]


@pytest.mark.parametrize("sample", [-0.1, 1.5, True, "0.1", float("nan"), None])
def test_a_sample_that_means_nothing_is_refused(sample: Any) -> None:
    with pytest.raises(ValueError, match="sample is"):
        choice(sample)


def test_only_sampled_checkouts_have_a_stack() -> None:
    book = ledger(Clock(), chosen=choice(0.3, seed=7))
    chosen = choice(0.3, seed=7)
    kept = [Connection() for _ in range(50)]
    for connection in kept:
        lend(book, connection)
    wanted = [chosen() for _ in kept]
    assert [one.stack is not None for one in book.look()] == wanted
    assert any(wanted) and not all(wanted)


def test_a_stack_is_bounded_and_begins_with_the_innermost_frame() -> None:
    def deeper(depth: int) -> Any:
        return deeper(depth - 1) if depth else here()

    stack = deeper(100)
    assert len(stack) == FRAMES_MAX
    assert {frame.function for frame in stack} == {"deeper"}


def test_a_stack_of_libraries_alone_is_told_as_it_is() -> None:
    names: dict[str, Any] = {"__name__": "sqlalchemy.somewhere", "here": here, "found": []}
    code = compile("def go():\n    found.append(here())\n", "library.py", "exec")
    exec(code, names)
    thread = threading.Thread(target=names["go"])
    thread.start()
    thread.join()
    [stack] = names["found"]
    # The thread's own machinery is no library of databases: it stands where a borrower would.
    assert stack[0].function == "run"
    assert str(stack[0]).startswith(threading.__file__)


def test_many_threads_lend_and_return_and_the_counts_are_exact() -> None:
    book = ledger(Clock(), chosen=choice(0.5, seed=1))
    begin = threading.Barrier(8)

    def work() -> None:
        begin.wait()
        for _ in range(500):
            connection = Connection()
            lend(book, connection)
            book.returned(id(connection))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (book.lent_total, len(book), book.abandoned_total) == (4000, 0, 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_holds_nothing_and_can_lend() -> None:
    book = ledger(Clock())
    connection = Connection()
    lend(book, connection)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            empty = len(book) == 0
            lend(book, connection)
            code = 0 if empty and len(book) == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(book) == 1


def test_a_line_counts_who_waited_and_who_gave_up() -> None:
    clock = Clock()
    line = Line(clock)
    with line.request(waits=False):
        clock.passes(1)
    with line.request(waits=True):
        assert line.waiting == 1
        clock.passes(2)
    with pytest.raises(TimeoutError), line.request(waits=True):
        clock.passes(3)
        raise TimeoutError
    with pytest.raises(KeyError), line.request(waits=True):
        raise KeyError
    assert (line.requests, line.waited, line.waiting) == (4, 3, 0)
    assert (line.wait_seconds, line.gave_up) == (5.0, 1)
