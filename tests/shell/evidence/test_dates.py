"""A period holds all that any clock says may have been counted in it, and is held to its limit."""

from __future__ import annotations

import random
from collections import Counter
from typing import Final

import pytest

from governor.core.calendar import Period
from governor.evidence.dates import HEARD_MS, Compared, Dates, Ran, worst_period
from governor.evidence.spans import OPEN_MS, Spans, Worst

PERIOD_MS: Final = 1_000
ALONE: Final[list[Compared]] = [([(0, 0)], 10_000)]


def period(date_ms: int) -> Period:
    number = date_ms // PERIOD_MS
    return Period(number, number * PERIOD_MS, (number + 1) * PERIOD_MS)


def made(*charges: tuple[int, int, int]) -> Spans:
    spans = Spans()
    for charge in charges:
        spans.add(*charge)
    return spans


def test_one_clock_is_the_slowest_and_the_fastest() -> None:
    """Before it was compared first it showed what it did then; a step is followed."""
    dates = Dates([([(5_000, 100), (7_000, -100)], 9_000)])

    assert [dates.slowest(at) for at in (0, 5_000, 6_999, 7_000)] == [100, 5_100, 7_099, 6_900]
    assert [dates.fastest(at) for at in (0, 5_000, 6_999, 7_000)] == [100, 5_100, 7_099, 6_900]
    assert dates.last_ms == 9_000


def test_of_clocks_that_were_heard_the_slowest_begins_and_the_fastest_ends() -> None:
    dates = Dates([([(0, 100)], 50_000), ([(20_000, 300)], 30_000), ([], 0)])
    at = {time_ms: (dates.slowest(time_ms), dates.fastest(time_ms)) for time_ms in (19_999, 20_000)}

    assert at == {19_999: (20_099, 20_099), 20_000: (20_100, 20_300)}


def test_a_clock_that_was_not_heard_for_ten_seconds_says_nothing() -> None:
    dates = Dates([([(0, 100)], 90_000), ([(0, 300)], 30_000)])
    gone_ms = 30_000 + HEARD_MS

    assert dates.fastest(gone_ms - 1) == gone_ms - 1 + 300
    assert dates.fastest(gone_ms) == gone_ms + 100


def test_while_nobody_is_heard_the_last_dates_go_on() -> None:
    dates = Dates([([(0, 100)], 1_000)])

    assert dates.slowest(500_000) == dates.fastest(500_000) == 500_100


def test_without_any_comparison_ledger_time_is_the_date() -> None:
    """It begins as one: whoever makes a ledger sets its time by the wall clock."""
    assert (Dates([]).slowest(5), Dates([]).fastest(5), Dates([]).last_ms) == (5, 5, 0)


def test_a_request_counts_in_full_in_every_period_that_it_touches() -> None:
    """Both ends included: what may have been counted at the boundary was in the new period."""
    spans = made((100, 900, 5), (950, 1_000, 7), (1_999, 2_000, 1))

    assert worst_period(spans, [], Dates(ALONE), period) == Worst(12, 1_000)
    assert worst_period(made((1_000, 2_500, 3)), [], Dates(ALONE), period).posts == 3


def test_a_fast_clock_moves_an_end_and_a_slow_one_a_beginning() -> None:
    apart = Dates([([(0, -200)], 10_000), ([(0, 200)], 10_000)])
    spans = made((1_100, 1_150, 3), (1_500, 1_700, 4), (1_850, 1_900, 5))

    assert worst_period(spans, [], Dates(ALONE), period) == Worst(12, 2_000)
    assert worst_period(spans, [], apart, period) == Worst(12, 2_000)
    assert worst_period(made((1_100, 1_150, 3), (800, 850, 4)), [], apart, period).posts == 7


def test_what_never_ended_counts_until_clocks_were_compared_last() -> None:
    dates = Dates([([(0, 0)], 5_500)])
    found = worst_period(made((1_500, OPEN_MS, 3), (5_000, 5_100, 4)), [], dates, period)

    assert found == Worst(7, 6_000)
    late = worst_period(made((9_500, OPEN_MS, 3)), [], dates, period)
    assert late == Worst(3, 10_000)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([(0, 12)], Worst(12, 1_000, 12)),
        ([(0, 11)], Worst(12, 1_000, 11, 1, 1_000)),
        ([(0, 12), (950, 4)], Worst(12, 1_000, 4, 8, 1_000)),
        ([(0, 12), (951, 4)], Worst(12, 1_000, 12)),
        ([(0, 3), (500, None)], Worst(12, 1_000, 3, 2, 1_000)),
        ([(0, None)], Worst(12, 1_000, None)),
    ],
)
def test_a_sum_is_compared_with_the_limit_in_force_when_it_grew(
    limits: list[tuple[int, int | None]], expected: Worst
) -> None:
    spans = made((100, 200, 5), (950, 960, 7), (2_000, 2_100, 2))

    assert worst_period(spans, limits, Dates(ALONE), period) == expected


@pytest.mark.parametrize("seed", range(50))
def test_no_period_holds_more_than_is_said(seed: int) -> None:
    """Against the definition, period by period, for random requests and clocks."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    dates = Dates(
        (sorted((chance.randrange(9_000), chance.randrange(-900, 900)) for _ in range(3)), 9_000)
        for _ in range(3)
    )
    begins = [chance.randrange(9_000) for _ in range(40)]
    charges = [(at, at + chance.choice((0, 1, 400, 3_000)), 1) for at in begins]
    sums = Counter(
        number
        for begin, end, _ in charges
        for number in range(-2, 15)
        if dates.slowest(begin) < (number + 1) * PERIOD_MS
        and dates.fastest(end) >= number * PERIOD_MS
    )
    found = worst_period(made(*charges), [(0, 10)], dates, period)

    assert found.posts == max(sums.values())
    assert found.over == max(0, found.posts - 10)


def test_a_period_that_ran_stays_as_it_was_whatever_zones_say_since() -> None:
    """Two members may have journaled the same one."""
    shorter = Period(3, 3_000, 3_900)
    ran = Ran([shorter, Period(1, 1_000, 2_000), shorter], period)

    assert [ran(date_ms).number for date_ms in (999, 1_000, 1_999, 2_000, 3_899)] == [0, 1, 1, 2, 3]
    assert ran(3_000) == ran(3_899) == shorter
    assert ran(3_900) == period(3_900)
