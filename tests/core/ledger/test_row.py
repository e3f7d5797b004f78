"""What a member tells is what differs from the last value the ledger acknowledged."""

from __future__ import annotations

import pytest

from governor.core.ledger.messages import RowValue
from governor.core.ledger.row import Row, grown

HUNDRED = (("x", 100), ("x/default", 100))


def fresh() -> Row:
    return Row(totals={}, spread={})


def test_a_hold_is_pending_on_each_of_its_accounts_until_it_is_released() -> None:
    row = fresh()
    row.hold(HUNDRED)

    assert row.untold() == {"x": RowValue(pending=100), "x/default": RowValue(pending=100)}

    row.release(HUNDRED)

    assert row.untold() == {}


def test_what_was_charged_never_leaves_the_row() -> None:
    row = fresh()
    row.charge(HUNDRED, lingers=False)
    row.charge(HUNDRED, lingers=True)

    assert row.values()["x"] == RowValue(pending=0, charged=100, lingered=100)


def test_an_unacknowledged_value_is_told_again() -> None:
    """A reply that was lost leaves the difference standing (invariant 2)."""
    row = fresh()
    row.hold(HUNDRED)
    first = row.untold()

    assert row.untold() == first

    row.acknowledge(first)

    assert row.untold() == {}


def test_only_growth_is_stamped_and_only_once() -> None:
    row = fresh()
    row.hold(HUNDRED)

    assert row.acknowledge(row.untold()) == ()

    row.release(HUNDRED)
    row.charge((("x", 70),), lingers=False)
    values = row.untold()

    assert row.acknowledge(values) == (("x", RowValue(charged=70)),)
    assert row.acknowledge(values) == ()


def test_what_the_journal_says_was_spread_is_not_stamped_again() -> None:
    row = Row(totals={"x": RowValue(charged=70)}, spread={"x": RowValue(charged=70)})

    assert row.acknowledge(row.values()) == ()


def test_a_grant_that_nobody_waits_for_is_given_back() -> None:
    """The ledger holds it; our row does not; so the next message lowers it to nothing."""
    row = fresh()
    row.granted(HUNDRED)

    assert row.untold() == {"x": RowValue(), "x/default": RowValue()}


def test_a_grant_that_is_kept_needs_no_telling() -> None:
    row = fresh()
    row.granted(HUNDRED)
    row.hold(HUNDRED)

    assert row.untold() == {}


def test_what_is_in_doubt_is_told_whatever_it_is() -> None:
    """A message was never answered: it may have been heard, and its asks granted."""
    row = fresh()
    row.hold(HUNDRED)
    row.acknowledge(row.untold())
    row.doubt(("x", "y"))

    assert row.untold() == {"x": RowValue(pending=100), "y": RowValue()}

    row.acknowledge(row.untold())

    assert row.untold() == {}


def test_a_row_is_idle_when_nothing_is_pending() -> None:
    row = fresh()
    row.charge(HUNDRED, lingers=False)

    assert row.is_idle

    row.hold(HUNDRED)
    held = row.is_idle
    row.release(HUNDRED)

    assert (held, row.is_idle) == (False, True)


def test_releasing_more_than_is_held_stops_the_process() -> None:
    row = fresh()
    row.hold((("x", 1),))

    with pytest.raises(AssertionError, match="releases 2 of 1"):
        row.release((("x", 2),))


def test_growth_is_stamped_now_or_lingers() -> None:
    assert grown(RowValue(1, 2, 3), 10, lingers=False) == RowValue(1, 12, 3)
    assert grown(RowValue(1, 2, 3), 10, lingers=True) == RowValue(1, 2, 13)
