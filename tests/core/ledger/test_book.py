"""The book keeps the protocol: what may be said, in which order, and what it does to the sums.

That no window can hold more than its limit is shown in `test_promise.py`; that the script in Redis
answers alike, in `tests/conformance`.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from governor.core.ledger.messages import (
    Account,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Leniency,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from tests.core.ledger.speaker import (
    ACCOUNTS,
    BEGIN_MS,
    BEGUN,
    DAY,
    GRANTED,
    IDENTITY,
    MINUTE,
    SHARE,
    TOTAL,
    Speaker,
    ask,
)

if TYPE_CHECKING:
    from governor.core.ledger.book import Book


@pytest.fixture
def speaker() -> Speaker:
    """Give a member that has joined."""
    speaker = Speaker()
    speaker.join()
    return speaker


def inside(book: Book) -> object:
    """Return everything a message could have changed."""
    return deepcopy((book.members.rows, book.clocks, book.identity, book.open)), [
        (state.limit, state.pending, state.ring.charged) for state in book.accounts.values()
    ]


def test_a_member_that_brings_no_row_is_not_known() -> None:
    assert Speaker().doubt() is DoubtReason.UNKNOWN_ROW


@pytest.mark.parametrize("field", ["epoch", "run_id", "replication_id"])
def test_a_message_for_another_ledger_is_foreign(speaker: Speaker, field: str) -> None:
    others = {
        "epoch": replace(IDENTITY, epoch=2),
        "run_id": replace(IDENTITY, run_id="another"),
        "replication_id": replace(IDENTITY, replication_id="another"),
    }
    answer = speaker.say(identity=others[field])

    assert answer == Doubt("m1.2", DoubtReason.FOREIGN, IDENTITY)


def test_checks_come_in_order_and_before_anything_changes(speaker: Speaker) -> None:
    """Each message below is wrong in one way more than the next, and is told the first."""
    speaker.restart()
    speaker.join()
    speaker.reply(values={"day": RowValue(charged=5)})
    before = inside(speaker.book)
    wrong: dict[str, Any] = {
        "identity": replace(IDENTITY, epoch=2),
        "generation": 1,
        "acked": 9,
        "seq": 1,
        "accounts": (Account("year", 1, 1_000),),
        "values": {"day": RowValue(charged=4)},
    }
    found = []
    for field in list(wrong):
        answer = speaker.say(**wrong)
        found.append(answer.reason if isinstance(answer, Doubt) else type(answer))
        del wrong[field]

    assert found == [
        DoubtReason.FOREIGN,
        Fenced,
        DoubtReason.ROLLED_BACK,
        Stale,
        DoubtReason.RULES,
        DoubtReason.ROLLED_BACK,
    ]
    assert inside(speaker.book) == before


def test_a_later_generation_needs_its_row_too(speaker: Speaker) -> None:
    speaker.restart()

    assert speaker.doubt() is DoubtReason.UNKNOWN_ROW


def test_a_repeat_is_answered_as_it_was_and_changes_nothing(speaker: Speaker) -> None:
    message = speaker.message(asks=(ask(600),), values={"day": RowValue(charged=100)})
    first = speaker.hear(message)
    speaker.now_ms += 3_600_000
    before = inside(speaker.book)

    assert speaker.hear(message) is first
    assert inside(speaker.book) == before


def test_the_first_message_of_a_generation_can_be_repeated_too() -> None:
    speaker = Speaker()
    message = speaker.message(whole=WholeRow({}, {}, *BEGUN), accounts=ACCOUNTS)

    assert speaker.hear(message) is speaker.hear(message)


def test_a_ledger_that_miscounted_answers_nobody() -> None:
    """Not even a repeat: it must be declared lost, and all rows restored."""
    speaker = Speaker()
    message = speaker.message(whole=WholeRow({}, {}, *BEGUN))
    speaker.hear(message)
    speaker.book.accounts["day"].pending = 1
    speaker.now_ms += 60_000
    speaker.say()

    assert speaker.hear(message) == Doubt(message.nonce, DoubtReason.MISCOUNTED, IDENTITY)
    assert speaker.doubt(asks=(ask(1),)) is DoubtReason.MISCOUNTED


@pytest.mark.parametrize(
    ("told", "sound"),
    [
        (RowValue(0, 5, 7), True),
        (RowValue(9, 6, 8), True),
        (RowValue(0, 4, 7), False),
        (RowValue(0, 5, 6), False),
    ],
)
def test_what_only_grows_must_not_shrink(speaker: Speaker, told: RowValue, *, sound: bool) -> None:
    speaker.reply(values={"day": RowValue(3, 5, 7)})
    answer = speaker.say(values={"day": told})

    assert isinstance(answer, Reply) is sound
    whole = WholeRow({"day": RowValue(0, 5, 7)}, {}, *BEGUN)
    assert isinstance(speaker.say(whole=whole, values={"day": told}), Reply) is sound


@pytest.mark.parametrize("known", [RowValue(0, 4, 7), RowValue(0, 5, 6), RowValue()])
def test_a_journal_that_knows_less_than_its_row_was_put_back_from_a_copy(
    speaker: Speaker, known: RowValue
) -> None:
    """To believe it would be to forget charges, whether its row counts or a loss has left it."""
    speaker.reply(values={"day": RowValue(3, 5, 7)})
    whole = WholeRow({"day": known}, {}, *BEGUN)
    assert speaker.doubt(whole=whole, values={"day": known}) is DoubtReason.BEHIND
    speaker.lose()

    assert speaker.doubt(whole=whole, values={"day": known}) is DoubtReason.BEHIND


def test_a_journal_that_ends_before_what_it_had_kept_was_put_back_from_a_copy(
    speaker: Speaker,
) -> None:
    """What it holds and has not charged yet would be forgotten with it.

    One that knows that it lost rows has charged for them, and says so.
    """
    speaker.reply(ask(10), kept_ms=BEGIN_MS + 5)
    speaker.restart()
    whole = WholeRow({}, {}, *BEGUN)
    assert speaker.doubt(whole=whole, kept_ms=BEGIN_MS + 4) is DoubtReason.BEHIND
    assert isinstance(deepcopy(speaker).join(whole=whole, kept_ms=0), Reply)

    assert isinstance(speaker.join(whole=whole, kept_ms=BEGIN_MS + 5), Reply)


def test_a_row_replaces_the_one_before_it_whole(speaker: Speaker) -> None:
    speaker.reply(ask(10, TOTAL, SHARE), values={"day": RowValue(charged=100, lingered=7)})
    other = Speaker(speaker.book, "other")
    other.join(values={"day": RowValue(charged=50)})
    speaker.restart()
    bucket = DAY.bucket(BEGIN_MS)
    spread = {"day": RowValue(charged=90, lingered=7)}
    whole = WholeRow(spread, {"day": {bucket: 80}}, *BEGUN)
    reply = speaker.join(whole=whole, values={"day": RowValue(charged=100, lingered=7)})

    assert reply.usage["day"] == Usage(140, 0, 1_000, DAY.frees_at(bucket))
    assert reply.usage["day/a"] == Usage(0, 0, 300, None)


def test_old_buckets_of_a_restored_row_count_nothing(speaker: Speaker) -> None:
    old = DAY.first_counting(BEGIN_MS) - 1
    whole = WholeRow({}, {"day": {old: 80, old + 1: 20}}, *BEGUN)

    assert speaker.join(whole=whole).usage["day"].charged == 20


@pytest.mark.parametrize(
    "parts",
    [
        {"accounts": (Account("year", 1, 1_000),)},
        {"accounts": (replace(TOTAL, window_ms=1_000),)},
        {"accounts": (replace(TOTAL, unit="requests"),)},
        {"accounts": (Account("day/c", 1, 1_000), Account("day/c", 1, 2_000))},
        {"accounts": (Account("day/c", 1, 1_000), Account("day/c", 1, 1_000, "requests"))},
        {"values": {"year": RowValue()}},
        {"asks": (Ask((("year", 1),)),)},
        {"whole": WholeRow({"year": RowValue()}, {}, *BEGUN)},
        {"whole": WholeRow({}, {"year": {}}, *BEGUN)},
        {"whole": WholeRow({}, {"day": {DAY.bucket(BEGIN_MS) + DAY.ring_length: 1}}, *BEGUN)},
    ],
)
def test_rules_it_does_not_know_are_doubt(speaker: Speaker, parts: dict[str, Any]) -> None:
    before = inside(speaker.book)

    assert speaker.doubt(**parts) is DoubtReason.RULES
    assert inside(speaker.book) == before


def test_a_job_may_be_new(speaker: Speaker) -> None:
    new = Account("day/c", 7, DAY.window_ms)
    reply = speaker.reply(ask(7, new), accounts=(new,))

    assert reply.grants == (GRANTED,)
    assert speaker.book.admit((new, Account("day/d", 7, DAY.window_ms))) == ("day/d",)


def test_a_closed_ledger_grants_nothing_and_learns_its_time_from_journals(
    speaker: Speaker,
) -> None:
    speaker.book.open, speaker.book.awaits_word = False, True
    speaker.restart()
    reply = speaker.join(whole=WholeRow({}, {}, BEGIN_MS + 500, BEGIN_MS + 700, None))

    assert speaker.reply(ask(0, patience_ms=5), ask(1)).grants == (Grant(granted=False),) * 2
    assert (reply.open, reply.time_ms, reply.high_ms) == (False, BEGIN_MS + 500, BEGIN_MS + 700)


def test_an_open_ledger_takes_no_time_from_a_journal(speaker: Speaker) -> None:
    """A machine whose clock is wrong by days joins; nothing of the others' is freed."""
    speaker.reply(values={"day": RowValue(charged=1_000)})
    ahead_ms = BEGIN_MS + 10 * DAY.window_ms
    stranger = Speaker(speaker.book, "stranger")
    reply = stranger.join(whole=WholeRow({}, {}, ahead_ms, ahead_ms, None))

    assert reply.time_ms == BEGIN_MS
    assert reply.usage["day"].charged == 1_000


def test_the_smallest_window_decides_what_is_a_step(speaker: Speaker) -> None:
    """A minute tolerates 600 ms of difference, a day would 2 s."""
    stepped = speaker.book.converse(speaker.message(boot_ms=BEGIN_MS + 601), store_ms=BEGIN_MS)

    assert isinstance(stepped, Reply)
    assert stepped.stepped == ("boot",)
    assert stepped.boot_offset_ms == 601


def test_a_clock_that_was_anchored_late_is_anchored_anew(speaker: Speaker) -> None:
    """Its reading was old when it arrived: left alone it would run ahead from then on."""
    reply = speaker.reply(boot_ms=BEGIN_MS + 500, anchor=True)

    assert (reply.time_ms, reply.boot_offset_ms, reply.stepped) == (BEGIN_MS, 500, ())


def test_a_clock_that_was_silent_brings_no_lost_time_back(speaker: Speaker) -> None:
    """A message came late and the store's clock was re-based for it; then that is set ahead.

    What was stamped in between would free early if the silent clock, which is right, were believed.
    """
    other = Speaker(speaker.book, "other")
    other.join()
    speaker.now_ms += 120_000
    assert speaker.reply(boot_ms=BEGIN_MS).stepped == ("store",)
    other.now_ms += 3_600_000

    assert other.reply(boot_ms=BEGIN_MS + 120_000).time_ms == BEGIN_MS


def test_the_strictest_rules_shown_bind_everybody(speaker: Speaker) -> None:
    speaker.reply(leniency=Leniency.SHADOW | Leniency.RECEIVED)
    other = Speaker(speaker.book, "other")
    both = other.join(leniency=Leniency.RECEIVED | Leniency.ERRORS_FREE).leniency

    assert both is Leniency.RECEIVED
    assert speaker.reply().leniency is Leniency.RECEIVED


DAMAGE = {
    "a hold forgotten": ("pending", -1),
    "a hold too many": ("pending", 1),
    "a charge forgotten": ("charged", -1),
    "a charge too many": ("charged", 1),
}


@pytest.mark.parametrize("name", [account.name for account in ACCOUNTS])
@pytest.mark.parametrize("damage", DAMAGE)
def test_sums_that_do_not_add_up_close_the_ledger_within_a_minute(damage: str, name: str) -> None:
    speaker = Speaker()
    row = {account.name: RowValue(5, 9) for account in ACCOUNTS}
    speaker.join(values=row)
    field, amount = DAMAGE[damage]
    state = speaker.book.accounts[name]
    where = state if field == "pending" else state.ring
    setattr(where, field, getattr(where, field) + amount)
    answers = [speaker.say(asks=(ask(1),))]
    while isinstance(answers[-1], Reply):
        speaker.now_ms += 1_000
        answers.append(speaker.say())

    assert answers[-1] == Doubt(f"m1.{speaker.seq}", DoubtReason.MISCOUNTED, IDENTITY)
    assert len(answers) <= 60


def test_a_hundred_accounts_are_all_recounted_within_a_minute() -> None:
    jobs = [Account(f"day/{number}", 1, DAY.window_ms) for number in range(100)]
    for damaged in (0, 57, 99):
        speaker = Speaker()
        speaker.join(accounts=tuple(jobs))
        speaker.book.accounts[jobs[damaged].name].pending = 1
        seconds = 0
        while isinstance(speaker.say(), Reply):
            speaker.now_ms += 1_000
            seconds += 1

        assert seconds <= 60


def test_memory_is_constant_whatever_the_traffic() -> None:
    """A row forgets its buckets after two windows, also when it is quiet."""
    speaker = Speaker()
    quiet = Speaker(speaker.book, "quiet")
    quiet.join(values={"minute": RowValue(charged=1)})
    speaker.join()
    most = 2 * (MINUTE.window_ms + MINUTE.pad_ms + 60_000) // MINUTE.bucket_ms
    for posts in range(1, 3_000):
        speaker.now_ms += 200
        speaker.reply(values={"minute": RowValue(charged=posts)})
        row = speaker.book.members.rows["m"].buckets["minute"]
        assert len(row) <= most

    assert speaker.book.members.rows["quiet"].buckets == {"minute": {}}
