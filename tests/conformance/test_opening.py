"""After a loss nothing is granted before everybody whom anybody knows has spoken (invariant 3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.messages import Ask, Fenced, Loss, Reply, RowValue, WholeRow
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.core.window import Window
from tests.conformance.damage import TOTAL
from tests.conformance.inside import LEDGER
from tests.conformance.twins import acquainted

if TYPE_CHECKING:
    from tests.conformance.twins import Member, Twins

DAY: Final = Window(86_400_000)
SHARE: Final = f"{TOTAL}/elections"


@pytest.fixture
async def two(twins: Twins) -> tuple[Member, Member]:
    """Give two members that have journaled each other."""
    return await acquainted(twins, "one", "two")


async def test_it_opens_when_the_last_has_brought_its_row(two: tuple[Member, Member]) -> None:
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(100, 800)})
    await twins.declare()
    await one.restore()
    twins.pass_ms(GRACE_MS)
    closed = await one.ask(Ask(((TOTAL, 1),)))
    await other.restore()
    await one.tell()
    await other.tell()
    opened = await one.ask(Ask(((TOTAL, 101),)), Ask(((TOTAL, 100),)))

    assert (closed.open, closed.awaiting) == (False, ("two",))
    assert not closed.grants[0].granted
    assert (opened.open, opened.awaiting) == (True, ())
    assert [grant.granted for grant in opened.grants] == [False, True]


async def test_the_living_have_time_to_show_themselves(two: tuple[Member, Member]) -> None:
    """One that joined in the moments that the ledger lost is in nobody's journal but its own."""
    one, other = two
    await one.twins.declare(emptied=True, word=True)
    one.entries = other.entries = ()
    one.boot_ms += GRACE_MS - 1
    assert not (await one.restore()).open
    one.boot_ms += 1
    other.boot_ms = one.boot_ms

    assert (await other.restore()).open


async def test_a_journal_that_is_ahead_does_not_shorten_that_time(
    two: tuple[Member, Member],
) -> None:
    one, other = two
    twins = one.twins
    await twins.declare()
    await one.restore()
    twins.pass_ms(GRACE_MS // 2)
    ahead_ms = twins.time_ms + GRACE_MS
    await other.restore(whole=WholeRow({}, {}, ahead_ms, ahead_ms + 7, None), values={})
    twins.agree()

    assert not (await other.ask()).open
    twins.pass_ms(GRACE_MS)
    assert (await other.ask()).open or (await one.ask()).open


async def test_of_a_closed_ledger_no_clock_is_called_stepped(two: tuple[Member, Member]) -> None:
    """Its time stood still meanwhile, so every clock is ahead."""
    one, _ = two
    await one.twins.declare()
    one.boot_ms += 60_000
    reply = await one.restore()

    assert reply.stepped == ()
    one.twins.agree()


@pytest.mark.parametrize("passed_ms", [0, DAY.window_ms])
async def test_who_had_left_counts_again_as_it_stood(
    two: tuple[Member, Member], passed_ms: int
) -> None:
    """A Redis that only restarted has its last word: nobody need start that governor for it."""
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, 900, 40), SHARE: RowValue(0, 5)})
    await other.ask(leaving=True)
    await one.tell()
    twins.pass_ms(passed_ms)
    await one.tell()
    await twins.declare(vouches=True)
    await one.restore()
    twins.pass_ms(GRACE_MS)
    reply = await one.ask()
    twins.agree()

    assert reply.open
    assert [entry.member for entry in one.entries] == ["one", "two"]
    assert (reply.usage[TOTAL].charged, reply.usage[SHARE].charged) == (940, 5)
    assert isinstance(await other.say(whole=other.whole()), Fenced)


async def test_who_had_left_and_is_free_is_dropped(two: tuple[Member, Member]) -> None:
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, 900)})
    await other.ask(leaving=True)
    await one.tell()
    twins.pass_ms(DAY.frees_at(DAY.bucket(twins.book.clocks.high_ms)) - twins.time_ms + 1)
    await one.tell()
    await twins.declare(vouches=True)
    await one.restore()
    twins.pass_ms(GRACE_MS)
    reply = await one.ask()
    twins.agree()

    assert reply.open
    assert [entry.member for entry in one.entries] == ["one"]
    assert twins.inside.keys("*two*") == []


@pytest.mark.parametrize("posts", [0, 900])
async def test_who_had_left_is_waited_for_until_somebody_vouches_for_it(
    two: tuple[Member, Member], posts: int
) -> None:
    """A copy put back may show it gone, though it came back and collected while we were away."""
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, posts)})
    await other.ask(leaving=True)
    await one.tell()
    await twins.declare()
    await one.restore()
    twins.pass_ms(GRACE_MS)
    assert (await one.ask()).awaiting == ("two",)
    await twins.declare(seen=replace(twins.identity, epoch=1), vouches=True)

    reply = await one.ask()
    assert (reply.open, reply.usage[TOTAL].charged) == (True, posts)


@pytest.mark.parametrize(("vouches", "charged"), [(True, 900), (False, 1_000)])
async def test_who_had_left_is_retired_for_its_last_word_only_if_somebody_vouches_for_it(
    two: tuple[Member, Member], *, vouches: bool, charged: int
) -> None:
    """The word is that it is dead, not that it never came back."""
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, 900)})
    await other.ask(leaving=True)
    await one.tell()
    await twins.declare(vouches=vouches)
    await one.restore()
    await twins.retire("two", None)
    twins.pass_ms(GRACE_MS)

    reply = await one.ask()
    assert (reply.open, reply.usage[TOTAL].charged) == (True, charged)


async def test_who_had_left_an_emptied_ledger_is_waited_for_until_it_is_free(
    two: tuple[Member, Member],
) -> None:
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, 5)})
    left = await other.ask(leaving=True)
    await one.tell()
    await twins.declare(emptied=True, word=True)
    await one.restore()
    assert left.roster is not None
    frees_ms = left.roster.entries[1].frees_ms
    twins.pass_ms(frees_ms - one.boot_ms - 1)
    assert (await one.ask()).awaiting == ("two",)
    twins.pass_ms(1)

    assert (await one.ask()).open
    assert frees_ms == DAY.frees_at(DAY.bucket(left.high_ms))


async def test_a_last_word_from_beyond_what_time_is_left_is_waited_for(
    two: tuple[Member, Member],
) -> None:
    """The ledger's time is gone too, and the journal that is there ends days before."""
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(0, 900)})
    await other.ask(leaving=True)
    twins.inside.hdel(LEDGER, "time", "high")
    past_ms = twins.time_ms - 3 * DAY.window_ms
    loss = Loss(twins.identity, past_ms, past_ms, twins.rules(), (), vouches=True)
    identity = await twins.store.declare(loss)
    whole = WholeRow({}, {}, past_ms, past_ms, None)
    reply = await twins.store.converse(one.message(identity=identity, whole=whole))

    assert isinstance(reply, Reply)
    assert reply.awaiting == ("two",)


async def test_a_later_start_makes_the_last_word_worthless(two: tuple[Member, Member]) -> None:
    """The ledger was put back from a copy in which it had left; a journal knows better."""
    one, other = two
    twins = one.twins
    await other.ask(leaving=True)
    await twins.declare(roster=(RosterEntry("two", 2),))
    await one.restore()
    twins.pass_ms(GRACE_MS)

    assert (await one.ask()).awaiting == ("two",)


async def test_a_row_that_a_journal_outdates_counts_no_more(two: tuple[Member, Member]) -> None:
    """A process of an earlier start restored first; the later one must still be heard."""
    one, other = two
    twins = one.twins
    await other.tell(**{TOTAL: RowValue(20, 5)})
    await twins.declare()
    assert (await other.restore()).usage[TOTAL].charged == 5
    one.entries = (RosterEntry("one", 1), RosterEntry("two", 2))
    reply = await one.restore()
    twins.agree()

    assert reply.awaiting == ("two",)
    assert (reply.usage[TOTAL].charged, reply.usage[TOTAL].pending) == (0, 0)
    assert isinstance(await other.say(), Fenced)
    other.restart()
    assert (await other.restore()).usage[TOTAL].pending == 20


async def test_an_older_report_changes_nothing(two: tuple[Member, Member]) -> None:
    one, other = two
    twins = one.twins
    other.restart()
    await other.join()
    await twins.declare()
    await other.restore()
    version = other.version
    left = RosterEntry("two", 1, MemberStanding.LEFT, 0)
    one.entries = (RosterEntry("one", 1), left)
    await one.restore()
    twins.agree()

    assert one.version == version + 1  # it joined, and nothing else
    assert (RosterEntry("two", 2)) in one.entries


async def test_an_open_ledger_learns_of_nobody_from_a_journal(two: tuple[Member, Member]) -> None:
    """Who is not in its roster has nothing in it; an older journal may know such members."""
    one, _ = two
    one.restart()
    one.entries = (*one.entries, RosterEntry("long gone", 3))
    await one.join()

    assert "long gone" not in {entry.member for entry in one.entries}


async def test_an_open_ledger_does_not_close_by_itself(two: tuple[Member, Member]) -> None:
    one, _ = two
    one.twins.pass_ms(GRACE_MS)

    assert (await one.ask()).open


async def test_a_last_word_on_a_share_that_is_lost_counts_under_the_limit_alone(
    two: tuple[Member, Member],
) -> None:
    """Only in Redis can part of a ledger be gone; whoever shows that share begins it anew."""
    one, other = two
    store, inside = one.twins.store, one.twins.inside
    await other.tell(**{TOTAL: RowValue(0, 100), SHARE: RowValue(0, 100)})
    await other.ask(leaving=True)
    await one.tell()
    shares = one.twins.rules()
    inside.delete(LEDGER)
    lost = Loss(one.twins.identity, *one.twins.now, shares[:1], one.entries, word=True)
    identity = await store.declare(lost)
    inside.hset(LEDGER, "opens", 0)
    first = one.message(identity=identity, roster=0, whole=one.whole())
    opened = await store.converse(first)
    inside.hset(LEDGER, "recounted", 0)
    counted = await store.converse(one.message(identity=identity, accounts=shares, roster=0))

    assert isinstance(opened, Reply)
    assert opened.open
    assert isinstance(counted, Reply)
    assert (counted.usage[TOTAL].charged, counted.usage[SHARE].charged) == (100, 0)
