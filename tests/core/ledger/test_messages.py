"""A message that exists is legal."""

from __future__ import annotations

import pytest

from governor.core.ledger.messages import MOST_POSTS, Account, Ask, RowValue


def test_a_share_is_known_by_its_name() -> None:
    assert not Account("x-24h", 1, 1_000).is_share
    assert Account("x-24h/elections", 1, 1_000).is_share


@pytest.mark.parametrize(
    ("limit", "window_ms"), [(-1, 1_000), (MOST_POSTS + 1, 1_000), (1, 999), (None, 0)]
)
def test_an_account_has_a_limit_and_a_window_that_can_be_kept(
    limit: int | None, window_ms: int
) -> None:
    with pytest.raises(ValueError, match=r"limit|window"):
        Account("x", limit, window_ms)


@pytest.mark.parametrize("limit", [None, 0, MOST_POSTS])
def test_a_limit_may_be_none_or_anything_that_fits(limit: int | None) -> None:
    assert Account("x", limit, 1_000).limit == limit


@pytest.mark.parametrize("field", ["pending", "charged", "lingered"])
def test_a_row_is_never_below_nothing(field: str) -> None:
    with pytest.raises(ValueError, match="no fewer than 0"):
        RowValue(**{field: -1})


def test_an_ask_names_each_account_once() -> None:
    """Twice, and each half would be judged without the other."""
    with pytest.raises(ValueError, match="once"):
        Ask((("x", 60), ("x", 60)))


@pytest.mark.parametrize("posts", [-1, MOST_POSTS + 1])
def test_an_ask_is_of_posts_that_can_be_counted(posts: int) -> None:
    with pytest.raises(ValueError, match="posts"):
        Ask((("x", posts),))
