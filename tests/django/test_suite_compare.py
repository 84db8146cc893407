"""What counts as a difference, and when a listed one is no longer good."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from suite_compare import Listed, compare, read_listed


def record(**outcomes: str) -> dict[str, Any]:
    """A side's record, with a word said by each test."""
    return {"outcomes": outcomes, "said": {test: f"{test} speaks" for test in outcomes}}


MEANT = Listed(test="cursors", direct="ok", proxy="error", reason="portals end with their transaction")


def test_the_same_outcome_is_alike_even_where_it_is_a_bad_one() -> None:
    verdict = compare(record(a="ok", b="fail"), record(a="ok", b="fail"), [])
    assert (verdict.alike, verdict.failed, verdict.unwell_on_both) == (2, [], ["b"])


def test_another_outcome_fails_with_what_the_sides_said() -> None:
    verdict = compare(record(a="ok"), record(a="error"), [])
    assert verdict.alike == 0
    assert verdict.failed == [
        "a: ok directly, error through the proxy\n    directly: a speaks\n    through the proxy: a speaks"
    ]


def test_a_test_that_one_side_did_not_ask_fails() -> None:
    verdict = compare(record(a="ok"), record(b="ok"), [])
    assert [sentence.partition("\n")[0] for sentence in verdict.failed] == [
        "a: ok directly, missing through the proxy",
        "b: missing directly, ok through the proxy",
    ]


def test_a_listed_difference_neither_passes_nor_fails() -> None:
    verdict = compare(record(cursors="ok"), record(cursors="error"), [MEANT])
    assert (verdict.alike, verdict.failed, verdict.listed) == (0, [], ["cursors"])


def test_a_listed_difference_that_is_gone_fails() -> None:
    verdict = compare(record(cursors="ok"), record(cursors="ok"), [MEANT])
    assert verdict.alike == 0
    assert verdict.failed[0].startswith(
        "cursors: listed as ok directly and error through the proxy, is ok and ok"
    )


def test_a_listed_difference_in_a_test_that_nobody_asked_fails() -> None:
    assert compare(record(a="ok"), record(a="ok"), [MEANT]).failed[0].endswith("is missing and missing")


def test_a_test_that_two_entries_speak_of_is_refused() -> None:
    with pytest.raises(ValueError, match="cursors is listed twice"):
        compare(record(cursors="ok"), record(cursors="error"), [MEANT, replace(MEANT, driver=("psycopg",))])


def test_a_listed_difference_concerns_its_module_version_and_driver_only() -> None:
    one = Listed("backends.tests.T.test", "ok", "fail", "a reason", django=("4.2",), driver=("psycopg2",))
    assert one.concerns("4.2", "psycopg2", ["backends"])
    assert not one.concerns("5.2", "psycopg2", ["backends"])
    assert not one.concerns("4.2", "psycopg", ["backends"])
    assert not one.concerns("4.2", "psycopg2", ["queries"])


ENTRY = '[[difference]]\ntest = "a.b"\ndirect = "ok"\nproxy = "fail"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (ENTRY, "reason"),
        (ENTRY + 'reason = "so"\nmode = "session"\n', "mode"),
    ],
)
def test_a_table_with_a_mistake_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    table = tmp_path / "differences.toml"
    table.write_text(text)
    with pytest.raises(ValueError, match=complaint):
        read_listed(table)


def test_the_table_in_this_folder_can_be_read() -> None:
    assert all(one.reason for one in read_listed(Path(__file__).parent / "differences.toml"))
