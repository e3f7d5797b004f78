"""The worst window of one account: when its posts may have been counted, and how many at most.

Columns of integers and not objects: a request takes 24 bytes here, some 60 while it is sorted, so
that a year at full use, four million requests, fits into a few hundred megabytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

OPEN_MS: Final = 2**62  # the end of a span that nobody has seen the end of

Limits = list[tuple[int, int | None]]  # from when, and how many posts (None: no limit)


@dataclass(frozen=True, slots=True)
class Worst:
    """The window that holds most. `over` is by how much any window exceeded its limit then.

    `until_ms` is the last instant in it, in ledger time, `over_ms` that of the one that exceeded
    most. `limit` is the one in force at `over_ms`, or else at `until_ms`.
    """

    posts: int = 0
    until_ms: int = 0
    limit: int | None = None
    over: int = 0
    over_ms: int = 0


@dataclass(slots=True)
class Spans:
    """From when to when each charge may have been counted by the platform, both ends included."""

    begins: array[int] = field(default_factory=lambda: array("q"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    posts: array[int] = field(default_factory=lambda: array("q"))

    def add(self, begin_ms: int, end_ms: int, posts: int) -> None:
        """Add one charge. It may have begun no later than it ended, whatever the clocks said."""
        self.begins.append(min(begin_ms, end_ms))
        self.ends.append(end_ms)
        self.posts.append(posts)

    def extend(self, other: Spans) -> None:
        """Add all of another's."""
        self.begins.extend(other.begins)
        self.ends.extend(other.ends)
        self.posts.extend(other.posts)

    def worst(self, span_ms: int, limits: Limits) -> Worst:
        """Return the worst window of `span_ms`; `limits` are sorted, the first holds from ever.

        The sum over a window changes upwards only where a span begins, so it is enough to look at
        windows that end on a beginning. A window does not hold the instant with which it begins.
        """
        by_begin = sorted(range(len(self.begins)), key=self.begins.__getitem__)
        by_end = sorted(range(len(self.ends)), key=self.ends.__getitem__)
        found, total, gone = Worst(limit=limit_at(limits, 0)), 0, 0
        for at in by_begin:
            now_ms = self.begins[at]
            total += self.posts[at]
            while self.ends[by_end[gone]] <= now_ms - span_ms:
                total -= self.posts[by_end[gone]]
                gone += 1
            found = worse(found, total, now_ms, limit_at(limits, now_ms))
        return found


def worse(found: Worst, total: int, now_ms: int, limit: int | None) -> Worst:
    """Return what is known of the worst window with one more looked at, which ends `now_ms`."""
    over = 0 if limit is None else max(0, total - limit)
    if over > found.over:
        exceeded, exceeded_ms, binding = over, now_ms, limit
    else:
        exceeded, exceeded_ms, binding = found.over, found.over_ms, found.limit
    if total <= found.posts:
        return Worst(found.posts, found.until_ms, binding, exceeded, exceeded_ms)
    return Worst(total, now_ms, binding if exceeded else limit, exceeded, exceeded_ms)


def limit_at(limits: Sequence[tuple[int, int | None]], now_ms: int) -> int | None:
    """Return the limit in force: the last that began before; the first one was always there."""
    if not limits:
        return None
    place = bisect_right(limits, now_ms, key=lambda each: each[0])
    return limits[max(0, place - 1)][1]
