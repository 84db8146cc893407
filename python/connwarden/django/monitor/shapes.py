"""Statements that differ only in their values have one shape. Pure text: no connection, no clock.

A shape is meant for logs, so it never holds a value: what cannot be told apart for certain is cut off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

BRIEF_CHARS_MAX = 200
"""Of a shape as a log shows it."""

_KNOWN_CHARS_MAX = 2000
"""Longer statements are read anew each time: what is remembered stays below some megabytes."""

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?(?:\*/|\Z) )
    | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
    | (?P<text> (?<![\w$])[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)
              | (?:(?<![\w$])(?:[bBxXnN]|[uU]&))?'(?P<inside>(?:[^']|'')*)(?:'|\Z)
              | (?<![\w$])\$(?P<mark>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=mark)\$|\Z) )
    | (?P<placeholder> %\(\w+\)[sbt] | %[sbt] | (?<![\w$])\$\d+ )
    | (?P<number> (?<![\w$])(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?) )
    | (?P<space> \s+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"\bIN \( ?(?:%s|\?)(?: ?, ?(?:%s|\?)?)*(?: ?\)|\Z)", re.IGNORECASE)
_ROWS = re.compile(r"\b(VALUES \([^()]*\))(?: ?, ?(?:\([^()]*(?:\)|\Z))?)+", re.IGNORECASE)
_COLUMNS = re.compile(r"\A(SELECT(?: DISTINCT)?) .{24,}? FROM ", re.IGNORECASE)


def shape(sql: str) -> str:
    """`sql` with `?` for its literals, `%s` for its placeholders, `...` for lists of either, without
    comments.
    """
    return _known(sql) if len(sql) <= _KNOWN_CHARS_MAX else _shape(sql)


def _shape(sql: str) -> str:
    out: list[str] = []
    done = 0
    for found in _TOKEN.finditer(sql):
        out.append(sql[done : found.start()])
        done = found.end()
        kind, token = found.lastgroup, found.group()
        if _unsure(token, kind == "comment", found["inside"]):
            out.append("...")
            done = len(sql)
            break
        if kind == "name":
            out.append(token)
        elif kind in ("text", "number"):
            out.append("?")
        elif kind == "placeholder":
            out.append("%s")
        else:
            out.append(" ")
    out.append(sql[done:])
    text = re.sub(r" {2,}", " ", "".join(out)).strip().rstrip("; ")
    return _ROWS.sub(r"\1, ...", _LIST.sub("IN (...)", text))


_known = lru_cache(maxsize=1024)(_shape)


def alike(statements: Mapping[str, int]) -> Counter[str]:
    """How many statements each shape stands for, from counts by text."""
    found: Counter[str] = Counter()
    for sql, count in statements.items():
        found[shape(sql)] += count
    return found


def brief(text: str) -> str:
    """A shape as a log shows it: a long list of columns is left out, and so is a tail."""
    text = _COLUMNS.sub(r"\1 ... FROM ", text)
    return text if len(text) <= BRIEF_CHARS_MAX else text[: BRIEF_CHARS_MAX - 3] + "..."


def _unsure(token: str, comment: bool, inside: str | None) -> bool:
    """A comment within a comment, or a backslash in a string without E: where such a token ends depends on
    the server.
    """
    if comment:
        return token.startswith("/*") and "/*" in token[2:]
    return inside is not None and "\\" in inside
