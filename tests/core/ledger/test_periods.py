"""Periods turn by the slowest date, and charges follow the fastest."""

from __future__ import annotations

from typing import Final

import pytest

from governor.conversation import FENCE_MS, HEARTBEAT_MS
from governor.core.calendar import HOUR_MS, Period
from governor.core.ledger.members import RowState
from governor.core.ledger.messages import Dated
from governor.core.ledger.periods import FENCED_MS, LONG_AGO_MS, SHOWN_MS, Dates, Turns, shown
from governor.core.ledger.roster import MemberStanding

LENGTH_MS: Final = 24 * HOUR_MS
WINDOW_MS: Final = 25 * HOUR_MS
PAD_MS: Final = 46_800
LINGER_MS: Final = 120_000
TIME_MS: Final = 5_000_000


def day(number: int) -> Period:
    return Period(number, number * LENGTH_MS, (number + 1) * LENGTH_MS)


def turns(number: int | None = 20) -> Turns:
    return Turns("day UTC", WINDOW_MS, None if number is None else day(number))


def both(date_ms: int) -> Dates:
    return Dates(date_ms, date_ms)


@pytest.mark.parametrize(("late_ms", "number"), [(-1, 20), (0, 21)])
def test_a_period_turns_a_pad_after_the_slowest_date_has_reached_the_next(
    late_ms: int, number: int
) -> None:
    found = turns()
    slowest_ms = day(21).begins_ms + PAD_MS + late_ms
    found.turn(Dates(slowest_ms, slowest_ms + HOUR_MS), (day(20), day(21)), is_open=True)

    assert found.number == number


def test_a_period_never_turns_back() -> None:
    found = turns()
    found.turn(both(day(19).ends_ms - 1), (day(18), day(19)), is_open=True)

    assert found.number == 20


def test_after_a_long_silence_it_turns_to_the_senders() -> None:
    found = turns()
    found.turn(both(day(27).ends_ms - 1), (day(26), day(27)), is_open=True)

    assert found.number == 27


@pytest.mark.parametrize(("is_open", "number"), [(True, 19), (False, 0)])
def test_the_first_is_taken_as_named_but_not_where_a_journal_may_know_better(
    is_open: bool,  # noqa: FBT001  # a case
    number: int,
) -> None:
    found = turns(None)
    found.turn(both(day(19).begins_ms), (day(19), day(20)), is_open=is_open)

    assert found.number == number


@pytest.mark.parametrize(
    ("left_ms", "charges", "lingers"),
    [
        (PAD_MS + LINGER_MS + 1, 20, 20),
        (PAD_MS + LINGER_MS, 20, 21),
        (PAD_MS + 1, 20, 21),
        (PAD_MS, 21, 21),
        (-HOUR_MS, 21, 21),
    ],
)
def test_a_charge_goes_into_the_next_period_a_pad_before_the_fastest_date_reaches_it(
    left_ms: int, charges: int, lingers: int
) -> None:
    found = turns()
    dates = Dates(day(20).begins_ms + HOUR_MS, day(20).ends_ms - left_ms)
    found.look(dates, (day(19), day(20)), time_ms=TIME_MS)

    assert found.dated == Dated(day(20), charges, lingers)


def test_a_charge_goes_by_the_periods_that_a_sender_ahead_names() -> None:
    found = turns()
    dates = Dates(day(20).ends_ms, day(21).ends_ms - PAD_MS)
    found.look(dates, (day(20), day(21)), time_ms=TIME_MS)

    assert found.charged_in(0) == 22


def test_no_charge_goes_into_a_period_that_is_over() -> None:
    found = turns()
    found.look(both(day(19).begins_ms + HOUR_MS), (day(18), day(19)), time_ms=TIME_MS)

    assert found.charged_in(0) == 20


@pytest.mark.parametrize("hours", [23, 24, 25])
def test_where_no_period_is_named_a_date_is_in_none_before_it_and_in_one_soon_after(
    hours: int,
) -> None:
    """So the dead are charged in the day in which they may have died, and in few days more."""
    found = turns()
    for days in range(1, 50):
        date_ms = day(20).ends_ms + days * hours * HOUR_MS - PAD_MS - LINGER_MS - FENCED_MS - 1
        found.look(both(date_ms), (), time_ms=TIME_MS)

        assert 20 + days <= found.lost_in(0) <= 20 + days * 25 // 21 + 1
        assert found.has_place


@pytest.mark.parametrize(("left_ms", "number"), [(1, 20), (0, 21)])
def test_the_dead_may_live_until_they_fence_themselves(left_ms: int, number: int) -> None:
    """One that is cut off is declared dead; what it has on the way counts a linger after that."""
    found = turns()
    date_ms = day(20).ends_ms - PAD_MS - LINGER_MS - FENCE_MS - HEARTBEAT_MS - left_ms
    found.look(both(date_ms), (day(19), day(20)), time_ms=TIME_MS)

    assert (found.lingered_in(0), found.lost_in(0)) == (20, number)


def test_what_lies_beyond_the_ring_has_no_place() -> None:
    found = turns()
    found.look(both(day(84).begins_ms), (), time_ms=TIME_MS)

    assert not found.has_place
    assert not turns(None).has_place


def test_a_period_frees_when_the_slowest_date_will_have_reached_the_next() -> None:
    found = turns()
    found.look(Dates(day(20).ends_ms - 700, day(20).ends_ms), (), time_ms=TIME_MS)

    assert found.frees_at(20) == TIME_MS + 700 + PAD_MS
    assert found.frees_at(21) == found.frees_at(20) + WINDOW_MS
    assert found.gone_at(20) == found.frees_at(20) + WINDOW_MS
    assert found.gone_at(19) == found.gone_at(20)  # after a loss it may count again
    assert found.gone_at(18) == 0


def test_it_has_the_face_of_a_window() -> None:
    found = turns()

    assert (found.first_counting(TIME_MS), found.first_kept(TIME_MS)) == (20, 19)
    assert (found.in_ring(83, 0), found.in_ring(84, 0)) == (True, False)
    assert (found.ring_length, found.window_ms, found.tolerance_ms) == (64, WINDOW_MS, 2_000)
    assert found.kept_ms == 2 * (WINDOW_MS + PAD_MS)
    assert found.lingered_in(0) == 20
    assert turns(None).dated is None


@pytest.mark.parametrize(
    ("other", "disagrees"),
    [
        (day(20), False),
        (day(21), False),
        (day(19), False),
        (day(30), False),
        (day(10), False),
        (Period(20, day(20).begins_ms, day(20).ends_ms + 1), True),
        (Period(20, day(20).begins_ms + 1, day(20).ends_ms), True),
        (Period(21, day(21).begins_ms + 1, day(21).ends_ms), True),
        (Period(21, day(21).begins_ms - 1, day(21).ends_ms), True),
        (Period(22, day(21).begins_ms, day(22).ends_ms), False),  # a zone skips a day
        (Period(22, day(21).begins_ms - 1, day(22).ends_ms), True),
        (Period(19, day(19).begins_ms, day(19).ends_ms - 1), True),
        (Period(19, day(19).begins_ms, day(19).ends_ms + 1), True),
        (Period(18, day(17).begins_ms, day(19).ends_ms), False),
        (Period(18, day(17).begins_ms, day(19).ends_ms + 1), True),
    ],
)
def test_periods_of_one_calendar_follow_each_other(other: Period, disagrees: bool) -> None:  # noqa: FBT001  # a case
    assert turns().disagrees(other) is disagrees
    assert not turns(None).disagrees(other)


def test_a_date_is_shown_by_those_that_were_heard_of_late() -> None:
    heard = TIME_MS - SHOWN_MS + 1
    rows = [
        RowState(1, date_ms=100, heard_ms=heard),
        RowState(1, date_ms=1, heard_ms=TIME_MS - SHOWN_MS),
        RowState(1, date_ms=2, heard_ms=heard, standing=MemberStanding.LEFT),
        RowState(1, heard_ms=heard),
    ]

    assert shown(20_000, rows, time_ms=TIME_MS) == Dates(100 + SHOWN_MS - 1, 20_000)
    assert shown(20_000, rows, time_ms=TIME_MS, date_ms=50_000).fastest_ms == 50_000


@pytest.mark.parametrize(("off_ms", "is_shown"), [(0, True), (1, False)])
def test_what_was_heard_when_time_stood_still_for_months_shows_no_date(
    off_ms: int,
    is_shown: bool,  # noqa: FBT001  # a case
) -> None:
    """Else a date of then would hold a period that a ring of days cannot hold beside today."""
    now_ms = 3 * LONG_AGO_MS
    for far_ms in (-LONG_AGO_MS - off_ms, LONG_AGO_MS + off_ms):
        dates = shown(
            now_ms, [RowState(1, date_ms=now_ms + far_ms, heard_ms=TIME_MS)], time_ms=TIME_MS
        )
        assert (dates != both(now_ms)) is is_shown


def test_a_calendar_stands_as_a_reply_said() -> None:
    dated = Dated(day(20), 20, 21)

    assert Turns.at(dated, "day UTC", WINDOW_MS).dated == dated
