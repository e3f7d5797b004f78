"""A member that goes down says its last word, and keeps nobody waiting."""

from __future__ import annotations

import asyncio

from governor.conversation import RETRY_MS
from governor.core.ledger.decisions import Doubted
from governor.core.ledger.messages import DoubtReason
from governor.core.ledger.roster import MemberStanding
from tests.shell.conversation.stage import stage


async def test_closing_tells_the_ledger_what_it_has_not_heard_and_takes_leave() -> None:
    async with stage() as on:
        hold, _ = await on.reserve(100)
        on.talk.end(hold, (("x", 70), ("x/default", 70)), lingers=True)
        await on.talk.close()

        assert on.usage == (70, 0)
        assert on.book.members.rows["member"].standing is MemberStanding.LEFT
        assert (await on.reserve(1))[1] == Doubted(DoubtReason.CLOSED)


async def test_who_still_holds_something_takes_no_leave() -> None:
    """What is pending there, the next start of this member charges."""
    async with stage() as on:
        await on.reserve(100)
        await on.talk.close()

        assert not on.home.heard[-1].leaving
        assert on.book.members.rows["member"].standing is MemberStanding.ACTIVE
        assert on.usage == (0, 100)


async def test_who_finds_the_ledger_lost_with_its_last_word_restores_its_row_first() -> None:
    """Else all would wait for it: hosts are often restarted one with the other."""
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        await on.beat(2)
        on.home.run_id = "later"
        await other.talk.close()
        await other.crash()
        await on.beat(5)

        assert on.book.members.rows["other"].standing is MemberStanding.LEFT
        assert on.talk.doubt is None


async def test_closing_keeps_nobody_waiting_for_a_ledger_that_is_away() -> None:
    async with stage() as on:
        on.home.cut = "before"
        await on.beat()
        heard = len(on.home.heard)
        closing = on.tasks.start(on.talk.close(), "close")
        await on.settle()
        on.clock.advance_ms(RETRY_MS)
        await asyncio.wait_for(closing, 1)

        assert len(on.home.heard) == heard
        assert len(on.tasks) == 0


async def test_a_talk_that_never_began_ends_without_a_word() -> None:
    async with stage(joined=False) as on:
        await on.talk.close()

        assert on.home.sent == []
