"""Shapes of statements: pure text."""

from __future__ import annotations

import random

import pytest

from connwarden.django.monitor.shapes import BRIEF_CHARS_MAX, alike, brief, shape

SEED = 20_261_127


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT ?"),
        ("select  a,\n\tb from t;", "select a, b from t"),
        ("SELECT t1.c2 FROM t1 WHERE x=-5.5e3", "SELECT t1.c2 FROM t1 WHERE x=-?"),
        ("SELECT 'it''s', E'a\\'b', x'1F', $$body$$, $q$a$b$q$", "SELECT ?, ?, ?, ?, ?"),
        ('SELECT "a""1" FROM "t 2"', 'SELECT "a""1" FROM "t 2"'),
        ("SELECT a -- 'secret\nFROM t /* 1 */ WHERE b = %(name)s", "SELECT a FROM t WHERE b = %s"),
        ("SELECT * FROM t WHERE id IN (1, 2, 3)", "SELECT * FROM t WHERE id IN (...)"),
        ("SELECT * FROM t WHERE id IN (%s,%s) AND b = $1", "SELECT * FROM t WHERE id IN (...) AND b = %s"),
        ("SELECT * FROM t WHERE id IN (SELECT id FROM u)", "SELECT * FROM t WHERE id IN (SELECT id FROM u)"),
        ("INSERT INTO t (a) VALUES (%s, %s), (%s, %s)", "INSERT INTO t (a) VALUES (%s, %s), ..."),
        ("INSERT INTO t (a) VALUES (%s, %s), (%s, %s), (%s,", "INSERT INTO t (a) VALUES (%s, %s), ..."),
        ("SELECT 0xFF, 1_000, .5, a$1", "SELECT ?, ?, ?, a$1"),
    ],
)
def test_a_shape_keeps_the_statement_and_drops_its_values(sql: str, expected: str) -> None:
    assert shape(sql) == expected


@pytest.mark.parametrize(
    "sql",
    ["SELECT 'a\\' , 'secret'", "SELECT /* a /* b */ secret */ 1", "SELECT U&'\\0061', 'secret'"],
)
def test_what_only_the_server_could_tell_apart_is_cut_off(sql: str) -> None:
    assert "secret" not in shape(sql)
    assert shape(sql).endswith("...")


def test_no_piece_of_a_statement_lets_a_literal_through() -> None:
    print("seed", SEED)
    chance = random.Random(SEED)
    quoted = [
        "'{}'",
        "E'{}\\''",
        "e'x\\\\{}'",
        "$${}$$",
        "$a1${}$a1$",
        "N'{}'",
        "'x''{}'",
        "'{}\n'",
        "'--{}'",
        "'/*{}*/'",
    ]
    between = [
        " ",
        ", ",
        " = ",
        "\n",
        " -- {}\n",
        " /* {} */ ",
        " IN (%s, {}1) ",
        ' "name" ',
        " %s ",
        " (",
        ") ",
        "t.c",
    ]
    for _ in range(3000):
        parts = [
            chance.choice(quoted if chance.random() < 0.4 else between)
            for _ in range(chance.randrange(1, 12))
        ]
        sql = " ".join(part.replace("{}1", "98765").replace("{}", "hunter2") for part in parts)
        cut = sql[: chance.randrange(1, len(sql) + 1)]
        assert "hunter" not in shape(cut), cut
        assert "98765" not in shape(cut), cut


def test_statements_are_counted_by_shape() -> None:
    found = alike({"SELECT 1": 3, "SELECT 2": 4, "SELECT a": 1})
    assert found == {"SELECT ?": 7, "SELECT a": 1}


def test_a_brief_shape_leaves_out_columns_and_a_tail() -> None:
    columns = ", ".join(f'"item"."column_{n}"' for n in range(40))
    assert brief(f'SELECT {columns} FROM "item" WHERE "item"."id" = %s') == (
        'SELECT ... FROM "item" WHERE "item"."id" = %s'
    )
    assert brief("SELECT a FROM t") == "SELECT a FROM t"
    assert len(brief("UPDATE t SET " + "a = %s, " * 400)) == BRIEF_CHARS_MAX
