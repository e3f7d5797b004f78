"""Wrong clocks free nothing, and wrong sums close the ledger, in both homes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import (
    Account,
    Ask,
    DoubtReason,
    Grant,
    Reply,
    WholeRow,
)
from governor.core.window import Window
from tests.conformance.inside import LEDGER, PREFIX
from tests.conformance.twins import Twins, joined, reason, spent

if TYPE_CHECKING:
    from tests.fakes.redis import RedisServer

DAY = Window(86_400_000)
TOTAL, SHARE = "x-24h", "x-24h/elections"
TOTAL_RULE = Account(TOTAL, 1_000, DAY.window_ms)
GRANTED = Grant(granted=True)


def ask(posts: int, *, share: int | None = None, patience_ms: int = 0) -> Ask:
    amounts = ((TOTAL, posts),) if share is None else ((TOTAL, posts), (SHARE, share))
    return Ask(amounts, patience_ms=patience_ms)


async def test_a_stepped_clock_is_reported_and_not_followed(twins: Twins) -> None:
    member = await spent(twins, TOTAL, 1_000)
    now_ms = twins.time_ms
    for step_ms in (2 * DAY.window_ms, -2 * DAY.window_ms):
        twins.step_store_ms(step_ms)
        reply = await member.hear(member.message())
        assert isinstance(reply, Reply)
        assert reply.stepped == ("store",)
        await member.hear(member.message())  # read anew, now that time may have been lost
        member.boot_ms += step_ms
        reply = await member.hear(member.message())
        assert isinstance(reply, Reply)
        assert reply.stepped == ("boot",)
        assert reply.time_ms - now_ms < 60_000
        assert reply.usage[TOTAL].charged == 1_000


async def test_the_shortest_window_says_what_is_a_step(server: RedisServer) -> None:
    """A hundredth of it: for a second, what for a day is jitter frees posts too early."""
    twins = await Twins.create(server, TOTAL_RULE, Account("x-1s", 5, 1_000))
    member = await joined(twins)
    twins.set_store_offset_ms(twins.book.clocks.store_offset_ms - 1_000)
    member.boot_ms = twins.time_ms + 11
    reply = await member.hear(member.message())
    await twins.end()

    assert isinstance(reply, Reply)
    assert reply.stepped == ("store",)


async def test_a_rebooted_members_clock_is_anchored_anew(twins: Twins) -> None:
    member = await joined(twins)
    member.restart()
    member.boot_ms = 1_000
    assert member.journal is not None
    member.journal.boot_offset_ms = None
    reply = await member.hear(member.message(whole=member.whole()))

    assert isinstance(reply, Reply)
    assert reply.boot_offset_ms == 1_000 - member.journal.time_ms
    assert reply.time_ms == member.journal.time_ms


async def test_an_open_ledger_learns_no_time_from_a_journal(twins: Twins) -> None:
    """A new member's journal has its own machine's time in it, and that may be wrong by days."""
    await spent(twins, TOTAL, 1_000)
    stranger = twins.member("stranger")
    ahead_ms = twins.time_ms + 2 * DAY.window_ms
    reply = await stranger.join(whole=WholeRow({}, {}, ahead_ms, ahead_ms, None))

    assert reply.time_ms < ahead_ms - DAY.window_ms
    assert reply.usage[TOTAL].charged == 1_000


async def test_a_closed_ledger_grants_nothing_and_learns_its_time(twins: Twins) -> None:
    """After a loss T and H resume from the highest journaled values, never from a clock."""
    member = await joined(twins)
    await twins.declare()
    ahead_ms = twins.time_ms + DAY.window_ms
    member.restart()
    whole = WholeRow({}, {}, ahead_ms, ahead_ms + 7, None)
    reply = await member.say(whole=whole, asks=(ask(1, patience_ms=9), ask(1)))

    assert isinstance(reply, Reply)
    assert not reply.open
    assert reply.grants == (Grant(granted=False), Grant(granted=False))
    assert (reply.time_ms, reply.high_ms >= ahead_ms + 7) == (ahead_ms, True)


@pytest.mark.parametrize("amiss", ["pending", "charged"])
async def test_sums_that_do_not_add_up_close_the_ledger(twins: Twins, amiss: str) -> None:
    member = await spent(twins, TOTAL, 100)
    state = twins.book.accounts[TOTAL]
    if amiss == "pending":
        state.pending -= 1
    else:
        state.ring.charged -= 1
    twins.inside.hincrby(f"{PREFIX}account:{TOTAL}", amiss, -1)
    twins.pass_ms(60_000)
    assert reason(await member.say(asks=(ask(1),))) is DoubtReason.MISCOUNTED

    assert twins.inside.hget(LEDGER, "sound") == "0"
    assert reason(await member.say()) is DoubtReason.MISCOUNTED


async def test_every_account_is_recounted_at_least_once_a_minute(twins: Twins) -> None:
    member = await joined(twins)
    twins.book.accounts[SHARE].pending += 1
    twins.inside.hincrby(f"{PREFIX}account:{SHARE}", "pending", 1)
    seconds = 0
    while isinstance(await member.say(), Reply):
        seconds += 1
        twins.pass_ms(1_000)

    assert seconds <= 60
