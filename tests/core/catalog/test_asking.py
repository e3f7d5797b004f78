"""A quote has what is asked, the ids among it, and a price that nothing lawful exceeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.asking import NOTHING_KNOWN, Flow, Operation
from governor.core.catalog.questions import Question
from governor.core.catalog.sizes import Expansions, Fixed, Listed, Page, Size, Unless

PAGE = Page("max_results", least=10, default=15, most=100)
LISTED = Listed("ids", most=100)
EXPANSIONS = Expansions("expansions", ((("referenced_*",), 2), (("pinned",), 1)))


def asked(query: str) -> Question:
    return Question(query, None, ("query",))


@pytest.mark.parametrize(
    ("size", "each", "numbers"),
    [
        (PAGE, 1, (15, 0, 45, 15)),
        (LISTED, 1, (100, 100, 300, 100)),
        (Fixed(1, named=True), 1, (1, 1, 3, 1)),
        (Fixed(1), 1, (1, 0, 3, 1)),
        (Fixed(0), 1, (0, 0, 0, 1)),
        (PAGE, 0, (0, 0, 30, 15)),
        (LISTED, 0, (0, 0, 200, 100)),
        (PAGE, 4, (15, 0, 90, 15)),
    ],
)
def test_a_quote_has_asked_ids_and_price(
    size: Size, each: int, numbers: tuple[int, int, int, int]
) -> None:
    """Users listed are not posts asked for; ids are charged only where they name posts."""
    operation = Operation("o", "posts", NOTHING_KNOWN, size, each, EXPANSIONS)

    quoted = operation.quote(asked("expansions=referenced_posts"))

    assert (quoted.asked, quoted.ids, quoted.price, quoted.items) == numbers
    assert operation.most == size.most * (each + 3)
    assert quoted.has_ceiling


def test_where_nothing_bounds_an_answer_the_hold_is_a_beginning() -> None:
    """What the request asks for is still said, and one that asks for more holds more."""
    operation = Operation("o", "posts", NOTHING_KNOWN, PAGE, 1, hold=50, costs=(("units", 2),))

    small, large = (operation.quote(asked(f"max_results={size}")) for size in (20, 100))

    assert (small.asked, small.price, small.has_ceiling) == (20, 50, False)
    assert (large.asked, large.price, large.has_ceiling) == (100, 100, False)
    assert small.costs == (("units", 2),)
    assert operation.most == 100


def test_posts_that_a_request_leaves_out_are_neither_asked_for_nor_priced() -> None:
    unless = Unless("skip", frozenset({"1"}))
    operation = Operation("o", "posts", NOTHING_KNOWN, PAGE, 2, EXPANSIONS, unless)

    for query, numbers in (
        ("", (15, 30)),
        ("skip=1", (0, 0)),
        ("skip=1&expansions=pinned", (0, 15)),
    ):
        quoted = operation.quote(asked(query))
        assert (quoted.asked, quoted.price) == numbers


def test_users_who_bring_a_post_are_asked_for_and_not_their_posts() -> None:
    """So a look-up of users, by id or not, is charged what comes back, and priced by all."""
    for size in (PAGE, Fixed(3, named=True)):
        operation = Operation("o", "posts", NOTHING_KNOWN, size, 2, asks_items=False)
        quoted = operation.quote(asked("max_results=30"))

        assert (quoted.asked, quoted.ids) == (0, 0)
        assert quoted.price == 2 * quoted.items > 0


def test_a_stream_has_a_flow_and_no_price() -> None:
    operation = Operation(
        "o", "stream", NOTHING_KNOWN, each=1, expansions=EXPANSIONS, rate=250, record_bytes=138
    )

    quoted = operation.quote(asked("expansions=referenced_posts"))

    assert (quoted.kind, quoted.asked, quoted.price) == ("stream", 0, 0)
    assert quoted.flow == Flow(rate=250, record_bytes=138, each=3)
    assert operation.most == 0


@given(st.text(max_size=60))
def test_no_query_is_priced_above_the_operations_maximum(raw: str) -> None:
    operation = Operation("o", "posts", NOTHING_KNOWN, PAGE, 1, EXPANSIONS)

    quoted = operation.quote(asked(raw))

    assert 10 <= quoted.asked <= quoted.price <= operation.most


def test_a_quote_depends_on_what_a_request_says_unless_its_numbers_are_fixed() -> None:
    unless = Unless("skip", frozenset({"1"}))

    assert Operation("o", "posts", NOTHING_KNOWN, PAGE, 1).depends
    assert Operation("o", "posts", NOTHING_KNOWN, LISTED, 1).depends
    assert Operation("o", "posts", NOTHING_KNOWN, Fixed(1), 1, EXPANSIONS).depends
    assert Operation("o", "posts", NOTHING_KNOWN, Fixed(1), 1, unless=unless).depends
    assert Operation("o", "stream", NOTHING_KNOWN, each=1, expansions=EXPANSIONS).depends
    assert not Operation("o", "posts", NOTHING_KNOWN, Fixed(1), 1).depends
    assert not Operation("o", "free", NOTHING_KNOWN).depends
