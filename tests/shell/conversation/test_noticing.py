"""What an operator said to one governor binds all, and stands in every journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.conversation.noticing import STEPPED_MS, turned
from governor.core.calendar import Period
from governor.core.ledger.messages import Account, Dated, DoubtReason, Leniency, Reply
from governor.core.ledger.records import Adopted, Vouched, Word
from governor.recovery import loss
from tests.shell.conversation.stage import ACCOUNTS, IDENTITY, WINDOW, Stage, stage

DAY_MS = 86_400_000
OTHER = Account("y", 50, WINDOW.window_ms)


async def word(on: Stage) -> None:
    """Give an operator's word beside a governor that runs, as `governor restore` does."""
    said = loss(on.first.state.contracts["x"], word=True)
    await on.home.declare(replace(said, seen=replace(on.book.identity, epoch=on.book.epoch - 1)))


async def test_an_operators_word_to_the_ledger_is_journaled_by_who_waited_for_it() -> None:
    """Beside a governor that runs, no other process may write into its journal."""
    async with stage() as on:
        on.home.book = None
        await on.beat(2)

        assert on.first.written(Vouched) == []

        await word(on)
        await on.beat(2)

        [vouched] = on.first.written(Vouched)
        assert isinstance(vouched, Vouched)
        assert (vouched.contract, vouched.word) == ("x", Word.RESTORED)


async def test_a_ledger_that_was_lost_again_is_not_taken_for_a_word() -> None:
    """Another governor, whose configuration names all members, has declared that loss."""
    async with stage() as on:
        on.home.book = None
        await on.beat(2)

        assert on.talk.snapshot().awaits_word

        again = loss(on.first.state.contracts["x"], members=("member",))
        await on.home.declare(replace(again, seen=on.book.identity))
        await on.beat(5)

        assert on.talk.doubt is None
        assert on.first.written(Vouched) == []


async def test_a_limit_that_was_raised_elsewhere_is_journaled_before_it_is_used() -> None:
    """Else the next loss would bring the old one back, and no journal explain what was sent."""
    async with stage() as on:
        on.book.accounts["x"].limit = 2_000
        await on.beat()

        adopted = on.first.written(Adopted)[-1]
        assert isinstance(adopted, Adopted)
        assert adopted.accounts == (replace(ACCOUNTS[0], limit=2_000), ACCOUNTS[1])
        assert adopted.identity == IDENTITY
        assert on.first.state.contracts["x"].accounts["x"].limit == 2_000
        await on.first.spend(1_500)


async def test_a_stricter_mode_outlives_the_governor_that_showed_it_and_the_ledger() -> None:
    """What is laxer needs an operator's word, and that a ledger was lost is none."""
    async with stage() as on:
        strict = on.member("strict")
        strict.state.contracts["x"].leniency = Leniency(0)
        await strict.talk.join()
        await on.beat(2)
        await strict.talk.close()
        await on.beat(WINDOW.kept_ms // 1_000 + 2)

        assert on.talk.leniency == Leniency(0)

        on.home.book = None
        await on.beat()
        await word(on)
        await on.beat(6)

        assert on.talk.doubt is None
        assert on.talk.leniency == Leniency(0)


async def test_rules_that_are_as_they_were_are_not_journaled_again() -> None:
    async with stage() as on:
        await on.beat(3)

        assert on.first.written(Adopted) == []


async def test_a_limit_that_another_governor_began_stops_this_one_until_it_is_known() -> None:
    """It binds this one too, whose requests would not be counted under it."""
    async with stage() as on:
        on.book.admit([OTHER, Account("x/video", 5, WINDOW.window_ms)])
        await on.beat()

        assert on.talk.doubt is DoubtReason.RULES

        on.book.accounts["y"].limit = None  # dropped, on an operator's word
        await on.beat()

        assert on.talk.doubt is None


async def test_a_period_that_turned_is_one_that_the_journal_does_not_know_of() -> None:
    """Or knows with other boundaries. One that it knows is none, whatever charges do by now."""
    running = Period(7, 0, DAY_MS)
    reply = Reply("", 1, IDENTITY, 5, 5, 0, 0, open=True, grants=(), usage={})
    by_day = replace(reply, periods={"day UTC": Dated(running, charges=8, lingers=8)})
    async with stage() as on:
        known = on.first.state.contracts["x"]

    wall_offset_ms = known.wall_offset_ms
    reply = replace(reply, store_offset_ms=known.store_offset_ms)
    by_day = replace(by_day, store_offset_ms=known.store_offset_ms)
    assert turned(known, by_day, wall_offset_ms)
    assert not turned(known, reply, wall_offset_ms)
    assert not turned(replace(known, periods={"day UTC": running}), by_day, wall_offset_ms)
    before = replace(known, periods={"day UTC": Period(6, -DAY_MS, 0)})
    assert turned(before, by_day, wall_offset_ms)


@pytest.mark.parametrize("by_ms", [-STEPPED_MS, STEPPED_MS])
async def test_a_clock_that_was_set_is_journaled_at_once_where_dates_are_judged(by_ms: int) -> None:
    """Else for seconds a proof would take it to show what it does not: the store's or our own."""
    running = Period(7, 0, DAY_MS)
    none = Reply("", 1, IDENTITY, 5, 5, 900, 0, open=True, grants=(), usage={})
    reply = replace(none, periods={"day UTC": Dated(running, charges=7, lingers=7)})
    further_ms = by_ms + (1 if by_ms > 0 else -1)
    async with stage() as on:
        first = on.first.state.contracts["x"]
        known = replace(
            first, periods={"day UTC": running}, wall_offset_ms=100, store_offset_ms=900
        )

    assert not turned(known, reply, 100 + by_ms)
    assert turned(known, reply, 100 + further_ms)
    assert turned(known, reply, None)
    assert not turned(known, none, 100 + further_ms)
    assert not turned(known, replace(reply, store_offset_ms=900 + by_ms), 100)
    assert turned(known, replace(reply, store_offset_ms=900 + further_ms), 100)
