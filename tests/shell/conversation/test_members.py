"""Who shares the ledger is journaled before anything rests on it; who may not speak is silent."""

from __future__ import annotations

import asyncio

import pytest

from governor.conversation import PATIENCE_MS
from governor.core.ledger.decisions import Doubted, Granted
from governor.core.ledger.loss import retire
from governor.core.ledger.messages import LAXEST, DoubtReason, Fenced, Leniency, Stale
from governor.core.ledger.records import Rostered
from governor.errors import DoubtError
from tests.shell.conversation.stage import a_hold, stage


async def test_a_fenced_member_sends_nothing_more() -> None:
    async with stage() as on:
        on.home.answers = [Fenced("")]
        await on.beat()

        assert (await on.reserve(1))[1] == Doubted(DoubtReason.FENCED)


async def test_the_roster_is_journaled_before_any_grant_and_told_at_once() -> None:
    """Invariant 1: after a loss all of them must restore, and only journals know them then."""
    async with stage(joined=False) as on:
        on.journal.stuck.clear()
        joining = on.tasks.start(on.talk.join(), "join")
        await on.settle()

        assert not joining.done()

        on.journal.stuck.set()
        await joining

        assert on.first.state.contracts["x"].roster_version == 1
        assert [message.roster for message in on.home.heard] == [0, 1]


async def test_a_grant_that_came_with_a_roster_waits_until_that_is_durable() -> None:
    async with stage() as on:
        on.journal.stuck.clear()
        other = on.member("other")
        joining = on.tasks.start(other.talk.join(), "join")
        await on.settle()
        hold = a_hold(100)
        asked = on.tasks.start(on.talk.reserve(hold, patience_ms=0), "reserve")
        await on.settle()

        assert not asked.done()

        on.journal.stuck.set()
        await on.settle()

        assert isinstance(await asked, Granted)
        assert [type(record) for record in on.journal.records][-1] is Rostered
        assert on.ear.joined == ["other"]
        await joining


async def test_a_disk_that_does_not_answer_refuses_and_may_come_back() -> None:
    async with stage() as on:
        on.journal.stuck.clear()
        other = on.member("other")
        await other.talk.join()
        await on.beat()
        asked = on.tasks.start(on.talk.reserve(a_hold(1), patience_ms=60_000), "reserve")
        on.clock.advance_ms(PATIENCE_MS)
        await on.settle()

        assert await asked == Doubted(DoubtReason.JOURNAL)

        on.journal.stuck.set()
        await on.beat(2)

        assert isinstance((await on.reserve(1))[1], Granted)


async def test_who_joins_is_granted_nothing_before_all_who_live_know_of_it() -> None:
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        asked = other.tasks.start(other.talk.reserve(a_hold(1), patience_ms=0), "reserve")
        await on.settle()

        assert await asked == Doubted(DoubtReason.CLOSED)

        await on.beat()

        assert isinstance((await other.reserve(1))[1], Granted)


async def test_a_fenced_member_falls_silent_and_lets_go() -> None:
    """Another process has its name: whatever this one still does, nobody counts it."""
    async with stage() as on:
        severed = on.tasks.start(on.talk.severed(), "severed")
        later = on.member("member", generation=2)
        await later.talk.join()
        await on.beat()

        assert on.talk.doubt is DoubtReason.FENCED
        await asyncio.wait_for(severed, 1)
        heard = len(on.home.heard)
        await on.beat(3)
        assert {message.generation for message in on.home.heard[heard:]} == {2}


async def test_another_process_that_speaks_as_this_very_start_fences_it() -> None:
    """A state directory was copied and both were started: only one of them may go on."""
    async with stage() as on:
        on.home.answers = [Stale("")]
        await on.beat()

        assert on.talk.doubt is DoubtReason.FENCED


async def test_whoever_was_declared_dead_stays_so() -> None:
    async with stage() as on:
        retire(on.book, "member", None)
        await on.beat(2)

        assert on.talk.doubt is DoubtReason.RETIRED
        await asyncio.wait_for(on.talk.severed(), 1)
        with pytest.raises(DoubtError, match="declared this member dead"):
            await on.member("member", generation=2).talk.join()


async def test_a_minute_without_a_reply_severs() -> None:
    """Invariant 5, by the boot clock."""
    async with stage() as on:
        severed = on.tasks.start(on.talk.severed(), "severed")
        on.home.cut = "after"
        await on.beat(59)

        assert not severed.done()
        assert 58_000 <= on.talk.silent_ms <= 59_000

        await on.beat(2)

        assert severed.done()


async def test_a_governor_that_is_heard_is_not_severed() -> None:
    async with stage() as on:
        severed = on.tasks.start(on.talk.severed(), "severed")
        await on.beat(90)

        assert on.talk.silent_ms == 0
        assert not severed.done()


async def test_the_strictest_rules_that_anybody_showed_bind() -> None:
    """Invariant 10."""
    async with stage() as on:
        assert on.talk.leniency == LAXEST

        other = on.member("other")
        other.state.contracts["x"].leniency = Leniency.SHADOW
        await other.talk.join()
        await on.beat()

        assert on.talk.leniency == Leniency.SHADOW
