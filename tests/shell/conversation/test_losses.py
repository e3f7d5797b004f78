"""Invariant 3: a ledger that was lost is closed for all until all have restored their rows.

Nobody acts but the governors themselves, and what they have on the way stays held throughout.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.decisions import Doubted, Granted
from governor.core.ledger.loss import retire
from governor.core.ledger.messages import Doubt, DoubtReason, Identity, Leniency
from governor.core.ledger.records import Adopted, Rostered
from governor.core.ledger.roster import RosterEntry
from governor.errors import DoubtError
from governor.recovery import loss
from tests.shell.conversation.stage import IDENTITY, Member, Stage, a_hold, stage

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_BEATS = 4  # three seconds for those whom nobody knows, and the message that opens


def restarted(on: Stage) -> None:
    """Start the server again on its files: its run has another name."""
    on.home.run_id = f"{on.home.run_id}-again"


def emptied(on: Stage) -> None:
    on.home.book = None


def miscounted(on: Stage) -> None:
    on.book.sound = False


def rolled_back(on: Stage) -> None:
    on.book.members.rows["member"].seq = 0


LOSSES = {
    DoubtReason.FOREIGN: restarted,
    DoubtReason.MISCOUNTED: miscounted,
    DoubtReason.ROLLED_BACK: rolled_back,
    DoubtReason.MISSING: emptied,
}


async def word(on: Stage) -> None:
    """Give an operator's word, as `governor restore` does."""
    said = loss(on.first.state.contracts["x"], word=True)
    if on.home.book is not None:
        said = replace(said, seen=replace(on.book.identity, epoch=on.book.epoch - 1))
    await on.home.declare(said)


@pytest.mark.parametrize(("reason", "lose"), LOSSES.items(), ids=[each.value for each in LOSSES])
async def test_a_loss_is_declared_journaled_and_restored(
    reason: DoubtReason, lose: Callable[[Stage], None]
) -> None:
    async with stage() as on:
        await on.first.spend(300)
        await on.reserve(200)
        lose(on)
        await on.beat()

        assert on.ear.doubts[1:] == [reason, DoubtReason.CLOSED]
        adopted = on.first.written(Adopted)[-1]
        assert isinstance(adopted, Adopted)
        assert adopted.identity == on.book.identity != IDENTITY
        assert (await on.reserve(1))[1] == Doubted(DoubtReason.CLOSED)
        assert on.usage == (300, 200)

        if reason is DoubtReason.MISSING:
            await word(on)
        await on.beat(GRACE_BEATS)

        assert on.talk.doubt is None
        assert on.usage == (300, 200)
        assert isinstance((await on.reserve(500))[1], Granted)


async def test_the_identity_is_durable_before_anything_is_restored_under_it() -> None:
    """Invariant 1: forgotten in a crash, it would look like another loss."""
    async with stage() as on:
        restarted(on)
        on.journal.stuck.clear()
        await on.beat()

        assert len(on.home.declared) == 1
        assert on.home.heard[-1].identity == IDENTITY

        on.journal.stuck.set()
        await on.settle()

        assert on.home.heard[-1].identity == on.book.identity


@pytest.mark.parametrize(("silent_beats", "vouches"), [(0, True), (4, True), (6, False)])
async def test_only_who_was_heard_until_the_loss_vouches_for_those_who_left(
    silent_beats: int, *, vouches: bool
) -> None:
    """Whoever comes back waits for those who were heard in the last ten seconds, for no other."""
    async with stage() as on:
        on.home.cut = "before"
        await on.beat(silent_beats)
        on.home.cut = ""
        restarted(on)
        await on.beat()

        assert on.home.declared[-1].vouches is vouches


async def test_a_start_vouches_for_nobody() -> None:
    """It has been away: members may have come back and gone meanwhile."""
    async with stage(joined=False) as on:
        restarted(on)
        await on.talk.join()

        assert not on.home.declared[-1].vouches


async def test_a_loss_makes_no_rule_laxer() -> None:
    """Invariant 10."""
    async with stage(joined=False) as on:
        on.first.state.contracts["x"].leniency = Leniency.SHADOW
        await on.talk.join()
        restarted(on)
        await on.beat(GRACE_BEATS)

        assert on.first.state.contracts["x"].leniency == Leniency.SHADOW
        assert on.book.leniency == Leniency.SHADOW


async def test_an_empty_ledger_waits_for_an_operator_who_knows_all() -> None:
    async with stage() as on:
        emptied(on)
        await on.beat(10)
        seen = on.talk.snapshot()

        assert (seen.doubt, seen.awaits_word) == (DoubtReason.CLOSED, True)
        assert on.ear.awaited == [((), True)]

        await word(on)
        await on.beat()

        assert on.talk.doubt is None


async def test_an_empty_ledger_opens_by_itself_when_all_members_are_named() -> None:
    async with stage(members=("member", "other")) as on:
        other = on.member("other", members=("member", "other"))
        await other.talk.join()
        await on.beat()
        emptied(on)
        await on.beat(GRACE_BEATS)

        assert (on.talk.doubt, other.talk.doubt) == (None, None)


async def test_a_named_member_that_nobody_ever_saw_is_waited_for() -> None:
    async with stage(members=("member", "other")) as on:
        emptied(on)
        await on.beat(10)

        assert on.talk.snapshot().awaiting == ("other",)


async def test_it_stays_closed_until_everybody_has_restored() -> None:
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        await on.beat()
        await other.spend(400)
        await other.crash()
        emptied(on)
        await word(on)
        await on.beat(GRACE_BEATS)

        assert on.talk.snapshot().awaiting == ("other",)
        assert on.ear.awaited[-1] == (("other",), False)
        assert set(on.talk.snapshot().members) == {"member", "other"}

        await again(on, other).talk.join()
        await on.beat(2)

        assert on.ear.doubts[-2:] == [DoubtReason.CLOSED, None]
        assert on.usage[0] == 400


def again(on: Stage, member: Member) -> Member:
    """Return the next start of a member, on the journal that it left."""
    later = on.member(member.state.member, generation=member.state.generation + 1)
    for record in member.journal.records:
        later.state.apply(record)
    later.state.contracts["x"].totals = dict(member.state.contracts["x"].spread)
    return later


async def test_two_that_notice_one_loss_restore_in_the_same_ledger() -> None:
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        await on.beat()
        restarted(on)
        await on.beat(GRACE_BEATS + 1)

        assert (on.talk.doubt, other.talk.doubt) == (None, None)
        assert [each.seen.epoch for each in on.home.declared] == [1, 1]
        assert on.first.state.contracts["x"].identity == on.book.identity
        assert other.state.contracts["x"].identity == on.book.identity


async def test_a_loss_whose_declaration_was_not_answered_happens_once() -> None:
    async with stage() as on:
        restarted(on)
        on.home.cut = "after"
        await on.beat()
        on.home.cut = ""
        await on.beat()
        identity = on.book.identity
        await on.beat(GRACE_BEATS)

        assert on.talk.doubt is None
        assert on.book.identity == identity


async def test_a_ledger_that_is_lost_again_and_again_is_not_asked_without_a_pause() -> None:
    async with stage() as on:
        on.home.answers = [Doubt("", DoubtReason.FOREIGN)] * 10
        await on.beat()

        assert len(on.home.declared) == 2  # the first one's row was tried at once

        await on.beat()

        assert len(on.home.declared) == 3


async def test_a_row_that_is_not_there_is_brought_again() -> None:
    async with stage() as on:
        await on.first.spend(300)
        on.home.answers = [Doubt("", DoubtReason.UNKNOWN_ROW)]
        await on.beat()

        assert on.home.heard[-1].whole is not None
        assert on.home.declared == []
        assert on.talk.doubt is None
        assert on.usage == (300, 0)


async def test_a_start_on_a_lost_ledger_comes_up_and_refuses_until_it_opens() -> None:
    """Crawlers get an answer that says when to return; nobody has to be there."""
    async with stage(joined=False) as on:
        restarted(on)
        await on.talk.join()

        assert (await on.reserve(1))[1] == Doubted(DoubtReason.CLOSED)

        await on.beat(GRACE_BEATS)

        assert isinstance((await on.reserve(1))[1], Granted)


@pytest.mark.parametrize(
    "reason",
    [
        DoubtReason.EVICTING,
        DoubtReason.BEHIND,
        DoubtReason.RULES,
        DoubtReason.SCHEMA,
        DoubtReason.RETIRED,
    ],
)
async def test_a_start_that_only_an_operator_can_help_ends_with_the_remedy(
    reason: DoubtReason,
) -> None:
    async with stage(joined=False) as on:
        on.home.answers = [Doubt("", reason)]

        with pytest.raises(DoubtError, match=f"cannot be trusted \\({reason}\\): "):
            await on.talk.join()


async def test_a_loss_that_the_row_does_not_fit_is_an_operators_too() -> None:
    async with stage(joined=False) as on:
        on.home.answers = [Doubt("", DoubtReason.FOREIGN), Doubt("", DoubtReason.BEHIND)]

        with pytest.raises(DoubtError, match="journal is older"):
            await on.talk.join()


async def test_who_waits_when_the_ledger_is_lost_is_refused_at_once() -> None:
    async with stage() as on:
        await on.reserve(1_000)
        asked = on.tasks.start(on.talk.reserve(a_hold(1), patience_ms=60_000), "reserve")
        await on.settle()
        restarted(on)
        await on.beat()

        assert isinstance(await asked, Doubted)


async def test_the_journal_knows_after_a_loss_who_must_restore() -> None:
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        await on.beat()
        restarted(on)
        await on.beat(GRACE_BEATS)
        roster = on.first.written(Rostered)[-1]

        assert isinstance(roster, Rostered)
        assert roster.entries == (RosterEntry("member", 1), RosterEntry("other", 1))


async def test_a_member_declared_dead_is_not_waited_for() -> None:
    async with stage() as on:
        other = on.member("other")
        await other.talk.join()
        await on.beat()
        retire(on.book, "other", None)
        await on.beat(2)
        restarted(on)
        await on.beat(GRACE_BEATS)

        assert on.talk.doubt is None


async def test_another_ledger_is_never_taken_for_the_one_that_is_journaled() -> None:
    async with stage() as on:
        on.book.identity = Identity(1, "run", "another history")
        await on.beat()

        assert on.ear.doubts[1:] == [DoubtReason.FOREIGN, DoubtReason.CLOSED]
