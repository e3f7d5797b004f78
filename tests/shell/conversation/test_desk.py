"""Only a reply serves whoever waits, and what nobody wants any more is given back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from governor.conversation.desk import POLL_MS, Desk
from governor.core.ledger.decisions import Decision, Doubted, Granted, Refused
from governor.core.ledger.holds import Hold, State
from governor.core.ledger.messages import DoubtReason, Grant, Reply, RowValue, Usage
from governor.core.ledger.row import Row
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock
from tests.shell.conversation.stage import IDENTITY, a_hold, settle

NOW_MS = 50_000
USAGE = {"x": Usage(900, 100, 1_000, NOW_MS + 700), "x/default": Usage(900, 100, None, None)}
GRANTED = Grant(granted=True)


def refused(retry_at_ms: int | None = None, *, never: bool = False) -> Grant:
    return Grant(granted=False, account="x", retry_at_ms=retry_at_ms, never=never)


@dataclass
class Stage:
    """A desk, and the ledger's replies to it."""

    clock: FakeClock
    row: Row
    stir: asyncio.Event
    desk: Desk
    tasks: Tasks

    async def ask(self, *, patience_ms: int = 0) -> tuple[Hold, asyncio.Task[Decision]]:
        hold = a_hold(100)
        asked = self.tasks.start(self.desk.reserve(hold, patience_ms), "reserve")
        await settle()
        return hold, asked

    async def reply(self, *grants: Grant) -> None:
        """Let the ledger answer for everybody who waits."""
        batch = self.desk.queue.batch()
        reply = Reply("", 1, IDENTITY, NOW_MS, NOW_MS, 0, 0, open=True, grants=grants, usage=USAGE)
        self.stir.clear()
        self.desk.note_grants(batch, reply)
        self.desk.decide(batch, reply)
        await settle()


@pytest.fixture
def on() -> Stage:
    clock, stir, row = FakeClock(), asyncio.Event(), Row(totals={}, spread={})
    return Stage(clock, row, stir, Desk(row, clock, stir), Tasks(lambda _, __: None))


async def test_who_asks_wakes_the_talk_and_waits(on: Stage) -> None:
    hold, asked = await on.ask()

    assert on.stir.is_set()
    assert not asked.done()
    assert hold.state is State.ASKED


async def test_a_grant_is_kept_and_said_with_the_time_it_took(on: Stage) -> None:
    hold, asked = await on.ask()
    on.clock.advance_ms(30)
    await on.reply(GRANTED)

    assert await asked == Granted(30)
    assert hold.state is State.GRANTED
    assert hold.granted_ms == on.clock.monotonic_ms()
    assert on.row.values()["x"] == RowValue(pending=100)
    assert on.row.untold() == {}
    assert len(on.desk) == 1


async def test_a_grant_of_one_who_has_left_is_given_back(on: Stage) -> None:
    _, asked = await on.ask()
    batch = on.desk.queue.batch()
    asked.cancel()
    await settle()
    reply = Reply("", 1, IDENTITY, NOW_MS, NOW_MS, 0, 0, open=True, grants=(GRANTED,), usage=USAGE)
    on.stir.clear()
    on.desk.note_grants(batch, reply)
    on.desk.decide(batch, reply)

    assert on.stir.is_set()
    assert on.row.untold() == {"x": RowValue(), "x/default": RowValue()}


async def test_who_may_not_wait_is_refused_with_the_times_from_now(on: Stage) -> None:
    _, asked = await on.ask()
    await on.reply(refused(NOW_MS + 400))

    decision = await asked
    assert isinstance(decision, Refused)
    assert (decision.retry_ms, decision.free_ms) == (400, 700)
    assert decision.usage == USAGE["x"]


async def test_who_may_wait_long_enough_keeps_his_place(on: Stage) -> None:
    _, asked = await on.ask(patience_ms=400)
    await on.reply(refused(NOW_MS + 400))

    assert not asked.done()
    assert on.desk.queue.due_ms() == on.clock.monotonic_ms() + 400


@pytest.mark.parametrize(
    "grant", [refused(NOW_MS + 401), refused(never=True)], ids=["too late", "never"]
)
async def test_who_would_wait_in_vain_is_refused_at_once(on: Stage, grant: Grant) -> None:
    _, asked = await on.ask(patience_ms=400)
    await on.reply(grant)

    assert isinstance(await asked, Refused)


async def test_while_only_holds_stand_in_the_way_it_is_asked_again_soon(on: Stage) -> None:
    _, asked = await on.ask(patience_ms=4_000)
    await on.reply(refused())

    assert not asked.done()
    assert on.desk.queue.due_ms() == on.clock.monotonic_ms() + POLL_MS


async def test_a_member_that_just_joined_is_not_told_that_the_limit_is_reached(on: Stage) -> None:
    """No account refused it: nothing is granted before all who live have journaled its join."""
    _, patient = await on.ask(patience_ms=200)
    await on.reply(Grant(granted=False))

    assert not patient.done()

    on.clock.advance_ms(200)
    await on.reply(Grant(granted=False))

    assert await patient == Doubted(DoubtReason.CLOSED)


async def test_a_doubt_sends_everybody_away(on: Stage) -> None:
    _, first = await on.ask(patience_ms=4_000)
    _, second = await on.ask()
    on.desk.dismiss(DoubtReason.FOREIGN)

    assert await first == await second == Doubted(DoubtReason.FOREIGN)


async def test_an_end_leaves_what_was_charged_and_wakes_the_talk(on: Stage) -> None:
    hold, _ = await on.ask()
    await on.reply(GRANTED)
    on.desk.end(hold, (("x", 70),), lingers=True)

    assert on.stir.is_set()
    assert on.row.values()["x"] == RowValue(lingered=70)
    assert len(on.desk) == 0


async def test_an_end_of_what_was_never_granted_is_nothing(on: Stage) -> None:
    hold = a_hold(100)
    on.desk.end(hold, (), lingers=False)

    assert not on.stir.is_set()
    assert on.row.values() == {}


async def test_what_is_taken_is_held_like_a_grant_and_told(on: Stage) -> None:
    """Shadow mode: the truth is recorded even over the limit (invariant 8)."""
    hold = a_hold(5_000)
    on.desk.take(hold)
    on.clock.advance_ms(20)

    assert on.row.untold()["x"] == RowValue(pending=5_000)
    assert on.desk.oldest_hold_ms == 20
