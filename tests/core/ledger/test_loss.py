"""A loss is declared once, and a death charged in full."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Final

import pytest

from governor.core.ledger.loss import declare, retire
from governor.core.ledger.messages import (
    DoubtReason,
    Identity,
    Leniency,
    Loss,
    RowValue,
    Usage,
    WholeRow,
)
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.roster import MemberStanding, RosterEntry
from tests.core.ledger.speaker import (
    ACCOUNTS,
    BEGIN_MS,
    BEGUN,
    DAY,
    IDENTITY,
    SHARE,
    TOTAL,
    Speaker,
    ask,
)

LOSS: Final = Loss(IDENTITY, BEGIN_MS, BEGIN_MS, ACCOUNTS, ())
NOW: Final = {"run_id": "later", "replication_id": "later"}


@pytest.fixture
def speaker() -> Speaker:
    """Give a member that was charged 100 posts and holds 10."""
    speaker = Speaker()
    speaker.join()
    speaker.reply(ask(10, TOTAL, SHARE), values={"day": RowValue(charged=100)})
    return speaker


def test_a_lost_ledger_is_closed_and_counts_nothing_until_rows_are_brought(
    speaker: Speaker,
) -> None:
    """Its sums may be anything by now: they are built anew from whole rows, under a new epoch."""
    speaker.lose()
    book = speaker.book

    assert not book.open
    assert book.sound
    assert book.identity == Identity(BEGIN_MS, "later", "later")
    assert {state.usage for state in book.accounts.values()} == {0}
    assert speaker.doubt() is DoubtReason.UNKNOWN_ROW


def test_of_two_who_notice_only_the_first_moves_the_epoch(speaker: Speaker) -> None:
    """The second's word is about a ledger that is gone: it is told the new one's identity."""
    speaker.lose()
    book = speaker.book
    declared = deepcopy(book.identity)

    assert declare(book, LOSS, store_ms=BEGIN_MS + 9, **NOW) is book
    assert book.identity == declared


def test_a_ledger_that_is_still_the_one_declared_lost_moves_again(speaker: Speaker) -> None:
    """It was put back from a copy while it ran: who knows better says so by its own identity."""
    speaker.lose()
    lost = speaker.book
    again = declare(lost, replace(LOSS, seen=lost.identity), store_ms=BEGIN_MS, **NOW)

    assert again.epoch == lost.epoch + 1


@pytest.mark.parametrize("seen", [3, BEGIN_MS + 77])
def test_an_epoch_never_comes_back(speaker: Speaker, seen: int) -> None:
    """Neither one that the ledger forgot, nor one that a clock set back would give again."""
    speaker.lose(seen=replace(IDENTITY, epoch=seen))

    assert speaker.book.epoch == max(BEGIN_MS, seen + 1)


def test_an_earlier_ledger_is_a_loss_however_sound(speaker: Speaker) -> None:
    """It was put back from a copy in which it had not been closed yet."""
    copy = deepcopy(speaker.book)
    speaker.lose()
    run = {"run_id": IDENTITY.run_id, "replication_id": IDENTITY.replication_id}
    seen = speaker.book.identity

    assert not declare(copy, replace(LOSS, seen=seen), store_ms=BEGIN_MS, **run).open


def test_a_ledger_that_miscounted_can_be_declared_lost_by_anybody(speaker: Speaker) -> None:
    speaker.book.sound = False
    stranger = replace(LOSS, seen=replace(IDENTITY, epoch=-5))
    run = {"run_id": IDENTITY.run_id, "replication_id": IDENTITY.replication_id}

    assert declare(speaker.book, stranger, store_ms=0, **run).epoch == IDENTITY.epoch + 1


def test_time_goes_on_from_the_latest_that_anybody_knows(speaker: Speaker) -> None:
    """And from no clock: the store's is anchored there, wherever it stands."""
    speaker.now_ms = BEGIN_MS + 40 * DAY.window_ms
    speaker.lose(time_ms=BEGIN_MS + 7, high_ms=BEGIN_MS + 9)

    clocks = speaker.book.clocks
    assert (clocks.time_ms, clocks.high_ms) == (BEGIN_MS + 7, BEGIN_MS + 9)
    assert speaker.now_ms - clocks.store_offset_ms == clocks.time_ms


def test_rules_survive_a_loss_the_strictest_that_either_knows() -> None:
    speaker = Speaker()
    speaker.join(leniency=Leniency.SHADOW | Leniency.RECEIVED)
    shown = (replace(TOTAL, limit=700),)
    speaker.lose(accounts=shown, leniency=Leniency.RECEIVED | Leniency.ERRORS_FREE)

    assert speaker.book.accounts["day"].limit == 700
    assert speaker.book.leniency is Leniency.RECEIVED
    assert speaker.book.accounts.keys() == {account.name for account in ACCOUNTS}


@pytest.mark.parametrize(
    ("emptied", "parts", "awaits"),
    [
        (False, {}, False),
        (True, {}, True),
        (True, {"word": True}, False),
        (True, {"named": True}, False),
    ],
)
def test_only_of_an_empty_ledger_must_an_operator_say_who_used_it(
    speaker: Speaker, *, emptied: bool, parts: dict[str, bool], awaits: bool
) -> None:
    speaker.lose(emptied=emptied, **parts)

    assert speaker.book.awaits_word is awaits


def test_the_word_can_be_given_later(speaker: Speaker) -> None:
    speaker.lose(emptied=True)
    speaker.lose(seen=IDENTITY)
    assert speaker.book.awaits_word
    speaker.lose(seen=IDENTITY, word=True)

    assert not speaker.book.awaits_word


def test_a_second_loss_does_not_forget_that_a_word_is_needed(speaker: Speaker) -> None:
    speaker.lose(emptied=True)
    speaker.lose()

    assert speaker.book.awaits_word


def test_who_is_in_any_journal_is_in_the_roster_of_the_lost(speaker: Speaker) -> None:
    other = RosterEntry("other", 3)
    speaker.lose(emptied=True)
    speaker.lose(seen=IDENTITY, roster=(other,))

    assert other in speaker.book.members.roster().entries


def test_whom_the_journal_of_who_declares_names_must_restore(speaker: Speaker) -> None:
    """Even if the one that declares says no more: the first who restores may not know of them."""
    other = RosterEntry("other", 3)
    speaker.lose(emptied=True, roster=(other,))

    assert speaker.book.members.roster().entries == (other,)


def test_what_a_dead_member_held_is_charged_a_window_ahead(speaker: Speaker) -> None:
    """Nobody saw its requests end."""
    other = Speaker(speaker.book, "other")
    bucket = DAY.bucket(BEGIN_MS + DAY.window_ms)
    done = retire(speaker.book, "m", None)

    assert dict(done.charged)["day"] == 10
    assert done.frees_ms == DAY.frees_at(bucket)
    assert other.join().usage["day"] == Usage(110, 0, 1_000, DAY.frees_at(DAY.bucket(BEGIN_MS)))
    assert speaker.book.members.rows["m"].buckets["day/a"] == {bucket: 10}


def test_a_retired_member_is_heard_no_more(speaker: Speaker) -> None:
    """Neither the process that was thought dead, nor a later start: what it knows is charged."""
    retire(speaker.book, "m", None)

    assert speaker.doubt() is DoubtReason.RETIRED
    speaker.restart()
    assert speaker.doubt(whole=WholeRow({}, {}, *BEGUN)) is DoubtReason.RETIRED
    assert speaker.book.members.rows["m"].standing is MemberStanding.RETIRED


@pytest.mark.parametrize(("charged", "posts"), [(None, 1_000), (40, 40)])
def test_of_a_row_from_before_a_loss_the_whole_limit_is_charged(
    speaker: Speaker, charged: int | None, posts: int
) -> None:
    """The row may be older than the journal that is gone; only an operator may know better."""
    speaker.lose()
    done = dict(retire(speaker.book, "m", charged).charged)

    assert done == {
        "day": posts,
        "day/a": min(posts, 300) if charged is None else charged,
        "minute": min(posts, 500) if charged is None else charged,
    }
    assert speaker.book.accounts["day"].usage == posts


def test_retiring_twice_charges_once(speaker: Speaker) -> None:
    retire(speaker.book, "m", None)

    assert retire(speaker.book, "m", 500).charged == ()


def test_who_has_no_row_cannot_be_retired(speaker: Speaker) -> None:
    with pytest.raises(KeyError):
        retire(speaker.book, "nobody", None)
    assert speaker.book.sound


def test_a_dead_member_lets_a_closed_ledger_open(speaker: Speaker) -> None:
    other = Speaker(speaker.book, "other")
    other.join()
    other.lose()
    other.restore()
    other.now_ms += GRACE_MS
    assert other.reply().awaiting == ("m",)
    retire(other.book, "m", 500)

    reply = other.reply(ask(501), ask(500))
    assert reply.open
    assert [grant.granted for grant in reply.grants] == [False, True]


def test_a_row_that_the_second_who_notices_outdates_counts_no_more(speaker: Speaker) -> None:
    """Its sums go with it, or the next recount would find them too high."""
    speaker.lose()
    speaker.restore(values={"day": RowValue(charged=100)})
    speaker.lose(seen=IDENTITY, roster=(RosterEntry("m", 2), RosterEntry("m", 1)))

    assert speaker.book.accounts["day"].usage == 0
    assert speaker.book.members.rows["m"].generation == 2
