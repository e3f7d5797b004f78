"""A journal folded in order gives back what a member knew."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from governor.core.calendar import Period
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import (
    Account,
    Dated,
    Identity,
    Leniency,
    Message,
    Reply,
    RowValue,
)
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Moved,
    Outcome,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
    Torn,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import RosterEntry
from governor.core.ledger.state import MOST_LOST_STARTS, ContractState, MemberState
from governor.core.window import Window

WINDOW = Window(10_000)
ACCOUNT = Account("x", 1_000, WINDOW.window_ms)
IDENTITY = Identity(1, "run", "replication")


def started(generation: int = 1, boot_id: str = "boot") -> Started:
    return Started("member", generation, boot_id)


def adopted() -> Adopted:
    return Adopted("x", "embedded", IDENTITY, (ACCOUNT,), time_ms=50_000, boot_ms=1_000)


def claimed(hold: str, posts: int = 100) -> Claimed:
    return Claimed("x", hold, "default", "search", 10, posts, (("x", posts),), "sha", 50_000)


def resolved(hold: str, posts: int, *, lingers: bool = False) -> Resolved:
    outcome = Outcome.ORPHANED if lingers else Outcome.SETTLED
    return Resolved("x", hold, outcome, posts, (("x", posts),), lingers, 50_000)


def stamped(charged: int, lingered: int, at_ms: int) -> Stamped:
    spread = (("x", RowValue(charged=charged, lingered=lingered)),)
    return Stamped("x", 1, spread, at_ms, at_ms, store_offset_ms=7, boot_offset_ms=9)


def fold(*records: Record) -> MemberState:
    state = MemberState()
    for record in (started(), adopted(), *records):
        state.apply(record)
    return state


def contract(*records: Record) -> ContractState:
    return fold(*records).contracts["x"]


def test_a_claim_stays_open_until_it_is_resolved() -> None:
    assert contract(claimed("a")).claims == {"a": claimed("a")}
    assert contract(claimed("a"), resolved("a", 70)).claims == {}


def test_a_resolution_charges_once_however_often_it_is_told() -> None:
    state = contract(claimed("a"), resolved("a", 70), resolved("a", 70))

    assert state.totals == {"x": RowValue(charged=70)}


def test_what_was_let_go_before_its_last_byte_lingers() -> None:
    state = contract(claimed("a"), resolved("a", 70, lingers=True))

    assert state.totals == {"x": RowValue(lingered=70)}


def test_an_operators_word_on_earlier_collection_is_charged() -> None:
    assert contract(Used("x", (("x", 300),))).totals == {"x": RowValue(charged=300)}


def test_growth_goes_into_the_bucket_that_the_ledger_chose() -> None:
    state = contract(
        claimed("a"),
        resolved("a", 70),
        claimed("b"),
        resolved("b", 30, lingers=True),
        stamped(70, 30, 60_000),
    )

    now, later = WINDOW.bucket(60_000), WINDOW.bucket(60_000 + WINDOW.linger_ms)
    assert state.buckets == {"x": {now: 70, later: 30}}
    assert state.spread == {"x": RowValue(charged=70, lingered=30)}


def test_growth_that_was_never_acknowledged_is_in_no_bucket() -> None:
    """So the first message after a start stamps it again, later: it can only count longer."""
    state = contract(claimed("a"), resolved("a", 70))
    whole = state.whole_row()

    assert whole.spread == {}
    assert whole.buckets == {}
    assert state.totals["x"].charged == 70


def test_buckets_are_kept_for_two_windows_and_no_longer() -> None:
    kept_ms = 2 * (WINDOW.window_ms + WINDOW.pad_ms)
    first = WINDOW.bucket(60_000)

    assert first in contract(stamped(70, 0, 60_000), stamped(71, 0, 60_000 + kept_ms)).buckets["x"]
    later_ms = 60_000 + kept_ms + WINDOW.bucket_ms
    assert first not in contract(stamped(70, 0, 60_000), stamped(71, 0, later_ms)).buckets["x"]


def test_time_resumes_from_the_last_acknowledged_message() -> None:
    state = contract(stamped(70, 0, 60_000))

    assert (state.time_ms, state.high_ms) == (60_000, 60_000)
    assert (state.store_offset_ms, state.boot_offset_ms) == (7, 9)


def test_a_reboot_unanchors_the_boot_clock_and_a_mere_restart_does_not() -> None:
    assert contract(started(2, "boot")).boot_offset_ms == 1_000 - 50_000
    assert contract(started(2, "another")).boot_offset_ms is None


def test_adopting_again_keeps_what_was_charged() -> None:
    state = contract(
        Used("x", (("x", 300),)),
        Adopted("x", "redis", Identity(2, "r", "r"), (ACCOUNT,), time_ms=0, boot_ms=0),
    )

    assert state.home == "redis"
    assert state.identity.epoch == 2
    assert state.totals == {"x": RowValue(charged=300)}
    assert state.time_ms == 50_000


def test_a_record_of_a_contract_never_adopted_stops_the_fold() -> None:
    with pytest.raises(KeyError):
        fold(Used("another", (("x", 1),)))


def test_a_state_is_the_same_after_it_was_kept_as_a_checkpoint() -> None:
    state = fold(claimed("a"), resolved("a", 70), stamped(70, 0, 60_000), claimed("b"))

    kept = msgspec.msgpack.encode(state)

    assert msgspec.msgpack.decode(kept, type=MemberState) == state


def test_a_share_of_a_job_that_is_gone_stays_known() -> None:
    """Its posts are still told with the row, and still stamped; a ledger must know the account."""
    share = Account("x/gone", None, WINDOW.window_ms)
    with_share = replace(adopted(), accounts=(ACCOUNT, share))
    told = (("x/gone", RowValue(charged=5)),)
    state = contract(with_share, adopted(), replace(stamped(0, 0, 60_000), spread=told))

    assert state.accounts == {"x": ACCOUNT, "x/gone": share}
    assert state.buckets["x/gone"] == {WINDOW.bucket(60_000): 5}


def test_another_ledger_has_not_told_its_roster_yet() -> None:
    """Whom the one before knew must restore in it; the version is the new one's to count."""
    entries = (RosterEntry("member", 1), RosterEntry("other", 4))
    known = Rostered("x", 7, entries)
    other = replace(adopted(), identity=replace(IDENTITY, epoch=2))

    assert contract(known, adopted()).roster_version == 7
    assert contract(known, other).roster_version == 0
    assert contract(known, other).whole_row().roster == entries


TORN = Torn("record 3 is missing", "torn-1")


def test_lost_rows_are_charged_as_the_whole_of_every_limit() -> None:
    """In whatever they held no window was over the limit, and it may still linger."""
    share, uncapped = Account("x/a", 300, WINDOW.window_ms), Account("x/b", None, WINDOW.window_ms)
    state = contract(
        replace(adopted(), accounts=(ACCOUNT, share, uncapped)),
        claimed("a"),
        resolved("a", 70),
        claimed("b"),
        TORN,
    )
    grew = {
        name: state.totals[name].lingered - state.spread[name].lingered for name in state.spread
    }

    assert grew == {"x": 1_000, "x/a": 300, "x/b": 0}
    assert state.totals["x"].charged - state.spread["x"].charged == 70
    assert state.claims == {"b": claimed("b")}


def test_a_torn_journal_is_not_behind_what_its_lost_rows_told_the_ledger() -> None:
    """Invariant 2: totals only grow, and a lower generation is fenced. Nor is a post free."""
    told = {"x": RowValue(charged=400_000, lingered=9_000)}
    before = contract().whole_row()
    book = Book([ACCOUNT], identity=IDENTITY, clocks=Clocks(50_000, 50_000, 0))
    first = Message(
        member="member",
        identity=IDENTITY,
        generation=9,
        seq=1,
        acked=0,
        nonce="n",
        boot_ms=1_000,
        values=told,
        whole=before,
        accounts=(ACCOUNT,),
    )
    torn = fold(TORN, started(1 + MOST_LOST_STARTS))
    state = torn.contracts["x"]
    again = replace(first, generation=torn.generation, values=state.totals, whole=state.whole_row())

    assert isinstance(book.converse(first, store_ms=50_000), Reply)
    answer = book.converse(again, store_ms=50_000)
    assert isinstance(answer, Reply)
    assert answer.usage["x"].charged == 1_000


def test_a_tear_leaves_no_generation_that_lost_rows_may_have_begun() -> None:
    assert fold(started(7), TORN).generation == 7 + MOST_LOST_STARTS


def test_a_tear_is_never_forgotten_and_leaves_the_boot_clock_to_be_anchored() -> None:
    """A contract that only lost rows knew is not one with nothing used."""
    assert not fold().torn
    assert fold(TORN, started(2)).torn
    assert contract(TORN).boot_offset_ms is None


def test_a_tear_counts_until_what_was_charged_for_it_is_free() -> None:
    """Of that the ledger must have been told first; it stands in the bucket of H and a linger."""
    begun = contract(TORN, replace(stamped(0, 0, 60_000), spread=()))
    told = contract(TORN, stamped(0, 1_000, 60_000), stamped(0, 1_070, 90_000))
    frees_ms = WINDOW.frees_at(WINDOW.bucket(60_000 + WINDOW.linger_ms))

    assert not contract().counts_tear(0)
    assert begun.counts_tear(60_000 + 10 * WINDOW.window_ms)
    assert [told.counts_tear(at_ms) for at_ms in (frees_ms - 1, frees_ms)] == [True, False]


@pytest.mark.parametrize(("at_ms", "counts"), [(60_000, True), (10**7, False)])
def test_in_a_time_of_another_ledger_a_tear_counts_anew(at_ms: int, *, counts: bool) -> None:
    state = contract(TORN, stamped(0, 1_000, 60_000), stamped(0, 1_000, at_ms), *moved(anew=True))

    assert [state.counts_tear(at_ms) for at_ms in (0, 10**9)] == [counts, counts]


def moved(*, anew: bool) -> tuple[Record, ...]:
    there = replace(adopted(), home="redis", identity=Identity(9, "r", "r"), time_ms=7_000)
    return Moved("x", "redis", anew=anew, time_ms=there.time_ms), there


COUNTED = (claimed("a"), resolved("a", 70), claimed("b"), resolved("b", 30, lingers=True))


def test_a_home_that_goes_on_in_our_time_is_brought_the_buckets_as_they_are() -> None:
    before = contract(*COUNTED, stamped(70, 30, 60_000))
    state = contract(*COUNTED, stamped(70, 30, 60_000), *moved(anew=False))

    assert (state.home, state.identity.epoch) == ("redis", 9)
    assert state.whole_row() == replace(before.whole_row(), boot_offset_ms=None)


def test_in_a_home_with_a_time_of_its_own_all_that_still_counts_is_counted_anew() -> None:
    """Nobody knows how old it is there; what was free already stays free."""
    old = (claimed("o"), resolved("o", 5), stamped(5, 0, 60_000 - WINDOW.window_ms - 100))
    told = stamped(75, 30, 60_000)
    state = contract(*old, *COUNTED, told, claimed("c"), resolved("c", 8), *moved(anew=True))
    whole, total = state.whole_row(), state.totals["x"]

    assert total == RowValue(charged=83, lingered=30)
    assert (whole.buckets, whole.spread) == ({}, {"x": RowValue(charged=5)})
    assert (whole.time_ms, whole.high_ms, whole.boot_offset_ms) == (7_000, 7_000, None)


def test_who_was_in_the_old_home_is_not_waited_for_in_one_that_was_there_before() -> None:
    others = Rostered("x", 7, (RosterEntry("other", 4),))

    assert contract(others, *moved(anew=True)).roster == ()
    assert contract(others, *moved(anew=False)).roster == others.entries


def test_the_rules_are_as_lax_as_they_were_adopted_last() -> None:
    first = replace(adopted(), leniency=Leniency.ERRORS_FREE)

    assert contract().leniency == Leniency(15)
    assert contract(first).leniency is Leniency.ERRORS_FREE
    assert contract(first, adopted()).leniency == Leniency(15)


def test_an_operators_word_is_evidence_and_changes_nothing_by_itself() -> None:
    assert contract(Vouched("x", Word.RAISED, "x: 9 -> 10", 1)) == contract()


def test_what_was_kept_of_one_ledger_says_nothing_of_another() -> None:
    """Their times may differ by any amount; nor does the ledger know what an operator says."""
    other = replace(adopted(), identity=replace(IDENTITY, epoch=2))
    said = replace(stamped(70, 0, 90_000), seq=0)

    assert contract(stamped(70, 0, 60_000), adopted(), said).kept_ms == 60_000
    assert contract(stamped(70, 0, 60_000), other).kept_ms == 0


DAILY = Account("day", 10, 90_000_000, calendar="day UTC")
TODAY = Period(20, 20_000, 30_000)
TOMORROW = Period(21, 30_000, 40_000)


def dated(period: Period, charges: int, *, charged: int, lingered: int = 0) -> Stamped:
    spread = (("day", RowValue(charged=charged, lingered=lingered)),)
    stood = (("day UTC", Dated(period, charges, charges + 1)),)
    return replace(stamped(0, 0, 50_000), spread=spread, periods=stood)


def by_day(*records: Record) -> ContractState:
    return fold(started(), replace(adopted(), accounts=(DAILY,)), *records).contracts["x"]


def test_growth_goes_into_the_periods_that_the_ledger_said() -> None:
    known = by_day(dated(TODAY, 20, charged=3, lingered=2), dated(TODAY, 21, charged=7, lingered=2))

    assert known.buckets == {"day": {20: 3, 21: 6}}
    assert known.whole_row().periods == {"day UTC": TODAY}


def test_a_period_is_forgotten_when_the_one_after_it_is_over() -> None:
    later = Period(22, 40_000, 50_000)
    known = by_day(dated(TODAY, 20, charged=3), dated(later, 22, charged=4))

    assert known.buckets == {"day": {22: 1}}


def test_the_latest_period_is_remembered() -> None:
    known = by_day(dated(TOMORROW, 21, charged=1), dated(TODAY, 20, charged=1))

    assert known.periods == {"day UTC": TOMORROW}


def test_growth_by_a_calendar_of_which_nothing_was_said_is_told_again() -> None:
    known = by_day(replace(dated(TODAY, 20, charged=3), periods=()))

    assert known.spread == {}
    assert known.buckets == {}


def test_in_another_home_what_a_running_period_was_charged_is_counted_anew() -> None:
    """What ran here is forgotten: our clocks may have been further ahead than those there."""
    known = by_day(
        dated(TODAY, 20, charged=3),
        dated(TOMORROW, 21, charged=5),
        Moved("x", "redis", anew=True, time_ms=9),
    )

    assert known.spread == {"day": RowValue(charged=3)}
    assert known.periods == {}


def test_a_tear_under_a_calendar_counts_for_three_of_its_longest_periods() -> None:
    known = by_day(Torn("a bad row", "kept"), dated(TODAY, 20, charged=3))

    assert known.counts_tear(50_000 + 3 * DAILY.window_ms)
    assert not known.counts_tear(50_000 + 4 * DAILY.window_ms)


def test_the_largest_raise_of_an_operation_ends_with_the_catalog_it_raises() -> None:
    """Only another catalog can say that a price is right."""
    claims = [replace(claimed(hold), catalog=of) for hold, of in zip("123", "aab", strict=True)]
    ends = [replace(resolved(f"{number}", 100), raised=9 - number) for number in (1, 2, 3)]
    before = fold(started(), adopted(), *claims, *ends[:2]).contracts["x"]
    after = fold(started(), adopted(), *claims, *ends).contracts["x"]

    assert (before.raises_under("a"), before.raises_under("b")) == ({"search": 8}, {})
    assert (after.raises_under("a"), after.raises_under("b")) == ({}, {"search": 6})


def test_a_raise_of_a_hold_that_was_never_claimed_teaches_nothing() -> None:
    unclaimed = replace(resolved("1", 100), raised=2)
    assert fold(started(), adopted(), unclaimed).contracts["x"].raises == {}
