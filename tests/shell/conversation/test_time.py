"""Invariant 6: no wrong clock frees a post before its window has passed, and none freezes it.

Truth is kept here: when each post was charged, by a time that no clock in the test shows. Two
governors and the ledger's store have a clock each, and one of them fails.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.decisions import Granted
from tests.fakes.clock import FakeClock
from tests.shell.conversation.stage import WINDOW, Member, Slow, Stage, a_hold, settle, stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

HOUR_MS = 3_600_000
BEAT_MS = 1_000
# Of ledger time a step may cost what has passed since the last message, for each of three clocks;
# a post that was charged at the end of a bucket, in the middle of two beats, frees a beat later.
LATEST_MS = WINDOW.window_ms + WINDOW.pad_ms + WINDOW.bucket_ms + 5 * BEAT_MS


@dataclass
class World:
    """Three machines and the truth. `store` is the ledger's clock."""

    on: Stage
    store: FakeClock
    other: Member
    others: FakeClock
    now_ms: int = 0
    charged: list[tuple[int, int]] = field(default_factory=list)

    async def beat(self, beats: int = 1) -> None:
        """Let true time pass, for all clocks alike; see that nothing is freed too early."""
        for _ in range(beats):
            self.now_ms += BEAT_MS
            for clock in (self.store, self.on.clock, self.others):
                clock.advance_ms(BEAT_MS)
            await settle()
            self.judge()

    def judge(self) -> None:
        """Compare what the ledger counts with what was charged in the window that ends now."""
        since_ms = self.now_ms - WINDOW.window_ms
        truth = sum(posts for at_ms, posts in self.charged if at_ms > since_ms)

        assert self.counted >= truth, "posts were freed before their time"

    @property
    def counted(self) -> int:
        return self.on.book.accounts["x"].ring.charged

    async def spend(self, member: Member, posts: int) -> None:
        self.charged.append((self.now_ms, posts))
        await member.spend(posts)
        self.judge()


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    async with stage(joined=False) as on:
        store, others = FakeClock(wall_ms=on.clock.wall_ms()), FakeClock()
        on.home.clock = store
        others.step_boot_ms(-5 * HOUR_MS)
        other = on.member("other", clock=others)
        await on.talk.join()
        await other.talk.join()
        found = World(on, store, other, others)
        await found.beat(2)
        yield found


FAULTS: dict[str, Callable[[World], None]] = {
    "store ahead": lambda at: at.store.step_wall_ms(HOUR_MS),
    "store back": lambda at: at.store.step_wall_ms(-HOUR_MS),
    "store a little ahead": lambda at: at.store.step_wall_ms(WINDOW.tolerance_ms),
    "store a little back": lambda at: at.store.step_wall_ms(-WINDOW.tolerance_ms),
    "boot ahead": lambda at: at.others.step_boot_ms(HOUR_MS),
    "boot back": lambda at: at.others.step_boot_ms(-HOUR_MS),
    "boot a little ahead": lambda at: at.others.step_boot_ms(WINDOW.tolerance_ms),
    "boot a little back": lambda at: at.others.step_boot_ms(-WINDOW.tolerance_ms),
    "every governor's wall clock": lambda at: at.on.clock.step_wall_ms(HOUR_MS),
    "a monotonic clock": lambda at: at.others.step_monotonic_ms(HOUR_MS),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_step_of_one_clock_frees_nothing_early_and_freezes_nothing(fault: str) -> None:
    async with world() as at:
        await at.spend(at.on.first, 300)
        await at.beat(4)
        FAULTS[fault](at)
        await at.spend(at.other, 700)
        await at.beat(LATEST_MS // BEAT_MS)

        assert at.counted == 0
        assert isinstance((await at.on.reserve(1_000))[1], Granted)


@pytest.mark.parametrize(
    ("fault", "stepped"), [("store ahead", "store"), ("boot back", "boot"), ("boot ahead", "boot")]
)
async def test_a_step_is_told_once(fault: str, stepped: str) -> None:
    async with world() as at:
        FAULTS[fault](at)
        await at.beat(5)

        assert at.on.ear.steps + at.other.ear.steps == [stepped]


async def test_a_clock_that_is_stepped_again_and_again_frees_nothing_early() -> None:
    """Each step is taken back by as much, so the sum of them never moves ledger time."""
    async with world() as at:
        await at.spend(at.on.first, 300)
        for step_ms in (HOUR_MS, -HOUR_MS, 5_000, 5_000, -9_000, HOUR_MS):
            at.store.step_wall_ms(step_ms)
            await at.beat()
        await at.beat(LATEST_MS // BEAT_MS)

        assert at.counted == 0


@pytest.mark.parametrize("ppm", [-500, 500])
async def test_clocks_that_drift_as_far_as_a_kernel_lets_them_free_nothing_early(ppm: int) -> None:
    async with world() as at:
        for _ in range(20):
            await at.spend(at.on.first, 10)
            at.store.step_wall_ms(ppm * 2 // 1_000)
            at.others.step_boot_ms(-ppm * 2 // 1_000)
            await at.beat(2)
        await at.beat(LATEST_MS // BEAT_MS)

        assert at.counted == 0
        assert at.on.ear.steps + at.other.ear.steps == []


async def test_a_suspended_governor_neither_hurries_nor_stops_the_others() -> None:
    async with world() as at:
        await at.spend(at.on.first, 300)
        for _ in range(6):  # it sleeps, and time passes for the rest of the world
            at.now_ms += BEAT_MS
            at.others.suspend_ms(BEAT_MS)
            for clock in (at.store, at.on.clock):
                clock.advance_ms(BEAT_MS)
            await settle()
            at.judge()
        await at.spend(at.other, 200)
        await at.beat(LATEST_MS // BEAT_MS)

        assert at.counted == 0
        assert at.on.ear.steps + at.other.ear.steps == []


async def test_time_that_all_slept_through_has_passed() -> None:
    """One machine with its ledger: a laptop that was closed. Its boot clock ran on, so time did."""
    async with stage() as on:
        await on.first.spend(1_000)
        on.clock.suspend_ms(WINDOW.window_ms + WINDOW.pad_ms + WINDOW.bucket_ms)
        await on.beat()

        assert isinstance((await on.reserve(1_000))[1], Granted)


async def test_after_a_loss_time_goes_on_from_the_journals_and_from_no_clock() -> None:
    """The server comes back with a clock that is a day ahead: nothing is freed by it."""
    async with world() as at:
        await at.spend(at.on.first, 300)
        await at.beat(2)
        await at.spend(at.other, 400)
        await at.beat()
        at.on.home.run_id = "another"
        at.store.step_wall_ms(24 * HOUR_MS)
        await at.beat(1)
        await at.beat(5)  # closed, and then open

        assert at.on.talk.doubt is None
        assert at.counted == 700

        await at.beat(LATEST_MS // BEAT_MS + 10)

        assert at.counted == 0


async def test_an_hour_without_the_ledger_costs_no_time_and_frees_nothing_early() -> None:
    """Every message of that hour was abandoned: an old reading would have held time back."""
    async with stage() as on:
        await on.first.spend(1_000)
        on.home.cut = "before"
        await on.beat(5)
        on.home.cut = ""
        await on.beat()

        assert on.usage == (1_000, 0)
        assert on.talk.time_ms == on.clock.wall_ms()

        on.home.cut = "before"
        await on.beat(10)
        on.home.cut = ""
        await on.beat()

        assert on.usage == (0, 0)
        assert on.ear.steps == []


async def test_a_reading_that_was_late_does_not_leave_its_clock_ahead() -> None:
    """A rebooted governor's clock is anchored by its first message; that one was on the way long.

    Left so, it would look like a step the next time, or hide one.
    """
    async with world() as at:
        line = Slow(at.on.home)
        late = at.on.member("late", line=line)
        late.state.contracts["x"].boot_offset_ms = None
        joining = at.on.tasks.start(late.talk.join(), "join")
        await at.beat(3)
        line.arrives.set()
        await joining
        await at.beat(2)

        offset_ms = at.on.book.members.rows["late"].boot_offset_ms
        assert offset_ms == at.on.clock.boot_ms() - at.on.book.clocks.time_ms
        assert late.ear.steps == []


async def test_a_clock_that_was_anchored_late_is_anchored_anew_without_a_pause() -> None:
    """Each instant until then would be missing from ledger time."""
    async with world() as at:
        line = Slow(at.on.home)
        line.arrives.set()
        late = at.on.member("late", line=line)
        await late.talk.join()
        await at.beat(2)
        line.arrives.clear()
        await at.beat(3)
        line.arrives.set()
        heard = len(at.on.home.heard)
        await settle()

        assert [message.anchor for message in at.on.home.heard[heard:]] == [False, True]


async def test_a_hold_of_a_member_that_sleeps_for_ever_is_never_freed() -> None:
    """Invariant 4: pending has no clock."""
    async with world() as at:
        hold = a_hold(600)
        asked = at.on.tasks.start(at.other.talk.reserve(hold, patience_ms=0), "reserve")
        await settle()
        assert isinstance(await asked, Granted)
        await at.other.crash()
        await at.beat(3 * LATEST_MS // BEAT_MS)

        assert at.on.book.accounts["x"].pending == 600
