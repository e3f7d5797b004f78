"""How many posts one account was charged in each bucket of its window: a ring of fixed length.

Memory is constant whatever the traffic: never an entry per request. `first` is the account's only
cursor: every bucket before it is empty, so freeing and finding the next bucket to free cost no more
than the buckets that time has passed. The Lua script keeps the same ring in a Redis string, 32 bits
a slot: a bucket would have to be charged twice the largest limit to pass that.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governor.core.ledger.periods import Span


class Ring:
    """The charged posts of one account. `charged` is what still counts at the last `free`."""

    __slots__ = ("_slots", "charged", "first", "window")

    def __init__(self, window: Span, now_ms: int) -> None:
        self.window = window
        self._slots = array("Q", bytes(8 * window.ring_length))
        self.first = window.first_counting(now_ms)
        self.charged = 0

    def free(self, now_ms: int) -> None:
        """Let go of every bucket whose end is a window and a pad old."""
        until = self.window.first_counting(now_ms)
        while self.charged and (self.first < until or not self._slots[self._slot(self.first)]):
            slot = self._slot(self.first)
            self.charged -= self._slots[slot]
            self._slots[slot] = 0
            self.first += 1
        self.first = max(self.first, until)

    def add(self, bucket: int, posts: int, now_ms: int) -> None:
        """Charge (or, below zero, take back) posts in a bucket; one that is free counts nothing."""
        assert self.window.in_ring(bucket, now_ms), (
            f"bucket {bucket} is beyond the ring at {now_ms}"
        )
        if bucket < self.window.first_counting(now_ms):
            return
        self.first = min(self.first, bucket) if self.charged else bucket
        self._slots[self._slot(bucket)] += posts
        self.charged += posts

    def next_free_ms(self) -> int | None:
        """Return the first instant at which any charged post frees; None: none is charged."""
        return self.frees_ms(1)

    def frees_ms(self, posts: int) -> int | None:
        """Return the first instant at which at least `posts` of those charged now are free."""
        if posts > self.charged:
            return None
        bucket, freed = self.first, self._slots[self._slot(self.first)]
        while freed < posts:
            bucket += 1
            freed += self._slots[self._slot(bucket)]
        return self.window.frees_at(bucket)

    def _slot(self, bucket: int) -> int:
        return bucket % len(self._slots)
