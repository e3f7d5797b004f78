"""A ring answers as a plain table of buckets would, whatever is added and however time passes."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.ledger.ring import Ring
from governor.core.window import Window

WINDOW = Window(10_007)  # buckets of 2 ms: small enough to wrap around often, and odd
BEGIN_MS = 1_000_000
STEP = st.tuples(
    st.sampled_from([0, 1, 2, 700, WINDOW.window_ms, WINDOW.window_ms + WINDOW.pad_ms + 3]),
    st.sampled_from([-WINDOW.window_ms, 0, 1, WINDOW.linger_ms, WINDOW.window_ms]),
    st.integers(0, 50),
)


class Table:
    """The same as a ring, with an entry per bucket and no cleverness."""

    def __init__(self) -> None:
        self.buckets: Counter[int] = Counter()

    def charged(self, now_ms: int) -> int:
        return sum(self.counting(now_ms).values())

    def counting(self, now_ms: int) -> dict[int, int]:
        first = WINDOW.first_counting(now_ms)
        return {bucket: posts for bucket, posts in self.buckets.items() if bucket >= first}

    def frees_ms(self, posts: int, now_ms: int) -> int | None:
        freed = 0
        for bucket, held in sorted(self.counting(now_ms).items()):
            freed += held
            if freed >= posts:
                return WINDOW.frees_at(bucket)
        return None


@given(steps=st.lists(STEP, max_size=60))
def test_a_ring_is_a_table_of_buckets(steps: list[tuple[int, int, int]]) -> None:
    now_ms, ring, table = BEGIN_MS, Ring(WINDOW, BEGIN_MS), Table()
    for passed_ms, ahead_ms, posts in steps:
        now_ms += passed_ms
        ring.free(now_ms)
        bucket = WINDOW.bucket(now_ms + ahead_ms)
        ring.add(bucket, posts, now_ms)
        if bucket >= WINDOW.first_counting(now_ms):
            table.buckets[bucket] += posts

        charged = table.charged(now_ms)
        assert ring.charged == charged
        assert ring.next_free_ms() == (table.frees_ms(1, now_ms) if charged else None)
        for wanted in {1, posts, charged, charged + 1} - {0}:
            assert ring.frees_ms(wanted) == table.frees_ms(wanted, now_ms)


@given(steps=st.lists(STEP, max_size=20), passed_ms=st.integers(0, 30_000))
def test_what_was_added_can_be_taken_back(
    steps: list[tuple[int, int, int]], passed_ms: int
) -> None:
    """A row that is replaced leaves nothing of itself, even after part of it is free."""
    ring = Ring(WINDOW, BEGIN_MS)
    ring.add(WINDOW.bucket(BEGIN_MS), 7, BEGIN_MS)
    added = [(WINDOW.bucket(BEGIN_MS + ahead_ms), posts) for _, ahead_ms, posts in steps]
    for bucket, posts in added:
        ring.add(bucket, posts, BEGIN_MS)
    now_ms = BEGIN_MS + passed_ms
    ring.free(now_ms)
    for bucket, posts in added:
        ring.add(bucket, -posts, now_ms)

    lasts = WINDOW.frees_at(WINDOW.bucket(BEGIN_MS))
    assert ring.charged == (7 if now_ms < lasts else 0)
    assert ring.next_free_ms() == (lasts if now_ms < lasts else None)


def test_nothing_frees_early_or_late() -> None:
    ring = Ring(WINDOW, BEGIN_MS)
    ring.add(WINDOW.bucket(BEGIN_MS), 5, BEGIN_MS)
    frees_ms = ring.next_free_ms()
    assert frees_ms is not None

    ring.free(frees_ms - 1)
    assert ring.charged == 5
    ring.free(frees_ms)
    assert ring.charged == 0


def test_a_bucket_beyond_the_ring_is_a_bug_and_not_another_bucket() -> None:
    ring = Ring(WINDOW, BEGIN_MS)
    with pytest.raises(AssertionError, match="beyond the ring"):
        ring.add(ring.first + WINDOW.ring_length, 1, BEGIN_MS)


def test_memory_is_constant_whatever_the_traffic() -> None:
    ring = Ring(WINDOW, BEGIN_MS)
    size = len(ring._slots)  # noqa: SLF001  # the memory is what this is about
    for now_ms in range(BEGIN_MS, BEGIN_MS + 5 * WINDOW.window_ms, 3):
        ring.free(now_ms)
        ring.add(WINDOW.bucket(now_ms), 1, now_ms)

    assert len(ring._slots) == size == WINDOW.ring_length  # noqa: SLF001  # likewise
