"""The worst window is the worst of all windows, wherever they are placed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from governor.evidence.spans import OPEN_MS, Limits, Spans, Worst

instants = st.integers(0, 40)
charges = st.lists(
    st.tuples(instants, instants | st.just(OPEN_MS), st.integers(1, 9)), min_size=0, max_size=12
)


def spans(*charged: tuple[int, int, int]) -> Spans:
    found = Spans()
    for begin_ms, end_ms, posts in charged:
        found.add(begin_ms, end_ms, posts)
    return found


@given(charges, st.integers(1, 20))
def test_no_window_holds_more_than_the_worst(
    charged: list[tuple[int, int, int]], span_ms: int
) -> None:
    """Against an exact log that looks at every window there is, each by itself."""
    sums = {
        until: sum(
            posts
            for begin, end, posts in charged
            if min(begin, end) <= until and end > until - span_ms
        )
        for until in range(-1, 70)
    }
    worst = spans(*charged).worst(span_ms, [(0, 10)])

    assert worst.posts == max(sums.values())
    assert sums[worst.until_ms] == worst.posts
    assert worst.over == max(0, worst.posts - 10)


def test_a_window_does_not_hold_the_instant_with_which_it_begins() -> None:
    assert spans((0, 5, 1), (15, 15, 1)).worst(10, []).posts == 1
    assert spans((0, 6, 1), (15, 15, 1)).worst(10, []).posts == 2


def test_what_never_ended_is_in_every_later_window() -> None:
    assert spans((0, OPEN_MS, 1), (10**15, 10**15, 1)).worst(10, []).posts == 2


def test_each_window_is_judged_by_the_limit_of_its_time() -> None:
    """The first limit that is known was always there; a lower one binds from when it is told."""
    limits: Limits = [(50, 100), (60, 30), (70, None)]
    found = spans((0, 0, 90), (61, 61, 40), (80, 80, 500))

    assert found.worst(5, limits[:1]) == Worst(500, 80, 100, 400, 80)
    assert found.worst(5, limits) == Worst(500, 80, 30, 10, 61)
    assert found.worst(5, [(0, None)]) == Worst(500, 80, None, 0, 0)


def test_without_a_charge_nothing_was_counted() -> None:
    assert spans().worst(10, [(0, 7)]) == Worst(limit=7)


def test_columns_are_put_together() -> None:
    both = spans((0, 1, 2))
    both.extend(spans((1, 2, 3)))

    assert both.worst(10, []).posts == 5
