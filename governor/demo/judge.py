"""The judge: says whether any window, wherever it is placed, held more than the limit.

It imports nothing of Governor, so no mistake of Governor's can hide in it, and it reads only what
the platform itself wrote down. We cannot know when a platform counts a request, only that it does
so between the request's arrival and its last byte. So the same record is judged with all of a
request's posts counted at arrival, at the first byte, at the last byte, and at a random instant
between first and last; a limiter that holds for one placement and not for another is found out.

A window is closed at both ends. Instants are whole milliseconds, rounded down, so two instants
less than a window apart are never more than a window apart here: the judge may be too strict by
under a millisecond, and never too mild. An answer that broke off counts in full: the platform had
looked its posts up.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Event = tuple[int, int]  # an instant in milliseconds, and posts counted at it
PLACEMENTS = ("arrival", "first byte", "last byte", "random")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one request cost the platform, and when. Instants are monotonic milliseconds.

    `last_ms` is taken just before the last byte was handed to the socket or, when `complete` is
    False, when the platform noticed that the other side was gone.
    """

    operation: str
    arrived_ms: int
    first_ms: int
    last_ms: int
    posts: int
    complete: bool

    def __post_init__(self) -> None:
        if not self.arrived_ms <= self.first_ms <= self.last_ms:
            raise ValueError(f"a delivery runs forward in time, unlike {self}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worst` names, for each placement, the most posts that any one window held.

    `per_window` is what was delivered in each whole window, laid end to end from the first
    arrival, each request counted at its last byte.
    """

    limit: int
    worst: Mapping[str, int]
    per_window: tuple[int, ...]

    @property
    def kept(self) -> bool:
        """Whether no window, under any placement, held more than the limit."""
        return max(self.worst.values()) <= self.limit

    @property
    def sustained(self) -> float:
        """Posts delivered per window from the second on; the first may begin with a burst."""
        settled = self.per_window[1:]
        return sum(settled) / len(settled) if settled else 0.0


def worst_window(events: Iterable[Event], window_ms: int) -> int:
    """Return the largest sum of posts whose instants lie within `window_ms` of one another.

    The maximum over all placements is found at a window that ends on an event, so it is enough
    to look at those: one walk, with a second pointer that follows a window behind.
    """
    ordered = sorted(events)
    worst = total = oldest = 0
    for instant, posts in ordered:
        total += posts
        while ordered[oldest][0] < instant - window_ms:
            total -= ordered[oldest][1]
            oldest += 1
        worst = max(worst, total)
    return worst


def events(record: Iterable[Delivery], placement: str, seed: int = 0) -> list[Event]:
    """Return the record as instants and posts, with each request counted where `placement` says."""
    draw = random.Random(seed)  # noqa: S311  # a seeded draw of instants, nothing secret
    match placement:
        case "arrival":
            return [(one.arrived_ms, one.posts) for one in record]
        case "first byte":
            return [(one.first_ms, one.posts) for one in record]
        case "last byte":
            return [(one.last_ms, one.posts) for one in record]
        case "random":
            return [(draw.randint(one.first_ms, one.last_ms), one.posts) for one in record]
    raise ValueError(f"no such placement: {placement!r}")


def per_window(record: Sequence[Delivery], window_ms: int) -> tuple[int, ...]:
    """Return the posts delivered in each whole window since the first arrival."""
    if not record:
        return ()
    start_ms = min(one.arrived_ms for one in record)
    whole = (max(one.last_ms for one in record) - start_ms) // window_ms
    sums = [0] * whole
    for one in record:
        window = (one.last_ms - start_ms) // window_ms
        if window < whole:
            sums[window] += one.posts
    return tuple(sums)


def judge(
    record: Sequence[Delivery], *, limit: int, window_ms: int, seeds: Sequence[int] = (0, 1, 2)
) -> Verdict:
    """Judge a record under every placement; random instants are drawn once for each seed."""
    worst = {
        placement: worst_window(events(record, placement), window_ms)
        for placement in PLACEMENTS
        if placement != "random"
    }
    worst["random"] = max(worst_window(events(record, "random", seed), window_ms) for seed in seeds)
    return Verdict(limit, worst, per_window(record, window_ms))
