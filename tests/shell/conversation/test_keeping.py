"""A fact is believed when it is durable, and waited for no longer than it is of use."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from governor.conversation.keeping import PATIENCE_MS, Keeper
from governor.core.ledger.records import Record, Rostered
from governor.core.ledger.roster import RosterEntry
from governor.errors import JournalError
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import Home
from tests.shell.conversation.stage import conversing, settle

if TYPE_CHECKING:
    from governor.core.ledger.state import MemberState

ROSTERED = Rostered("x", 3, (RosterEntry("a", 1), RosterEntry("b", 2)))


@dataclass
class Disk:
    """A journal that answers when a test lets it."""

    answers: asyncio.Event = field(default_factory=asyncio.Event)
    fails: bool = False
    records: list[Record] = field(default_factory=list)

    async def append(self, *records: Record) -> int:
        self.records += records
        await self.answers.wait()
        if self.fails:
            raise JournalError("disk full")
        return len(self.records)


@dataclass
class Stage:
    """A keeper on a disk that a test stops and lets go."""

    clock: FakeClock
    disk: Disk
    state: MemberState
    keeper: Keeper
    tasks: Tasks

    @property
    def version(self) -> int:
        return self.state.contracts["x"].roster_version


@pytest.fixture
async def on() -> Stage:
    clock, tasks = FakeClock(), Tasks(lambda _, __: None)
    state = conversing("member", 1, clock, Home(None, clock), tasks).state
    disk = Disk()
    return Stage(clock, disk, state, Keeper(disk, state, clock), tasks)


async def test_nothing_is_believed_before_it_is_durable(on: Stage) -> None:
    """Invariant 1."""
    keeping = on.tasks.start(on.keeper.keep(ROSTERED), "keep")
    await settle()

    assert on.disk.records == [ROSTERED]
    assert on.version == 0

    on.disk.answers.set()

    assert await keeping
    assert on.version == 3


async def test_a_journal_that_failed_is_not_believed_again(on: Stage) -> None:
    on.disk.fails = True
    on.disk.answers.set()

    assert not await on.keeper.keep(ROSTERED)
    assert on.keeper.broken
    assert on.version == 0


async def test_a_silent_journal_is_waited_for_as_long_as_a_grant_is_good(on: Stage) -> None:
    keeping = on.tasks.start(on.keeper.keep_soon(ROSTERED), "keep")
    await settle()
    on.clock.advance_ms(PATIENCE_MS - 1)
    await settle()

    assert not keeping.done()

    on.clock.advance_ms(1)
    await settle()

    assert not await keeping
    assert not on.keeper.broken
    assert on.version == 0


async def test_a_commit_is_owed_from_the_first_ask_to_the_first_answer(on: Stage) -> None:
    """Who gives up waiting does not make the disk any livelier."""
    assert on.keeper.owed_ms() == 0

    on.tasks.start(on.keeper.keep_soon(ROSTERED), "keep")
    await settle()
    on.clock.advance_ms(PATIENCE_MS)
    await settle()
    second = on.tasks.start(on.keeper.keep(ROSTERED), "keep")
    await settle()
    on.clock.suspend_ms(30_000)

    assert on.keeper.owed_ms() == PATIENCE_MS + 30_000

    on.disk.answers.set()

    assert await second
    assert on.keeper.owed_ms() == 0
