"""One account's rule and sums."""

from __future__ import annotations

import pytest

from governor.core.ledger.accounts import AccountState, stricter
from governor.core.ledger.ring import Ring
from governor.core.window import Window


@pytest.mark.parametrize(
    ("one", "other", "both"), [(None, None, None), (None, 3, 3), (2, None, 2), (2, 3, 2), (3, 0, 0)]
)
def test_the_strictest_limit_shown_is_enforced(
    one: int | None, other: int | None, both: int | None
) -> None:
    assert stricter(one, other) == both


@pytest.mark.parametrize(("limit", "short"), [(100, 41), (141, 0), (200, -59), (None, -11)])
def test_what_is_short_is_what_must_free_first(limit: int | None, short: int) -> None:
    """Charged and held posts count alike; without a limit everything fits."""
    ring = Ring(Window(10_000), 0)
    ring.add(0, 70, 0)

    assert AccountState(limit, ring, pending=60).shortage(11) == short
