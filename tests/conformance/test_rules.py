"""Every rule of the conversation, step by step, in both homes at once.

`Twins` holds the homes against each other; the tests say what the answer means.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import (
    Account,
    Ask,
    DoubtReason,
    Fenced,
    Grant,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from governor.core.window import Window
from tests.conformance.inside import PREFIX
from tests.conformance.twins import joined, reason, spent

if TYPE_CHECKING:
    from tests.conformance.twins import Twins

DAY = Window(86_400_000)
TOTAL, SHARE = "x-24h", "x-24h/elections"
GRANTED = Grant(granted=True)


def ask(posts: int, *, share: int | None = None, patience_ms: int = 0) -> Ask:
    amounts = ((TOTAL, posts),) if share is None else ((TOTAL, posts), (SHARE, share))
    return Ask(amounts, patience_ms=patience_ms)


async def test_a_member_brings_its_whole_row_first(twins: Twins) -> None:
    member = twins.member()

    assert reason(await member.say()) is DoubtReason.UNKNOWN_ROW
    assert (await member.join()).open


async def test_posts_are_held_from_the_grant_until_they_are_told_otherwise(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.ask(ask(400, share=200))

    assert reply.grants == (GRANTED,)
    assert reply.usage[TOTAL] == Usage(0, 400, 1_000, None)
    twins.pass_ms(10 * DAY.window_ms)
    reply = await member.ask()
    assert reply.usage[SHARE] == Usage(0, 200, 300, None)
    reply = await member.tell(**{TOTAL: RowValue(), SHARE: RowValue()})
    assert reply.usage[TOTAL].pending == reply.usage[SHARE].pending == 0


async def test_an_ask_is_granted_on_all_of_its_accounts_or_on_none(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.ask(ask(10, share=290), ask(10, share=11), ask(10, share=10))

    refused = Grant(granted=False, account=SHARE)
    assert reply.grants == (GRANTED, refused, GRANTED)
    assert reply.usage[TOTAL].pending == 20


async def test_members_share_one_limit(twins: Twins) -> None:
    one, other = await joined(twins, "one"), await joined(twins, "other")
    await one.tell()

    assert (await one.ask(ask(600))).grants == (GRANTED,)
    assert (await other.ask(ask(401))).grants == (Grant(granted=False, account=TOTAL),)
    assert (await other.ask(ask(400))).grants == (GRANTED,)


async def test_a_price_above_the_limit_is_refused_for_good(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.ask(ask(1_001), ask(301, share=301))

    assert [grant.never for grant in reply.grants] == [True, True]
    assert [grant.account for grant in reply.grants] == [TOTAL, SHARE]


async def test_charged_posts_free_one_window_after_they_were_told(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 1_000)
    (grant,) = (await member.ask(ask(1))).grants

    assert grant.retry_at_ms is not None
    assert grant.retry_at_ms >= twins.book.clocks.high_ms + DAY.window_ms
    twins.pass_ms(grant.retry_at_ms - 1 - twins.time_ms)
    assert (await member.ask(ask(1))).grants == (grant,)
    twins.pass_ms(1)
    assert (await member.ask(ask(1_000))).grants == (GRANTED,)


async def test_what_was_let_go_of_counts_a_linger_longer(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.tell(**{TOTAL: RowValue(charged=1, lingered=1)})
    first = reply.usage[TOTAL].next_free_ms
    assert first is not None
    twins.pass_ms(first - twins.time_ms)
    reply = await member.ask()

    assert reply.usage[TOTAL].charged == 1
    assert reply.usage[TOTAL].next_free_ms == first + DAY.linger_ms


async def test_truth_is_recorded_even_over_the_limit(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 5_000)
    reply = await member.ask(ask(0))

    assert reply.usage[TOTAL].charged == 5_000
    assert not reply.grants[0].granted


async def test_a_repeated_message_is_answered_as_it_was(twins: Twins) -> None:
    member = await joined(twins)
    message = member.message(asks=(ask(600),))
    first = await twins.say(message)
    twins.pass_ms(60_000)

    assert await twins.say(message) == first
    assert (await member.ask()).usage[TOTAL].pending == 600


async def test_a_message_that_was_overtaken_changes_nothing(twins: Twins) -> None:
    member = await joined(twins)
    late = member.message(asks=(ask(600),))
    await member.ask()

    assert await twins.say(late) == Stale(late.nonce)
    assert (await member.ask()).usage[TOTAL].pending == 0


async def test_a_dead_generation_is_fenced(twins: Twins) -> None:
    member = await joined(twins)
    late = member.message(asks=(ask(600),))
    member.restart()
    await member.join()

    assert await twins.say(late) == Fenced(late.nonce)
    assert (await member.ask()).usage[TOTAL].pending == 0


async def test_a_row_is_replaced_whole(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 700)
    await member.ask(ask(200))
    member.restart()
    reply = await member.join(values={TOTAL: RowValue(charged=700, lingered=200)})

    assert reply.usage[TOTAL] == Usage(900, 0, 1_000, reply.usage[TOTAL].next_free_ms)
    member.restart()
    aged = WholeRow({TOTAL: RowValue(charged=700, lingered=200)}, {}, *twins.now, None)
    reply = await member.join(whole=aged, values=dict(aged.spread))
    assert reply.usage[TOTAL] == Usage(0, 0, 1_000, None)
    twins.agree()


@pytest.mark.parametrize("behind", [RowValue(), RowValue(charged=4, lingered=2), RowValue(5, 5, 1)])
async def test_a_journal_that_knows_less_than_its_row_is_not_believed(
    twins: Twins, behind: RowValue
) -> None:
    """It was put back from a copy, or lost a commit: its posts would be forgotten."""
    member = await joined(twins)
    await member.tell(**{TOTAL: RowValue(charged=5, lingered=2)})
    member.restart()
    whole = WholeRow({}, {}, *twins.now, None)
    values = {TOTAL: behind} if behind != RowValue() else {}

    assert reason(await member.say(whole=whole, values=values)) is DoubtReason.BEHIND
    assert (await member.join()).usage[TOTAL].charged == 7


@pytest.mark.parametrize(("kept_ms", "is_copy"), [(4, True), (5, False), (0, False)])
async def test_a_journal_that_ends_before_what_it_had_kept_is_a_copy(
    twins: Twins, kept_ms: int, *, is_copy: bool
) -> None:
    """What it holds and has not charged yet would be forgotten with it."""
    member = await joined(twins)
    await member.ask(ask(10), kept_ms=5)
    member.restart()
    answer = await member.say(whole=WholeRow({}, {}, *twins.now, None), kept_ms=kept_ms)

    assert isinstance(answer, Reply) is not is_copy
    twins.agree()


async def test_a_row_can_be_replaced_within_a_generation(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 700)
    extra = Account("x-24h/health", 50, DAY.window_ms)
    buckets = {extra.name: {DAY.bucket(twins.time_ms): 20}}
    spread = {TOTAL: RowValue(charged=700), extra.name: RowValue(charged=20)}
    whole = WholeRow(spread, buckets, *twins.now, None)
    reply = await member.join(whole=whole, values=spread, accounts=(extra,))

    assert reply.usage[TOTAL].charged == 0
    assert reply.usage[extra.name].charged == 20


async def test_the_row_remembers_two_windows(twins: Twins) -> None:
    """So that a loss can be undone, and memory is constant whatever the traffic."""
    member = await spent(twins, TOTAL, 1)
    key = f"{PREFIX}buckets:m:{TOTAL}"
    twins.pass_ms(2 * DAY.window_ms)
    await member.ask()

    assert twins.inside.hlen(key) == 1
    twins.pass_ms(2 * DAY.pad_ms + 130 * DAY.bucket_ms + 60_000)
    await member.ask()
    assert twins.inside.hlen(key) == 0


async def test_an_older_row_than_was_acknowledged_is_a_loss(twins: Twins) -> None:
    member = await joined(twins)
    member.acked = member.seq + 1
    member.seq += 1

    assert reason(await member.say(asks=(ask(1),))) is DoubtReason.ROLLED_BACK


@pytest.mark.parametrize(
    "shrunk", [RowValue(charged=4, lingered=2), RowValue(charged=5, lingered=1)]
)
async def test_what_only_grows_must_not_shrink(twins: Twins, shrunk: RowValue) -> None:
    member = await joined(twins)
    await member.tell(**{TOTAL: RowValue(charged=5, lingered=2)})

    assert reason(await member.say(values={TOTAL: shrunk})) is DoubtReason.ROLLED_BACK
    whole = WholeRow({TOTAL: RowValue(charged=6, lingered=3)}, {}, *twins.now, None)
    told = {TOTAL: RowValue(charged=6, lingered=2)}
    assert reason(await member.say(whole=whole, values=told)) is DoubtReason.ROLLED_BACK


async def test_another_ledger_is_not_talked_to(twins: Twins) -> None:
    member = await joined(twins)
    same = twins.identity
    for other in (
        replace(same, epoch=same.epoch + 1),
        replace(same, run_id="another"),
        replace(same, replication_id="another"),
    ):
        assert reason(await member.say(identity=other, asks=(ask(1),))) is DoubtReason.FOREIGN


async def test_the_strictest_limit_that_was_shown_is_enforced(twins: Twins) -> None:
    member = await joined(twins)
    for shown, enforced in ((800, 800), (900, 800), (None, 800), (0, 0)):
        member.restart()
        account = Account(TOTAL, shown, DAY.window_ms)
        reply = await member.join(accounts=(account,))
        assert reply.usage[TOTAL].limit == enforced


async def test_a_running_member_can_show_a_lower_limit(twins: Twins) -> None:
    member = await joined(twins)
    reply = await member.ask(ask(801), accounts=(Account(TOTAL, 800, DAY.window_ms),))

    assert reply.usage[TOTAL].limit == 800
    assert reply.grants[0].never


async def test_a_share_can_be_new_and_unlimited(twins: Twins) -> None:
    member = twins.member()
    extra = Account("x-24h/health", None, DAY.window_ms)
    reply = await member.join(accounts=(extra,))

    assert reply.usage[extra.name] == Usage(0, 0, None, None)
    reply = await member.ask(Ask(((extra.name, 2_000_000),)))
    assert reply.grants == (GRANTED,)
    member.restart()
    reply = await member.join(accounts=(replace(extra, limit=70),))
    assert reply.usage[extra.name].limit == 70


@pytest.mark.parametrize(
    "parts",
    [
        {"accounts": (Account("x-1h", 10, 3_600_000),)},
        {"accounts": (Account(TOTAL, 10, 3_600_000),)},
        {"accounts": (Account(TOTAL, 10, DAY.window_ms, "requests"),)},
        {"accounts": (Account("x/a", 1, 5_000), Account("x/a", 1, 6_000))},
        {"accounts": (Account("x/a", 1, 5_000), Account("x/a", 1, 5_000, "requests"))},
        {"values": {"x-1h": RowValue(charged=1)}},
        {"asks": (Ask((("x-1h", 1),)),)},
        {"whole": WholeRow({"x-1h": RowValue(charged=1)}, {}, 0, 0, None)},
        {"whole": WholeRow({}, {"x-1h": {1: 1}}, 0, 0, None)},
        {"whole": WholeRow({}, {TOTAL: {10**9: 1}}, 0, 0, None)},
    ],
)
async def test_rules_that_the_ledger_does_not_know_are_doubt(
    twins: Twins, parts: dict[str, object]
) -> None:
    """A limit with nothing counted under it would read as one with nothing used."""
    member = await joined(twins)

    assert reason(await member.say(**parts)) is DoubtReason.RULES


async def test_waiters_are_not_overtaken_while_they_have_patience(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(ask(900))
    patient, quick = ask(200, patience_ms=4_000), ask(100)

    assert [grant.granted for grant in (await member.ask(patient, quick)).grants] == [False] * 2
    hopeless = ask(1_001, patience_ms=4_000)
    assert (await member.ask(hopeless, quick)).grants[1] == GRANTED


async def test_a_waiter_whose_time_comes_too_late_is_overtaken(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 900)
    short, long = ask(200, patience_ms=4_000), ask(200, patience_ms=2 * DAY.window_ms)

    assert not (await member.ask(long, ask(100))).grants[1].granted
    assert (await member.ask(short, ask(100))).grants[1] == GRANTED


async def test_a_waiter_holds_back_only_who_shares_what_it_waits_for(twins: Twins) -> None:
    member = await joined(twins)
    await member.ask(ask(0, share=300))
    reply = await member.ask(ask(10, share=10, patience_ms=4_000), ask(1_000))

    assert [grant.granted for grant in reply.grants] == [False, True]
