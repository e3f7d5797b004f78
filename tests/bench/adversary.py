"""An adversary for limiters: demand at the edges of windows, slow answers, and the strictest judge.

The contract says "in any 24-hour period", and the platform may count a request at any instant from
its first byte to its last. So a request is a span, not a point, and a window holds it if it touches
it at all: whoever places the window and the counting may choose both against us. A limiter keeps
the contract only if no window touches more posts than the limit.

Plans are written in thousandths of a window, so that one plan is played against a day of virtual
time and against seconds of real time alike. No answer takes longer than one window: with longer
ones every rule that forgets a request before its end lets through more without any bound.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import random

    from governor.clock import Clock
    from tests.fakes.clock import FakeClock

MILLE: Final = 1_000
MARGIN: Final = 50  # thousandths from an edge: a burst in real time takes a while
EVERYTHING: Final = 1_000  # posts asked for: what is let through, up to ten times the limit


class Limiter(Protocol):
    """One rule, under one limit. Every request is one post."""

    async def admit(self) -> bool:
        """Say whether one more request may go out now."""
        ...

    async def end(self, requests: int) -> None:
        """Hear that so many answers have been read to their last byte."""
        ...


class Time(Protocol):
    """The time in which a plan is played."""

    def now_ms(self) -> int:
        """Return the present instant."""
        ...

    async def until(self, instant_ms: int) -> None:
        """Return at that instant, or at once if it has passed."""
        ...


class VirtualTime:
    """A test's clock, which is moved to where it should be."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock: Final = clock

    def now_ms(self) -> int:
        return self.clock.wall_ms()

    async def until(self, instant_ms: int) -> None:
        self.clock.advance_ms(max(0, instant_ms - self.now_ms()))


class RealTime:
    """The kernel's monotonic clock, set by the wall clock once: some rules align to the latter."""

    def __init__(self, clock: Clock) -> None:
        self._clock: Final = clock
        self._offset_ms: Final = clock.wall_ms() - clock.monotonic_ms()

    def now_ms(self) -> int:
        return self._clock.monotonic_ms() + self._offset_ms

    async def until(self, instant_ms: int) -> None:
        while (left_ms := instant_ms - self.now_ms()) > 0:
            await self._clock.sleep_ms(left_ms)


@dataclass(frozen=True, slots=True)
class Burst:
    """Ask for `posts` at `at`, or until one is refused; each answer takes `lasting`."""

    at: int
    posts: int = EVERYTHING
    lasting: int = 0


Plan = tuple[Burst, ...]
Span = tuple[int, int]  # a request's first byte and its last, in milliseconds

# One post at 0 begins the window of a rule that counts from its first use.
EDGES: Final[Plan] = (
    Burst(0, 1),
    Burst(MILLE - MARGIN),
    *(Burst(at) for at in range(MILLE + 10, 2 * MILLE - MARGIN, 20)),
)
SLOW: Final[Plan] = tuple(Burst(at, lasting=MILLE - MARGIN) for at in range(0, 2 * MILLE, 20))
SLOW_EDGES: Final[Plan] = (
    Burst(0, 1),
    Burst(MILLE - MARGIN, lasting=MILLE),
    Burst(MILLE + MARGIN, lasting=MILLE),
    Burst(2 * MILLE - MARGIN, lasting=MILLE),
    Burst(2 * MILLE + MARGIN // 2),
)
PLANS: Final = {"edges": EDGES, "slow": SLOW, "slow edges": SLOW_EDGES}


def random_plan(chance: random.Random, *, limit: int) -> Plan:
    """Draw bursts crowded at the edges of windows, with answers that end at once or a window on."""
    nearby = (-MARGIN, -2, -1, 0, 1, 2, MARGIN)
    bursts = [
        Burst(
            max(0, chance.randrange(9) * (MILLE // 2) + chance.choice(nearby)),
            chance.choice((1, limit // 2, EVERYTHING, EVERYTHING)),
            min(MILLE, max(0, chance.randrange(3) * (MILLE // 2) + chance.choice(nearby))),
        )
        for _ in range(chance.randrange(2, 9))
    ]
    return tuple(sorted(bursts, key=lambda burst: burst.at))


async def play(limiter: Limiter, plan: Plan, *, time: Time, window_ms: int) -> list[Span]:
    """Play a plan from the next whole window on, and return what went out, and from when to when.

    A request's first byte is no earlier than its admission, and its last no later than the limiter
    hears of it: in real time too, the span is the shortest that can be proven.
    """
    origin_ms = (time.now_ms() // window_ms + 1) * window_ms
    order = count()
    due: list[tuple[int, int, Burst | list[int]]] = [
        (origin_ms + burst.at * window_ms // MILLE, next(order), burst) for burst in plan
    ]
    heapq.heapify(due)
    spans = []
    while due:
        instant_ms, _, what = heapq.heappop(due)
        await time.until(instant_ms)
        if isinstance(what, Burst):
            begun = await _admitted(limiter, what.posts, time)
            ends_ms = instant_ms + what.lasting * window_ms // MILLE
            if begun:
                heapq.heappush(due, (ends_ms, next(order), begun))
        else:
            last_ms = time.now_ms()
            spans += [(first_ms, last_ms) for first_ms in what]
            await limiter.end(len(what))
    return spans


async def _admitted(limiter: Limiter, posts: int, time: Time) -> list[int]:
    """Ask until so many posts are let through or one is not; return the instant of each."""
    begun: list[int] = []
    while len(begun) < posts and await limiter.admit():
        begun.append(time.now_ms())
    return begun


def worst_window(spans: list[Span], window_ms: int) -> int:
    """Return the most requests that any window (s, s + window] touches.

    A span [first, last] is touched from s = first - window on, and no more from s = last on.
    """
    changes = [(first_ms - window_ms, 1) for first_ms, _ in spans]
    changes += [(last_ms, -1) for _, last_ms in spans]
    worst = touched = 0
    for _, change in sorted(changes):
        touched += change
        worst = max(worst, touched)
    return worst
