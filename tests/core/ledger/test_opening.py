"""After a loss nothing is granted before everybody has spoken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.core.ledger.loss import retire
from governor.core.ledger.messages import Fenced, RowValue, WholeRow
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.roster import MemberStanding, Roster, RosterEntry
from tests.core.ledger.speaker import BEGIN_MS, BEGUN, DAY, GRANTED, Speaker, ask


@pytest.fixture
def one() -> Speaker:
    """Give a member that has joined, and journaled that a second one has."""
    one = Speaker(name="one")
    one.join()
    return one


@pytest.fixture
def two(one: Speaker) -> Speaker:
    """Give the second member."""
    two = Speaker(one.book, "two")
    two.join()
    one.reply()
    one.reply()
    return two


def lose(one: Speaker, two: Speaker, *, emptied: bool = False) -> None:
    """Lose the ledger that both speak to."""
    one.lose(emptied=emptied, word=emptied)
    two.book = one.book


def wait(*speakers: Speaker, passed_ms: int = GRACE_MS) -> None:
    for speaker in speakers:
        speaker.now_ms += passed_ms


@pytest.mark.parametrize("emptied", [False, True])
def test_it_opens_when_the_last_of_the_roster_has_brought_its_row(
    one: Speaker, two: Speaker, *, emptied: bool
) -> None:
    two.reply(values={"day": RowValue(charged=900)})
    lose(one, two, emptied=emptied)
    one.restore()
    wait(one, two)
    closed = one.reply(ask(1))
    whole = WholeRow({"day": RowValue(0, 900)}, {"day": {DAY.bucket(BEGIN_MS): 900}}, *BEGUN)
    two.join(whole=whole, values={"day": RowValue(charged=900)})
    opened = one.reply(ask(101), ask(100))

    assert (closed.open, closed.awaiting) == (False, ("two",))
    assert not closed.grants[0].granted
    assert (opened.open, opened.awaiting) == (True, ())
    assert [grant.granted for grant in opened.grants] == [False, True]


def test_what_is_left_of_a_row_counts_nowhere(one: Speaker, two: Speaker) -> None:
    """Neither in the sums nor when they are recounted from the rows."""
    two.reply(values={"day": RowValue(5, 900)})
    lose(one, two)
    one.restore()
    for _ in range(60):
        wait(one, passed_ms=1_000)
        assert one.reply().usage["day"].charged == 0


def test_the_living_have_time_to_show_themselves(one: Speaker) -> None:
    """One that joined in the moments that the ledger lost is in nobody's journal but its own."""
    one.lose()
    wait(one, passed_ms=GRACE_MS - 1)
    assert not one.restore().open
    wait(one, passed_ms=1)

    assert one.reply(ask(1)).grants == (GRANTED,)


def test_a_journal_that_is_ahead_does_not_shorten_that_time(one: Speaker, two: Speaker) -> None:
    lose(one, two)
    one.restore()
    wait(one, two, passed_ms=GRACE_MS // 2)
    ahead_ms = two.now_ms + GRACE_MS
    two.join(whole=WholeRow({}, {}, ahead_ms, ahead_ms, None))
    assert not one.reply().open
    for _ in range(GRACE_MS // 500 + 2):  # the time that one clock lost, the other loses too
        wait(one, two, passed_ms=500)
        two.reply()
        one.reply()

    assert one.reply().open


def test_an_empty_ledger_waits_for_an_operator(one: Speaker) -> None:
    one.lose(emptied=True)
    wait(one)
    reply = one.restore()

    assert (reply.open, reply.awaiting, reply.awaits_word) == (False, (), True)


def test_who_had_left_with_nothing_that_counts_is_not_waited_for(
    one: Speaker, two: Speaker
) -> None:
    two.reply(leaving=True)
    one.reply()
    one.lose(emptied=True, word=True)
    wait(one)
    reply = one.restore()

    assert reply.open
    assert [entry.member for entry in one.roster.entries] == ["one"]


def test_who_had_left_with_charges_is_waited_for_until_they_free(
    one: Speaker, two: Speaker
) -> None:
    """An emptied ledger has nothing of it, and its journal may be anywhere."""
    two.reply(values={"day": RowValue(charged=5)})
    two.reply(leaving=True)
    one.reply()
    one.lose(emptied=True, word=True)
    wait(one)
    assert one.restore().awaiting == ("two",)
    wait(one, passed_ms=DAY.frees_at(DAY.bucket(BEGIN_MS)) - one.now_ms - 1)
    assert one.reply().awaiting == ("two",)
    wait(one, passed_ms=1)

    assert one.reply().open


def test_the_last_word_of_who_had_left_counts_again_if_the_ledger_still_has_it(
    one: Speaker, two: Speaker
) -> None:
    """A Redis that only restarted has it: nobody need start that governor for it."""
    two.reply(values={"day": RowValue(charged=900, lingered=40)})
    two.reply(leaving=True)
    one.reply()
    one.lose(vouches=True)
    wait(one)
    reply = one.restore()

    assert reply.open
    assert reply.usage["day"].charged == 940
    retire(one.book, "two", None)
    one.lose()
    wait(one)
    assert one.restore().usage["day"].charged == 940


@pytest.mark.parametrize("charged", [0, 900])
def test_that_a_member_has_left_is_believed_only_if_somebody_vouches_for_it(
    one: Speaker, two: Speaker, charged: int
) -> None:
    """A copy put back may show it gone, though it came back and collected while we were away."""
    two.reply(values={"day": RowValue(charged=charged)})
    two.reply(leaving=True)
    one.reply()
    one.lose()
    wait(one)
    assert one.restore().awaiting == ("two",)
    one.lose(seen=replace(one.book.identity, epoch=1), vouches=True)

    reply = one.reply()
    assert (reply.open, reply.usage["day"].charged) == (True, charged)


@pytest.mark.parametrize(("vouches", "posts"), [(True, 0), (False, 1_000)])
def test_who_had_left_is_retired_for_its_last_word_only_if_somebody_vouches_for_it(
    one: Speaker, two: Speaker, *, vouches: bool, posts: int
) -> None:
    """The word is that it is dead, not that it never came back."""
    two.reply(values={"day": RowValue(charged=900)})
    two.reply(leaving=True)
    one.reply()
    one.lose(vouches=vouches)
    one.restore()

    assert sum(posts for _, posts in retire(one.book, "two", None).charged[:1]) == posts
    wait(one)
    assert one.reply().open
    assert one.book.accounts["day"].usage == (posts or 900)


def test_a_later_start_makes_the_last_word_worthless(one: Speaker, two: Speaker) -> None:
    """The ledger was put back from a copy in which that member had left; a journal knows better."""
    two.reply(leaving=True)
    one.lose(roster=(RosterEntry("one", 1), RosterEntry("two", 2)))
    wait(one)

    assert one.restore().awaiting == ("two",)


def test_a_row_that_a_journal_outdates_counts_no_more(one: Speaker, two: Speaker) -> None:
    """A process of an earlier start restored first; the later one must still be heard."""
    lose(one, two)
    two.join(values={"day": RowValue(charged=5)})
    one.roster = Roster(0, (RosterEntry("one", 1), RosterEntry("two", 2)))
    wait(one, two)
    reply = one.restore()

    assert reply.awaiting == ("two",)
    assert reply.usage["day"].charged == 0
    assert isinstance(two.say(), Fenced)


def test_a_member_that_was_retired_before_a_copy_was_taken_stays_retired(
    one: Speaker, two: Speaker
) -> None:
    two.reply(ask(10))
    retire(one.book, "two", None)
    one.reply()
    one.lose()
    wait(one)
    reply = one.restore()

    assert reply.open
    assert reply.usage["day"].charged == 10
    assert one.roster.entries[1].standing is MemberStanding.RETIRED
