"""An overrun raises its operation's price, from then on and for good."""

from __future__ import annotations

import pytest

from governor.core.catalog import Quote
from governor.core.raising import Raises

PAGE = Quote("search", "posts", asked=10, ids=0, price=30, items=10)
HINT = Quote("timeline", "posts", asked=20, ids=0, price=200, items=20, has_ceiling=False)


def test_a_price_is_as_listed_until_something_was_learned() -> None:
    assert Raises().priced(PAGE) is PAGE


@pytest.mark.parametrize(
    ("received", "raised"), [(0, 0), (30, 0), (31, 1), (40, 1), (41, 2), (130, 10)]
)
def test_an_overrun_raises_each_item_so_that_it_would_have_fitted(
    received: int, raised: int
) -> None:
    raises = Raises()

    assert raises.learn(PAGE, received) == raised
    assert raises.priced(PAGE).price == 30 + 10 * raised >= received


def test_a_raise_is_in_proportion_to_what_is_asked_for() -> None:
    raises = Raises()
    raises.learn(PAGE, 40)

    assert raises.priced(Quote("search", "posts", 1, 0, 3, items=1)).price == 4
    assert raises.priced(Quote("lookup", "posts", 1, 0, 3, items=1)).price == 3


def test_a_raise_is_never_taken_back_nor_learned_twice() -> None:
    raises = Raises()

    assert [raises.learn(PAGE, received) for received in (50, 40, 50, 51)] == [2, 0, 0, 3]


def test_a_first_hold_becomes_the_largest_answer_seen() -> None:
    """Where there is no ceiling, what is asked for is a hint."""
    raises = Raises()

    assert raises.learn(HINT, 862) == 662
    assert raises.priced(HINT).price == 862


def test_what_a_journal_says_was_learned_holds_from_the_start() -> None:
    raises = Raises({"search": 2})

    assert raises.priced(PAGE).price == 50
    assert raises.learn(PAGE, 50) == 0


@pytest.mark.parametrize("kind", ["free", "unknown", "refused", "stream"])
def test_only_operations_with_a_price_of_their_own_are_raised(kind: str) -> None:
    quote = Quote("search", kind, 10, 0, 30, items=10)  # type: ignore[arg-type]  # each of them
    raises = Raises({"search": 2})

    assert raises.learn(quote, 500) == 0
    assert raises.priced(quote) is quote
