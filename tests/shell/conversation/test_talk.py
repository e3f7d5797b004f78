"""One member's talk with a ledger: asked in order, told in absolutes, doubted when in doubt."""

from __future__ import annotations

import asyncio

import pytest

from governor.conversation import MOST_WAITING
from governor.core.ledger.decisions import Doubted, Granted, Refused
from governor.core.ledger.holds import State
from governor.core.ledger.messages import Doubt, DoubtReason
from governor.core.ledger.records import Stamped
from governor.errors import DoubtError
from tests.shell.conversation.stage import Slow, a_hold, stage


async def test_what_fits_is_granted_on_all_of_its_accounts() -> None:
    async with stage() as on:
        hold, decision = await on.reserve(100)

        assert decision == Granted(waited_ms=0)
        assert hold.state is State.GRANTED
        await on.beat()
        assert on.usage == (0, 100)


async def test_what_never_fits_is_refused_for_good_however_patient() -> None:
    async with stage() as on:
        _, decision = await on.reserve(1_001, patience_ms=60_000)

        assert isinstance(decision, Refused)
        assert decision.grant.never


async def test_an_impatient_ask_is_refused_with_the_time_at_which_it_fits() -> None:
    async with stage() as on:
        hold, _ = await on.reserve(1_000)
        on.talk.end(hold, hold.amounts, lingers=False)
        await on.beat()
        _, decision = await on.reserve(1)

        assert isinstance(decision, Refused)
        assert decision.retry_ms is not None
        on.clock.advance_ms(decision.retry_ms - 1)
        assert isinstance((await on.reserve(1))[1], Refused)
        on.clock.advance_ms(1)
        assert isinstance((await on.reserve(1))[1], Granted)


async def test_a_patient_ask_waits_until_it_fits() -> None:
    async with stage() as on:
        first, _ = await on.reserve(1_000)
        second = a_hold(10)
        asked = on.tasks.start(on.talk.reserve(second, patience_ms=4_000), "reserve")
        await on.settle()

        assert not asked.done()

        on.talk.end(first, (("x", 990), ("x/default", 990)), lingers=False)
        await on.settle()

        assert isinstance(await asked, Granted)


async def test_a_patient_ask_is_refused_when_its_time_is_up_and_not_before() -> None:
    async with stage() as on:
        await on.reserve(1_000)
        asked = on.tasks.start(on.talk.reserve(a_hold(10), patience_ms=400), "reserve")
        for _ in range(3):
            await on.settle()
            on.clock.advance_ms(100)
            await on.settle()

            assert not asked.done()

        on.clock.advance_ms(100)
        await on.settle()

        assert isinstance(await asked, Refused)


async def test_who_waits_is_served_in_the_order_of_arrival() -> None:
    """A small ask does not overtake a patient large one."""
    async with stage() as on:
        first, _ = await on.reserve(900)
        large = on.tasks.start(on.talk.reserve(a_hold(500), patience_ms=4_000), "large")
        await on.settle()
        small = on.tasks.start(on.talk.reserve(a_hold(50), patience_ms=4_000), "small")
        await on.settle()

        assert not large.done()
        assert not small.done()

        on.talk.end(first, (), lingers=False)
        await on.settle()

        assert isinstance(await large, Granted)
        assert isinstance(await small, Granted)


async def test_a_grant_that_nobody_waits_for_any_more_is_given_back() -> None:
    async with stage() as on:
        hold = a_hold(700)
        asked = on.tasks.start(on.talk.reserve(hold, patience_ms=0), "reserve")
        await asyncio.sleep(0)
        asked.cancel()
        await on.settle()
        on.talk.end(hold, (), lingers=False)
        await on.beat()

        assert on.usage == (0, 0)


async def test_it_is_given_back_though_the_same_message_told_of_its_account() -> None:
    async with stage() as on:
        line = Slow(on.home)
        line.arrives.set()
        other = on.member("other", line=line)
        await other.talk.join()
        await on.beat()
        first, _ = await other.reserve(200)
        line.arrives.clear()
        hold = a_hold(700)
        asked = on.tasks.start(other.talk.reserve(hold, patience_ms=0), "reserve")
        other.talk.end(first, first.amounts, lingers=False)
        await on.settle()
        asked.cancel()
        await on.settle()
        line.arrives.set()
        other.talk.end(hold, (), lingers=False)
        await on.beat(2)

        assert on.usage == (200, 0)


async def test_what_a_script_that_failed_may_have_granted_is_given_back() -> None:
    """It keeps what it wrote before it failed."""
    async with stage() as on:
        on.home.answers = [Doubt("", DoubtReason.ERROR)]
        _, decision = await on.reserve(100)

        assert decision == Doubted(DoubtReason.ERROR)

        await on.beat(2)

        assert on.usage == (0, 0)


async def test_a_disk_that_does_not_answer_is_not_asked_again_and_again() -> None:
    async with stage() as on:
        on.journal.stuck.clear()
        await on.beat(35)

        assert len(on.tasks) == 3  # the talk, the vigil, and one stamp on its way


async def test_what_was_charged_is_told_and_stamped_in_the_journal() -> None:
    async with stage() as on:
        hold, _ = await on.reserve(100)
        on.talk.end(hold, (("x", 70), ("x/default", 70)), lingers=False)
        await on.settle()

        assert on.usage == (70, 0)
        stamped = [record for record in on.journal.records if isinstance(record, Stamped)]
        assert dict(stamped[-1].spread)["x"].charged == 70


async def test_an_unanswered_message_is_abandoned_and_all_of_it_told_anew() -> None:
    """Invariant 2: the ledger may have heard it. Its grants are given back by absolute values."""
    async with stage() as on:
        on.home.cut = "after"
        hold, decision = await on.reserve(100)

        assert decision == Doubted(DoubtReason.UNREACHABLE)

        on.talk.end(hold, (), lingers=False)
        on.clock.advance_ms(200)
        await on.settle()
        on.home.cut = ""
        on.clock.advance_ms(200)
        await on.settle()
        heard = on.home.heard
        assert [len(message.asks) for message in heard if message.asks] == [1]
        assert [message.seq for message in heard] == list(range(1, len(heard) + 1))
        await on.beat()
        assert on.usage == (0, 0)
        assert isinstance((await on.reserve(1_000))[1], Granted)


async def test_while_the_ledger_does_not_answer_every_ask_is_refused_at_once() -> None:
    async with stage() as on:
        on.home.cut = "before"
        await on.beat()

        assert (await on.reserve(1, patience_ms=60_000))[1] == Doubted(DoubtReason.UNREACHABLE)


@pytest.mark.parametrize("reason", [DoubtReason.ERROR, DoubtReason.EVICTING])
async def test_a_ledger_in_doubt_refuses_and_is_asked_again(reason: DoubtReason) -> None:
    async with stage() as on:
        on.home.answers = [Doubt("", reason)]
        await on.beat()

        assert (await on.reserve(1))[1] == Doubted(reason)

        seq = on.home.heard[-1].seq
        await on.beat()

        assert on.home.heard[-1].seq == seq + 1


async def test_a_journal_that_fails_puts_everything_in_doubt() -> None:
    async with stage() as on:
        on.journal.failing = True
        hold, _ = await on.reserve(100)
        on.talk.end(hold, hold.amounts, lingers=False)
        await on.settle()

        assert (await on.reserve(1))[1] == Doubted(DoubtReason.JOURNAL)


async def test_a_ledger_that_will_not_have_us_ends_the_start() -> None:
    async with stage(joined=False) as on:
        on.home.answers = [Doubt("", DoubtReason.EVICTING)]

        with pytest.raises(DoubtError, match="maxmemory-policy"):
            await on.talk.join()


async def test_a_ledger_that_cannot_be_reached_is_joined_when_it_can() -> None:
    async with stage(joined=False) as on:
        on.home.cut = "before"
        await on.talk.join()

        assert (await on.reserve(1))[1] == Doubted(DoubtReason.UNREACHABLE)

        on.home.cut = ""
        on.clock.advance_ms(200)
        await on.settle()

        assert isinstance((await on.reserve(1))[1], Granted)


async def test_shadow_mode_holds_what_the_ledger_refused() -> None:
    async with stage() as on:
        await on.reserve(1_000)
        hold, _ = await on.reserve(500)
        on.talk.take(hold)
        await on.beat()

        assert on.usage == (0, 1_500)


async def test_the_queue_has_an_end() -> None:
    async with stage() as on:
        await on.reserve(1_000)
        for _ in range(MOST_WAITING):
            on.tasks.start(on.talk.reserve(a_hold(1), patience_ms=60_000), "reserve")
        await asyncio.sleep(0)

        assert isinstance(await on.talk.reserve(a_hold(1), patience_ms=60_000), Refused)


async def test_a_snapshot_says_what_the_last_reply_said() -> None:
    async with stage() as on:
        await on.reserve(100)
        on.clock.advance_ms(500)
        seen = on.talk.snapshot()

        assert (seen.contract, seen.doubt, seen.holds, seen.waiting) == ("x", None, 1, 0)
        assert (seen.oldest_hold_ms, seen.doubt_ms) == (500, None)
        assert (seen.members, seen.awaiting, seen.awaits_word) == (("member",), (), False)


async def test_a_snapshot_says_since_when_the_ledger_is_in_doubt() -> None:
    async with stage() as on:
        on.home.answers = [Doubt("", DoubtReason.EVICTING)] * 3
        await on.beat(3)

        assert on.talk.snapshot().doubt is DoubtReason.EVICTING
        assert on.talk.snapshot().doubt_ms == 2_000


async def test_the_heart_beats_as_told() -> None:
    async with stage(heartbeat_ms=30_000) as on:
        heard = len(on.home.heard)
        await on.beat(29)

        assert len(on.home.heard) == heard

        await on.beat()

        assert len(on.home.heard) == heard + 1


async def test_time_and_its_offsets_are_journaled_every_ten_seconds() -> None:
    """After a loss ledger time goes on from there."""
    async with stage() as on:
        stamps = len(on.first.written(Stamped))
        await on.beat(9)

        assert len(on.first.written(Stamped)) == stamps

        await on.beat()
        last = on.first.written(Stamped)[-1]

        assert isinstance(last, Stamped)
        assert last.time_ms == on.talk.time_ms == on.first.state.contracts["x"].time_ms
        assert last.wall_offset_ms is None

        on.clock.synchronise(to=True)
        await on.beat(10)
        last = on.first.written(Stamped)[-1]

        assert isinstance(last, Stamped)
        assert last.wall_offset_ms == on.clock.wall_ms() - last.time_ms
        assert len(on.first.written(Stamped)) == stamps + 2


async def test_a_talk_that_ends_by_a_defect_refuses_and_keeps_nobody_waiting() -> None:
    async with stage() as on:
        patient = on.tasks.start(on.talk.reserve(a_hold(2_000), patience_ms=4_000), "patient")
        on.home.answers = ["no answer"]  # type: ignore[list-item]  # a defect of the home's
        await on.settle()

        assert [type(each) for each in on.failures] == [TypeError]
        on.failures.clear()
        assert await asyncio.wait_for(patient, 1) == Doubted(DoubtReason.CLOSED)
        assert (await on.reserve(1))[1] == Doubted(DoubtReason.CLOSED)


async def test_who_waits_is_asked_for_again_at_the_very_time_it_fits() -> None:
    async with stage() as on:
        first, _ = await on.reserve(1_000)
        on.talk.end(first, first.amounts, lingers=False)
        await on.beat()
        _, refused = await on.reserve(1)
        assert isinstance(refused, Refused)
        assert refused.retry_ms is not None
        asked = on.tasks.start(on.talk.reserve(a_hold(1), patience_ms=60_000), "reserve")
        await on.settle()
        left_ms = refused.retry_ms
        while left_ms > 1:  # heartbeats in between, as time passes
            on.clock.advance_ms(step_ms := min(1_000, left_ms - 1))
            left_ms -= step_ms
            await on.settle()

        assert not asked.done()

        on.clock.advance_ms(6)  # at most SOONEST_MS late
        await on.settle()

        assert isinstance(await asked, Granted)
