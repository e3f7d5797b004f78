"""The members of a ledger, and who of them must know what."""

from __future__ import annotations

import pytest

from governor.core.ledger.members import HEARD_MS, Members, RowState
from governor.core.ledger.messages import DoubtReason, Fenced, Reply, RowValue
from governor.core.ledger.roster import MemberStanding, RosterEntry
from tests.core.ledger.speaker import BEGIN_MS, DAY, GRANTED, Speaker, ask


@pytest.fixture
def old() -> Speaker:
    """Give a member that was there first."""
    old = Speaker(name="old")
    old.join()
    old.reply()
    return old


@pytest.fixture
def new(old: Speaker) -> Speaker:
    """Give one that joins, while the other has not heard of it."""
    new = Speaker(old.book, "new")
    assert not new.join(ask(1)).grants[0].granted
    return new


def test_a_member_alone_is_granted_at_once() -> None:
    assert Speaker().join(ask(1)).grants == (GRANTED,)


def test_a_join_is_granted_nothing_until_the_living_have_journaled_it(
    old: Speaker, new: Speaker
) -> None:
    """Were the ledger lost before, nobody would know that the new member must restore."""
    told = old.reply(ask(1))
    assert told.grants == (GRANTED,)
    assert told.roster is not None
    assert [entry.member for entry in told.roster.entries] == ["new", "old"]
    assert not new.reply(ask(1)).grants[0].granted
    assert old.reply().roster is None  # this message said that it is journaled

    assert new.reply(ask(1)).grants == (GRANTED,)


def test_a_join_does_not_wait_for_the_dead(old: Speaker, new: Speaker) -> None:
    new.now_ms += HEARD_MS - 1
    assert not new.reply(ask(1)).grants[0].granted
    new.now_ms += 1

    assert new.reply(ask(1)).grants == (GRANTED,)
    assert old.book is new.book


def test_a_join_does_not_wait_for_who_has_left(old: Speaker, new: Speaker) -> None:
    old.reply(leaving=True)

    assert new.reply(ask(1)).grants == (GRANTED,)


def test_a_join_does_not_wait_for_a_row_that_no_process_speaks_for() -> None:
    """`governor init` made it; nobody will ever answer for it."""
    speaker = Speaker()
    speaker.book.members.rows["m0"] = RowState(0, speaker.book.epoch, heard_ms=BEGIN_MS)

    assert speaker.join(ask(1)).grants == (GRANTED,)


def test_who_left_may_say_nothing_more(old: Speaker) -> None:
    """That was its last word; only a later start may speak for it."""
    last = old.message(values={"day": RowValue(charged=5)}, leaving=True)
    reply = old.hear(last)
    assert isinstance(reply, Reply)
    assert reply.roster is not None
    frees_ms = DAY.frees_at(DAY.bucket(BEGIN_MS))

    assert reply.roster.entries == (RosterEntry("old", 1, MemberStanding.LEFT, frees_ms),)
    assert isinstance(old.say(), Fenced)
    assert old.hear(last) is reply
    old.restart()
    assert old.doubt() is DoubtReason.UNKNOWN_ROW


def test_who_still_holds_something_cannot_leave(old: Speaker) -> None:
    old.reply(ask(5), leaving=True)

    assert old.book.members.rows["old"].standing is MemberStanding.ACTIVE


def test_a_member_long_silent_that_has_nothing_left_is_forgotten(old: Speaker) -> None:
    """Memory does not grow with the members that there ever were; one that holds stays."""
    holder = Speaker(old.book, "holder")
    holder.join(values={"day": RowValue(pending=1)})
    quiet = Speaker(old.book, "quiet")
    quiet.join(values={"day": RowValue(charged=1)})
    while (old.now_ms - BEGIN_MS) < 2.1 * DAY.window_ms:
        old.now_ms += DAY.window_ms // 20
        old.reply()
        if old.now_ms - BEGIN_MS < 2 * DAY.window_ms:
            assert "quiet" in old.book.members.rows

    assert [entry.member for entry in old.roster.entries] == ["holder", "old"]
    quiet.now_ms = old.now_ms
    assert quiet.doubt() is DoubtReason.UNKNOWN_ROW


def test_an_older_report_changes_nothing() -> None:
    members = Members()
    members.rows["m"] = RowState(5, epoch=1)

    assert members.meet([RosterEntry("m", 4), RosterEntry("m", 5)], epoch=1) == ()
    assert (members.version, members.rows["m"].epoch) == (0, 1)


def test_a_later_start_begins_its_seqs_anew() -> None:
    """Its first message is none that was heard before."""
    members = Members()
    members.rows["m"] = RowState(5, epoch=1, seq=70)
    (outdated,) = members.meet([RosterEntry("m", 6)], epoch=1)

    assert (outdated.epoch, members.rows["m"].epoch, members.rows["m"].seq) == (1, 0, 0)
