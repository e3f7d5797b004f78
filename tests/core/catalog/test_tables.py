"""A value of a table is its own or its parent's, and a wrong one is said at the one that has it."""

from __future__ import annotations

from typing import Any

import pytest

from governor.core.catalog.tables import Mistakes, Table


def family(parent: dict[str, Any], child: dict[str, Any]) -> tuple[Table, Mistakes]:
    mistakes = Mistakes()
    return Table(child, "the row", mistakes, Table(parent, "the group", mistakes)), mistakes


def test_a_row_says_it_otherwise_or_has_it_from_its_group() -> None:
    row, mistakes = family({"each": 1, "kind": "posts"}, {"each": 4, "asks": ["form"]})

    assert (row.number("each"), row.text("kind"), row.names("asks")) == (4, "posts", ("form",))
    assert "kind" in row
    assert "hold" not in row
    assert (row.number("hold", 7), row.text("x", "y"), row.names("z", ())) == (7, "y", ())
    assert not mistakes.said


def test_a_mistake_of_the_group_is_said_once_and_not_by_row() -> None:
    row, mistakes = family({"each": -1}, {})
    other = Table({}, "another row", mistakes, row.parent)

    assert row.number("each") == other.number("each") == 0
    assert list(mistakes.said) == [
        "catalog, the group: each must be a number from 0 up, not -1",
    ]


def test_what_is_missing_is_said_to_be_missing() -> None:
    row, mistakes = family({}, {})

    assert (row.text("source"), row.number("each"), row.names("hosts")) == ("", 0, ())
    assert len(mistakes.said) == 3
    assert all(each.endswith(", and is missing") for each in mistakes.said)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "text"),
        ("", "text"),
        (3, "text"),
        (True, "number"),
        ("3", "number"),
        (0, "number from 1 up"),
        ([], "list"),
        (["a", 3], "list"),
        ("ab", "list"),
        (3, "table"),
    ],
)
def test_a_value_of_another_type_is_a_mistake_and_replaced(value: object, says: str) -> None:
    row, mistakes = family({}, {"key": value})
    match says:
        case "text":
            assert not row.text("key")
        case "list":
            assert row.names("key") == ()
        case "table":
            assert row.table("key").values == {}
        case _:
            assert row.number("key", least=1) == 1

    assert len(mistakes.said) == 1
    assert says in next(iter(mistakes.said))


def test_a_list_of_tables_has_the_tables_that_are_some() -> None:
    row, mistakes = family({}, {"adds": [3, {"a": 1}], "group": 3})

    assert row.tables("adds") == [{"a": 1}]
    assert row.tables("group") == row.tables("absent") == []
    assert len(mistakes.said) == 2


def test_a_key_without_a_meaning_is_said_with_the_one_that_was_meant() -> None:
    row, mistakes = family({}, {"pages": 1, "zzz": 2})

    row.only({"page", "ids"})

    assert list(mistakes.said) == [
        "catalog, the row: unknown key 'pages'; 'page'?",
        "catalog, the row: unknown key 'zzz'",
    ]
