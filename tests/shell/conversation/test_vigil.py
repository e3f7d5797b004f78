"""Invariant 5: a minute in silence, and this governor lets go of all that it has on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from governor.conversation.keeping import Keeper
from governor.conversation.vigil import FENCE_MS, Vigil
from governor.core.ledger.records import Record, Rostered
from governor.core.ledger.state import MemberState
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock
from tests.shell.conversation.stage import settle

LOOK_MS = 1_000


class DeadDisk:
    """A journal that never answers."""

    async def append(self, *records: Record) -> int:
        await asyncio.Event().wait()
        return len(records)


@dataclass
class Stage:
    """A vigil, and what waits for it."""

    clock: FakeClock
    keeper: Keeper
    vigil: Vigil
    tasks: Tasks
    severed: asyncio.Task[None]

    async def look(self) -> bool:
        """Let the vigil look once; say whether it severed."""
        self.clock.advance_ms(LOOK_MS)
        await settle()
        return self.severed.done()


@pytest.fixture
async def on() -> Stage:
    clock, tasks = FakeClock(), Tasks(lambda _, __: None)
    keeper = Keeper(DeadDisk(), MemberState(), clock)
    vigil = Vigil(clock, keeper)
    tasks.start(vigil.watch(LOOK_MS), "watch")
    severed = tasks.start(vigil.severed(), "severed")
    await settle()
    return Stage(clock, keeper, vigil, tasks, severed)


async def test_a_minute_of_silence_severs_and_not_a_second_less(on: Stage) -> None:
    for _ in range(FENCE_MS // LOOK_MS - 1):
        assert not await on.look()

    assert await on.look()


async def test_a_reply_in_time_begins_the_minute_anew(on: Stage) -> None:
    on.clock.suspend_ms(FENCE_MS - 1)
    on.vigil.hear()

    assert on.vigil.silent_ms == 0
    assert not await on.look()


async def test_a_suspend_counts_and_the_first_look_after_it_severs(on: Stage) -> None:
    """The monotonic clock stood still meanwhile: for everybody else time has passed."""
    on.clock.suspend_ms(3_600_000)

    assert not on.severed.done()
    assert await on.look()


async def test_a_reply_after_too_long_a_silence_does_not_undo_it(on: Stage) -> None:
    """An operator may have declared us dead meanwhile, and others may have relied on it."""
    on.clock.suspend_ms(FENCE_MS)
    on.vigil.hear()
    await settle()

    assert on.severed.done()


async def test_what_begins_after_the_silence_is_not_severed_by_it(on: Stage) -> None:
    on.clock.suspend_ms(FENCE_MS)
    on.vigil.hear()
    later = on.tasks.start(on.vigil.severed(), "later")
    await on.look()

    assert not later.done()


async def test_a_journal_that_owes_a_commit_for_a_minute_severs(on: Stage) -> None:
    on.tasks.start(on.keeper.keep(Rostered("x", 1, ())), "keep")
    await settle()
    for _ in range(FENCE_MS // LOOK_MS - 1):
        on.vigil.hear()

        assert not await on.look()

    on.vigil.hear()

    assert await on.look()


async def test_who_is_fenced_lets_go_at_once_and_for_ever(on: Stage) -> None:
    on.vigil.fence()
    await settle()

    assert on.severed.done()

    on.vigil.hear()

    await asyncio.wait_for(on.vigil.severed(), 1)
