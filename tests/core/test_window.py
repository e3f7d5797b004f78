"""The window's arithmetic, tried at every instant of small windows and at the edges of large ones.

What must hold is one sentence: posts stamped at any instant of a bucket still count a whole window
and a pad later, and no longer than a bucket more.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.window import (
    FURTHEST_AHEAD_MS,
    LONGEST_LINGER_MS,
    LONGEST_TOLERANCE_MS,
    SHORTEST_WINDOW_MS,
    Window,
)

DAY = Window(86_400_000)
SMALL = (1_000, 1_001, 8_640, 8_641, 17_281, 30_000)
WINDOWS = st.integers(SHORTEST_WINDOW_MS, 10 * DAY.window_ms).map(Window)


def test_a_day_has_buckets_of_ten_seconds_and_a_pad_of_forty_five() -> None:
    assert (DAY.bucket_ms, DAY.pad_ms) == (10_000, 44_928)
    assert (DAY.tolerance_ms, DAY.linger_ms) == (2_000, 120_000)
    assert 4 * DAY.ring_length < 70_000  # bytes in Redis


def test_at_most_six_in_ten_thousand_posts_are_lost_to_width_and_pad() -> None:
    waits_ms = DAY.window_ms + DAY.pad_ms + DAY.bucket_ms

    assert DAY.window_ms / waits_ms > 0.9993


@pytest.mark.parametrize("window_ms", [-1, 0, 999])
def test_a_window_below_a_second_means_nothing(window_ms: int) -> None:
    with pytest.raises(ValueError, match="at least 1 s"):
        Window(window_ms)


@pytest.mark.parametrize("window_ms", SMALL)
def test_at_every_instant_a_bucket_counts_for_its_window_and_pad_and_one_bucket(
    window_ms: int,
) -> None:
    window = Window(window_ms)
    begin_ms = 7 * window_ms
    for at_ms in range(begin_ms, begin_ms + window_ms + 3 * window.bucket_ms):
        bucket = window.bucket(at_ms)
        frees_ms = window.frees_at(bucket)

        assert bucket * window.bucket_ms <= at_ms < (bucket + 1) * window.bucket_ms
        assert window_ms + window.pad_ms < frees_ms - at_ms
        assert frees_ms - at_ms <= window_ms + window.pad_ms + window.bucket_ms
        assert window.first_counting(frees_ms - 1) <= bucket < window.first_counting(frees_ms)


@given(window=WINDOWS, at_ms=st.integers(0, 2**45))
def test_no_posts_count_for_less_than_their_window(window: Window, at_ms: int) -> None:
    bucket = window.bucket(at_ms)

    assert window.first_counting(at_ms + window.window_ms + window.pad_ms) <= bucket
    assert window.first_counting(window.frees_at(bucket)) == bucket + 1


@given(window=WINDOWS, now_ms=st.integers(0, 2**45), skew_ms=st.integers(0, FURTHEST_AHEAD_MS))
def test_a_ring_has_a_place_for_all_that_counts_and_all_that_is_stamped(
    window: Window, now_ms: int, skew_ms: int
) -> None:
    """As far ahead as a retired member's posts, by a clock as fast as any account tolerates."""
    ahead_ms = now_ms + skew_ms + window.window_ms + window.pad_ms
    furthest = window.bucket(ahead_ms)

    assert window.in_ring(furthest, now_ms)
    assert furthest - window.first_counting(now_ms) < window.ring_length
    assert not window.in_ring(window.first_counting(now_ms) + window.ring_length, now_ms)


@given(window=WINDOWS, now_ms=st.integers(0, 2**45))
def test_rows_keep_two_windows(window: Window, now_ms: int) -> None:
    kept_ms = now_ms - window.first_kept(now_ms) * window.bucket_ms

    assert (
        2 * window.window_ms
        < kept_ms
        <= 2 * (window.window_ms + window.pad_ms) + (window.bucket_ms)
    )


@given(window=WINDOWS)
def test_everything_scales_with_the_window(window: Window) -> None:
    assert 8_640 * (window.bucket_ms - 1) < window.window_ms <= 8_640 * window.bucket_ms
    assert 0 <= window.pad_ms * 1_000_000 - window.window_ms * 520 < 1_000_000
    assert window.tolerance_ms == min(LONGEST_TOLERANCE_MS, window.window_ms // 100)
    assert window.linger_ms == min(LONGEST_LINGER_MS, window.window_ms)
