"""The comment in statements: pure text."""

from __future__ import annotations

import re
from urllib.parse import unquote

import pytest

from connwarden.django.monitor.tag import PATH_CHARS_MAX, SEGMENT_CHARS_MAX, tag


def test_a_plain_name_stands_as_it_is() -> None:
    assert tag("bulk_operation").bare == "/*op='bulk_operation'*/ "
    assert tag("inner", tag("outer")).bare == "/*op='outer/inner'*/ "


@pytest.mark.parametrize(
    "name",
    ["*/ DROP TABLE item; --", "a'b", "a/b", "a\nb", "a\\b", "/*", "%s %(x)s", "ü 100%", "\ud800", "\0"],
)
def test_a_hostile_name_stays_within_its_quotes(name: str) -> None:
    found = tag(name)
    assert re.fullmatch(r"/\*op='[\w.~%-]+'\*/ ", found.bare)
    assert found.doubled == found.bare.replace("%", "%%")
    assert unquote(found.path) == name or name == "\ud800"


def test_a_long_name_is_cut_between_characters() -> None:
    found = tag("ü" * 100)
    assert len(found.path) <= SEGMENT_CHARS_MAX
    assert set(unquote(found.path)) == {"ü"}


def test_a_deep_path_loses_its_outermost_names() -> None:
    found = tag("outermost")
    for depth in range(30):
        found = tag(f"step_{depth:02}_of_the_way", found)
    assert len(found.path) <= PATH_CHARS_MAX
    assert found.path.endswith("step_28_of_the_way/step_29_of_the_way")
    assert "outermost" not in found.path
