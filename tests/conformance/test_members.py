"""Who has a row: how a member joins, leaves, is forgotten, and is declared dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.members import HEARD_MS
from governor.core.ledger.messages import (
    LAXEST,
    Ask,
    DoubtReason,
    Fenced,
    Leniency,
    Reply,
    RowValue,
    Stale,
    Usage,
)
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.recount import RECOUNT_MS
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.core.window import Window
from governor.errors import LedgerError, UsageError
from tests.conformance.damage import RING, TOTAL
from tests.conformance.inside import LEDGER
from tests.conformance.twins import acquainted, joined, reason

if TYPE_CHECKING:
    from tests.conformance.twins import Member, Twins

DAY: Final = Window(86_400_000)
SHARE: Final = f"{TOTAL}/elections"
ONE_POST: Final = Ask(((TOTAL, 1),))


async def granted(member: Member) -> bool:
    """Ask for one post."""
    return (await member.ask(ONE_POST)).grants[0].granted


async def test_a_roster_is_told_until_it_is_journaled(twins: Twins) -> None:
    one = twins.member("one")
    first = await one.ask(whole=one.whole(), roster=0)
    again = await one.ask(roster=0)
    known = await one.ask()

    assert first.roster == again.roster
    assert first.roster is not None
    assert first.roster.entries == (RosterEntry("one", 1),)
    assert known.roster is None


async def test_every_join_makes_a_version(twins: Twins) -> None:
    one = await joined(twins, "one")
    versions = [one.version]
    for _ in range(2):
        one.restart()
        await one.join()
        versions.append(one.version)
    await one.join()  # the whole row again, of the same start

    assert versions == [1, 2, 3]
    assert one.version == 3
    assert one.entries == (RosterEntry("one", 3),)


async def test_the_first_grant_waits_until_all_who_live_have_journaled_the_join(
    twins: Twins,
) -> None:
    one, other = await joined(twins, "one"), await joined(twins, "other")
    assert not await granted(other)
    await one.tell()  # is told of it
    assert not await granted(other)
    await one.tell()  # has journaled it

    assert await granted(other)
    twins.agree()


async def test_a_grant_once_given_waits_for_no_later_join(twins: Twins) -> None:
    one, _ = await acquainted(twins, "one", "other")
    assert await granted(one)
    await joined(twins, "third")

    assert await granted(one)


async def test_a_start_of_a_member_that_was_known_waits_too(twins: Twins) -> None:
    """Others must know its generation: an older journal of it is not to be believed."""
    _, other = await acquainted(twins, "one", "other")
    assert await granted(other)
    other.restart()
    await other.join()

    assert not await granted(other)


@pytest.mark.parametrize(("silent_ms", "waits"), [(HEARD_MS - 1, True), (HEARD_MS, False)])
async def test_who_is_silent_for_long_is_not_waited_for(
    twins: Twins, silent_ms: int, *, waits: bool
) -> None:
    await joined(twins, "one")
    other = await joined(twins, "other")
    twins.pass_ms(silent_ms)

    assert await granted(other) is not waits


async def test_who_has_left_is_not_waited_for(twins: Twins) -> None:
    one = await joined(twins, "one")
    await one.ask(leaving=True)
    other = await joined(twins, "other")

    assert await granted(other)


async def test_the_last_word_needs_that_nothing_is_pending(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(ONE_POST, leaving=True)
    assert member.entries == (RosterEntry("m", 1),)
    await member.ask(values={TOTAL: RowValue(charged=1)}, leaving=True)
    frees_ms = DAY.frees_at(DAY.bucket(twins.book.clocks.high_ms))

    assert member.entries == (RosterEntry("m", 1, MemberStanding.LEFT, frees_ms),)
    assert isinstance(await member.say(), Fenced)
    twins.agree()


async def test_who_leaves_uncharged_is_free_at_once(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.ask(leaving=True)

    assert member.entries == (RosterEntry("m", 1, MemberStanding.LEFT, reply.time_ms),)


async def test_a_last_word_is_repeated_as_it_was(twins: Twins) -> None:
    member = await joined(twins)
    message = member.message(leaving=True)

    assert await member.hear(message) == await member.hear(message)


async def test_who_had_left_comes_back_by_a_new_start(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(leaving=True)
    member.restart()
    await member.join()

    assert member.entries == (RosterEntry("m", 2),)
    assert await granted(member)


@pytest.mark.parametrize(("spare_ms", "kept"), [(0, True), (1, False)])
async def test_who_is_long_gone_with_nothing_left_is_forgotten(
    twins: Twins, spare_ms: int, *, kept: bool
) -> None:
    one, other = await acquainted(twins, "one", "other")
    await other.tell(**{TOTAL: RowValue(charged=5)})
    heard_ms = twins.time_ms
    twins.pass_ms(DAY.kept_ms - RECOUNT_MS)
    await one.tell()
    twins.pass_ms(heard_ms + DAY.kept_ms + spare_ms - one.boot_ms)
    await one.tell()
    await one.tell()
    twins.agree()

    assert (RosterEntry("other", 1) in one.entries) is True
    twins.pass_ms(DAY.bucket_ms + RECOUNT_MS)
    await one.tell()
    assert {entry.member for entry in one.entries} == {"one"}
    assert kept or twins.inside.keys("*other*") == []


async def test_who_holds_posts_is_never_forgotten(twins: Twins) -> None:
    one, other = await acquainted(twins, "one", "other")
    assert await granted(other)
    for _ in range(3):
        twins.pass_ms(DAY.kept_ms + RECOUNT_MS)
        await one.tell()
    twins.agree()

    assert {entry.member for entry in one.entries} == {"one", "other"}


async def test_a_closed_ledger_forgets_nobody(twins: Twins) -> None:
    one, _ = await acquainted(twins, "one", "other")
    await twins.declare()
    twins.pass_ms(2 * DAY.kept_ms)
    reply = await one.restore()
    twins.agree()

    assert reply.awaiting == ("other",)


async def test_what_a_dead_member_held_is_charged_a_window_ahead(twins: Twins) -> None:
    """Nobody saw its requests end."""
    one, dead = await acquainted(twins, "one", "dead")
    await dead.ask(Ask(((TOTAL, 10), (SHARE, 7))), values={TOTAL: RowValue(charged=5)})
    done = await twins.retire("dead")
    frees_ms = DAY.frees_at(DAY.bucket(twins.book.clocks.high_ms + DAY.window_ms))
    reply = await one.ask()

    assert (done.charged, done.frees_ms) == (((TOTAL, 10), (SHARE, 7)), frees_ms)
    assert reply.usage[SHARE] == Usage(7, 0, 300, frees_ms)
    assert (reply.usage[TOTAL].charged, reply.usage[TOTAL].pending) == (15, 0)
    assert one.entries[0] == RosterEntry("dead", 2, MemberStanding.RETIRED, frees_ms)


async def test_a_dead_member_is_heard_no_more(twins: Twins) -> None:
    """Neither the process that was thought dead, nor a later start of it."""
    dead = await joined(twins)
    await twins.retire("m")

    assert reason(await dead.say()) is DoubtReason.RETIRED
    for _ in range(2):
        dead.restart()
        assert reason(await dead.say(whole=dead.whole())) is DoubtReason.RETIRED


async def test_a_death_that_was_charged_half_way_has_left_a_loss(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(ONE_POST)
    twins.inside.setrange(RING, 0, b"\xff" * twins.inside.strlen(RING))
    with pytest.raises(LedgerError, match="cannot hold"):
        await twins.store.retire("m", None)

    doubted = await twins.store.converse(member.message())
    assert reason(doubted) is DoubtReason.MISCOUNTED


async def test_dead_members_are_not_waited_for_by_a_join(twins: Twins) -> None:
    await joined(twins, "dead")
    one = await joined(twins, "one")
    await twins.retire("dead")

    assert await granted(one)


async def test_retiring_twice_charges_once(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(ONE_POST)

    assert (await twins.retire("m")).charged == ((TOTAL, 1),)
    assert (await twins.retire("m", 500)).charged == ()


@pytest.mark.parametrize(
    ("word", "charged"),
    [(None, ((TOTAL, 1_000), (SHARE, 300))), (40, ((TOTAL, 40), (SHARE, 40))), (0, ())],
)
async def test_of_a_row_from_before_a_loss_the_whole_limit_is_charged(
    twins: Twins, word: int | None, charged: tuple[tuple[str, int], ...]
) -> None:
    """The row may be older than the journal that is gone; only an operator may know better."""
    one, dead = await acquainted(twins, "one", "dead")
    await dead.ask(Ask(((TOTAL, 10),)), values={TOTAL: RowValue(charged=5)})
    await twins.declare()
    await one.restore()
    assert (await twins.retire("dead", word)).charged == charged
    twins.pass_ms(GRACE_MS)
    reply = await one.ask()
    twins.pass_ms(2 * RECOUNT_MS)

    assert reply.open
    assert reply.usage[TOTAL].charged == dict(charged).get(TOTAL, 0)
    assert isinstance(await one.say(), Reply)


async def test_a_name_that_only_a_journal_knows_can_be_retired(twins: Twins) -> None:
    one = await joined(twins, "one")
    await twins.declare(roster=(RosterEntry("stranger", 7),))
    await one.restore()
    twins.pass_ms(GRACE_MS)
    assert (await one.ask()).awaiting == ("stranger",)
    await twins.retire("stranger")

    assert (await one.ask()).open
    assert one.entries[1].generation == 8


async def test_after_another_loss_a_dead_member_counts_as_it_was_retired(twins: Twins) -> None:
    one, dead = await acquainted(twins, "one", "dead")
    await dead.ask(Ask(((TOTAL, 10),)))
    await twins.retire("dead")
    await twins.declare()
    await one.restore()
    twins.pass_ms(GRACE_MS)
    reply = await one.ask()
    twins.agree()

    assert reply.open
    assert reply.usage[TOTAL].charged == 10


async def test_after_an_emptied_ledger_a_dead_member_is_retired_again(twins: Twins) -> None:
    """Journals know that it is dead, but not what it was charged."""
    one, dead = await acquainted(twins, "one", "dead")
    await dead.ask(ONE_POST)
    await twins.retire("dead")
    await one.tell()
    await twins.declare(emptied=True, word=True)
    await one.restore()
    twins.pass_ms(GRACE_MS)
    assert (await one.ask()).awaiting == ("dead",)
    assert dict((await twins.retire("dead", 30)).charged)[TOTAL] == 30

    assert (await one.ask()).open


async def test_who_has_no_row_cannot_be_retired(twins: Twins) -> None:
    await acquainted(twins, "one", "other")
    before = twins.copy()
    with pytest.raises(UsageError, match="these have: one, other"):
        await twins.store.retire("nobody", None)

    assert before.keys == twins.copy().keys


async def test_a_message_that_was_abandoned_changes_nothing_later(twins: Twins) -> None:
    """What it was granted is dropped by the next one, which tells the row as it stands."""
    member = await joined(twins)
    abandoned = member.message(asks=(Ask(((TOTAL, 400),)),))
    await twins.say(abandoned)
    late = member.message(asks=(Ask(((TOTAL, 300),)),))
    reply = await member.tell(**{TOTAL: RowValue(7, 3)})

    assert (reply.usage[TOTAL].pending, reply.usage[TOTAL].charged) == (7, 3)
    assert isinstance(await twins.say(late), Stale)
    assert isinstance(await twins.say(abandoned), Stale)


async def test_a_clock_that_was_read_too_early_is_anchored_again(twins: Twins) -> None:
    """Its reply took long: the reading that was anchored at T was old by then."""
    member = await joined(twins)
    member.boot_ms += 1_500  # within what clocks may differ, so nobody called it stepped
    twins.lead(member.boot_ms - 1_500)
    reply = await member.hear(member.message(anchor=True))

    assert isinstance(reply, Reply)
    assert reply.boot_offset_ms == member.boot_ms - reply.time_ms
    assert reply.stepped == ()


async def test_the_strictest_rules_that_were_shown_bind_all(twins: Twins) -> None:
    one = await joined(twins, "one")
    assert (await one.ask()).leniency is LAXEST
    other = twins.member("other")
    await other.join(leniency=Leniency.SHADOW | Leniency.ERRORS_FREE)
    one.restart()
    await one.join(leniency=Leniency.SHADOW | Leniency.RECEIVED)

    assert (await other.ask()).leniency is Leniency.SHADOW
    twins.agree()


async def test_only_rows_of_the_epoch_are_recounted(twins: Twins) -> None:
    one, other = await acquainted(twins, "one", "other")
    await other.tell(**{TOTAL: RowValue(30, 20)})
    await twins.declare()
    await one.restore()
    twins.pass_ms(2 * RECOUNT_MS)
    reply = await one.ask()
    turn = twins.inside.hget(LEDGER, "turn")

    assert turn == "2"
    assert (reply.usage[TOTAL].pending, reply.usage[TOTAL].charged) == (0, 0)
