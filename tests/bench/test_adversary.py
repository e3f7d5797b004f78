"""The adversary finds what is there: it passes the limit of rules that are known to let it.

And it never passes Governor's. `make bench` plays the same plans against other people's limiters.
"""

from __future__ import annotations

import random
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from tests.bench.adversary import (
    EDGES,
    PLANS,
    SLOW,
    Burst,
    Plan,
    RealTime,
    Span,
    VirtualTime,
    play,
    random_plan,
    worst_window,
)
from tests.bench.ours import BookHome, Ours
from tests.bench.rules import ExactLog, FixedWindow
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.adversary import Limiter, Time

LIMIT: Final = 20
DAY_MS: Final = 86_400_000
SEEDS: Final = range(100)


async def worst_of(make: Callable[[int, int, Time], Limiter], plan: Plan) -> int:
    time = VirtualTime(FakeClock())
    limiter = make(LIMIT, DAY_MS, time)
    return worst_window(await play(limiter, plan, time=time, window_ms=DAY_MS), DAY_MS)


async def worst_of_ours(plan: Plan) -> int:
    time = VirtualTime(FakeClock())
    home = BookHome(LIMIT, DAY_MS, time)
    ours = Ours(home, home.identity, time.clock.boot_ms)
    await ours.join(time.now_ms())
    return worst_window(await play(ours, plan, time=time, window_ms=DAY_MS), DAY_MS)


def plan_of(seed: int) -> Plan:
    return random_plan(random.Random(seed), limit=LIMIT)  # noqa: S311  # a plan is no secret


@pytest.mark.parametrize("plan", PLANS)
async def test_no_plan_passes_our_limit(plan: str) -> None:
    """At the edges and with slow answers, the worst window holds the limit and not one post more.

    That it holds the limit shows that nothing is refused which could have been let through.
    """
    assert await worst_of_ours(PLANS[plan]) == LIMIT


async def test_no_random_plan_passes_our_limit() -> None:
    over = [seed for seed in SEEDS if await worst_of_ours(plan_of(seed)) > LIMIT]

    assert not over


@pytest.mark.parametrize("plan", PLANS)
async def test_a_fixed_window_lets_nearly_twice_its_limit_through(plan: str) -> None:
    assert await worst_of(FixedWindow, PLANS[plan]) > 1.9 * LIMIT


async def test_random_plans_find_the_fixed_window_out() -> None:
    over = [seed for seed in SEEDS if await worst_of(FixedWindow, plan_of(seed)) > LIMIT]

    assert len(over) > len(SEEDS) // 2


async def test_an_exact_log_keeps_its_limit_while_answers_are_quick() -> None:
    assert await worst_of(ExactLog, EDGES) == LIMIT


async def test_an_exact_log_that_stamps_at_admission_lets_twice_its_limit_through() -> None:
    """A slow answer counts when it ends; by then its stamp is a window old."""
    assert await worst_of(ExactLog, SLOW) == 2 * LIMIT


@pytest.mark.parametrize(
    ("spans", "worst"),
    [
        ([], 0),
        ([(5, 5)], 1),
        ([(0, 0), (9, 9)], 2),
        ([(0, 0), (10, 10)], 1),
        ([(0, 1), (10, 10)], 2),
        ([(0, 5), (14, 14), (15, 20)], 2),
        ([(0, 100), (50, 50)], 2),
    ],
)
def test_a_window_holds_every_request_that_it_touches(spans: list[Span], worst: int) -> None:
    """Windows of 10 ms here, open at their begin and closed at their end."""
    assert worst_window(spans, 10) == worst


def test_no_placement_of_a_window_is_forgotten() -> None:
    """All pairs of spans in a small world, against every window that there is."""
    window_ms = 3
    spans = [(first, last) for first in range(6) for last in range(first, 6)]
    for two in product(spans, spans):
        by_hand = max(
            sum(first <= start + window_ms and last > start for first, last in two)
            for start in range(-window_ms - 1, 7)
        )

        assert worst_window(list(two), window_ms) == by_hand


async def test_a_span_runs_from_the_first_byte_to_the_last() -> None:
    """Bursts are asked for at their instants, counted from the next whole window on."""
    time = VirtualTime(FakeClock())
    origin_ms = time.now_ms() + DAY_MS
    log = ExactLog(LIMIT, DAY_MS, time)

    spans = await play(log, (Burst(500, 1, 250), Burst(0, 1)), time=time, window_ms=DAY_MS)

    assert spans == [
        (origin_ms, origin_ms),
        (origin_ms + DAY_MS // 2, origin_ms + DAY_MS * 3 // 4),
    ]


def test_a_seed_draws_the_same_plan_again() -> None:
    assert plan_of(1) == plan_of(1) != plan_of(2)


async def test_real_time_begins_at_the_wall_clock_and_does_not_follow_its_steps() -> None:
    clock = FakeClock()
    time = RealTime(clock)
    begun_ms = clock.wall_ms()
    clock.step_wall_ms(5_000)
    clock.advance_ms(10)

    await time.until(begun_ms + 10)

    assert time.now_ms() == begun_ms + 10
