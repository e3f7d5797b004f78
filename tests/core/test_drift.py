"""An answer that is not as the catalog says is noticed, and no empty count is believed blindly."""

from __future__ import annotations

import pytest

from governor.core.catalog import Quote
from governor.core.counting import Counted, Unreadable
from governor.core.drift import ZERO, Lengths

PAGE = Quote("search", "posts", asked=10, ids=0, price=30)
USERS = Quote("users", "posts", asked=0, ids=0, price=10)


def taught(quote: Quote = PAGE) -> Lengths:
    """Return what is known after answers of 900, 500 and 700 bytes that held posts."""
    lengths = Lengths()
    for length in (900, 500, 700):
        assert lengths.drift(quote, status=200, count=Counted(1), length=length) == ""
    return lengths


@pytest.mark.parametrize(("length", "odd"), [(0, False), (499, False), (500, True), (9_000, True)])
def test_no_post_in_a_body_as_long_as_one_that_had_some_is_drift(length: int, odd: bool) -> None:  # noqa: FBT001  # a parameter of the test
    found = taught().drift(PAGE, status=200, count=Counted(0), length=length)

    assert found.startswith(ZERO) is odd


@pytest.mark.parametrize("status", [None, 204, 401, 404, 500])
def test_an_error_holds_no_post_and_is_no_drift(status: int | None) -> None:
    assert taught().drift(PAGE, status=status, count=Counted(0), length=9_000) == ""


def test_nothing_is_odd_before_a_post_was_ever_counted() -> None:
    assert Lengths().drift(PAGE, status=200, count=Counted(0), length=9_000) == ""


def test_operations_that_bring_no_posts_themselves_may_have_none() -> None:
    assert taught(USERS).drift(USERS, status=200, count=Counted(0), length=9_000) == ""


def test_a_look_up_by_id_may_find_none_of_them() -> None:
    """All may be deleted, and an answer that says so of each is long."""
    lookup = Quote("lookup", "posts", asked=100, ids=100, price=300)

    assert taught(lookup).drift(lookup, status=200, count=Counted(0), length=9_000) == ""


def test_one_operation_says_nothing_of_another() -> None:
    other = Quote("timeline", "posts", asked=10, ids=0, price=30)

    assert taught().drift(other, status=200, count=Counted(0), length=9_000) == ""


def test_counts_that_differ_are_drift_whatever_the_length() -> None:
    lengths = Lengths()

    for posts in (0, 5):
        count = Counted(posts, drift="own 4, every 5")
        assert lengths.drift(PAGE, status=200, count=count, length=10) == "own 4, every 5"


@pytest.mark.parametrize("count", [None, Unreadable("it is not JSON", at_least=3)])
def test_what_was_not_counted_says_nothing(count: Unreadable | None) -> None:
    assert taught().drift(PAGE, status=200, count=count, length=9_000) == ""
