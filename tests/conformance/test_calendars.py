"""Limits by calendar, in both homes: what is said of days, and what is made of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from governor.core.calendar import HOUR_MS, Period
from governor.core.ledger.messages import Account, Ask, DoubtReason, Reply, RowValue
from governor.core.ledger.opening import GRACE_MS
from governor.core.ledger.periods import SHOWN_MS
from governor.errors import DoubtError
from tests.conformance.inside import LEDGER, PREFIX
from tests.conformance.twins import (
    DAILY,
    FIRST_PERIOD,
    HALF_AN_HOUR_MS,
    Twins,
    acquainted,
    joined,
    reason,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.redis import Server

TODAY: Final = FIRST_PERIOD  # it began half an hour ago
DAY_MS: Final = 24 * HOUR_MS
DAY: Final = Account("daily", 100, 25 * HOUR_MS, calendar=DAILY)
ROLLING: Final = Account("x-24h", 1_000, 24 * HOUR_MS)
BEHIND_MS: Final = -HALF_AN_HOUR_MS - 60_000  # still yesterday


@pytest.fixture
async def twins(server: Server) -> AsyncIterator[Twins]:
    """Give a contract with a limit by day beside one by window, in both homes."""
    twins = await Twins.create(server, ROLLING, DAY)
    yield twins
    await twins.end()


def running(reply: Reply) -> int:
    return reply.periods[DAILY].period.number


async def test_the_day_of_all_clocks_is_running(twins: Twins) -> None:
    reply = await (await joined(twins)).tell(daily=RowValue(charged=40))
    dated = reply.periods[DAILY]

    assert (dated.period.number, dated.charges, dated.lingers) == (TODAY, TODAY, TODAY)
    assert reply.usage["daily"].charged == 40
    twins.agree()


async def test_a_clock_that_is_behind_holds_the_day_before_until_it_is_silent(
    twins: Twins,
) -> None:
    late, member = twins.member("late"), twins.member("m")
    late.off_ms = BEHIND_MS
    assert running(await late.join()) == TODAY - 1
    await member.join()
    await late.tell()
    reply = await member.tell(daily=RowValue(charged=30))

    assert running(reply) == TODAY - 1
    assert reply.periods[DAILY].charges == TODAY
    twins.pass_ms(SHOWN_MS)
    reply = await member.tell()
    assert running(reply) == TODAY
    assert reply.usage["daily"].charged == 30
    twins.agree()


async def test_who_counts_by_no_calendar_holds_no_day_with_its_clock(twins: Twins) -> None:
    """Nobody looks whether its date can be: a machine that thinks it is 1970 would hold it."""
    mate, member = await acquainted(twins, "mate", "m")
    mate.off_ms = 30 * DAY_MS
    early = await mate.ask(periods=())
    reply = await member.tell(daily=RowValue(charged=30))

    assert isinstance(early, Reply)
    assert reply.periods[DAILY].charges == TODAY
    twins.agree()


async def test_all_come_back_after_months_in_which_ledger_time_stood_still(twins: Twins) -> None:
    """Both were off, and rebooted; the row of the other is as if it were heard just now."""
    _, member = await acquainted(twins, "other", "m")
    then = twins.period(DAILY, twins.read_ms() - 70 * DAY_MS)
    stood = (DAILY, DAY.window_ms, then.number, then.begins_ms, then.ends_ms)
    twins.book.calendars[DAILY].period = then
    twins.inside.hset(LEDGER, "calendars", msgspec.msgpack.encode([stood]))
    twins.book.members.rows["other"].date_ms -= 70 * DAY_MS
    twins.inside.hincrby(f"{PREFIX}row:other", "date", -70 * DAY_MS)
    reply = await member.tell(daily=RowValue(charged=30))

    assert running(reply) == TODAY
    assert reply.usage["daily"].charged == 30
    twins.agree()


async def test_what_yesterday_was_charged_is_free_today(twins: Twins) -> None:
    late = twins.member()
    late.off_ms = -3 * HOUR_MS  # the store's date is today's: the charge counts in both days
    await late.join()
    late_charge = await late.tell(daily=RowValue(charged=30))
    late.off_ms = 0
    reply = await late.tell()

    assert late_charge.usage["daily"].charged == 30
    assert running(reply) == TODAY
    assert reply.usage["daily"].charged == 30


async def test_a_day_that_is_used_up_is_refused_until_it_turns(twins: Twins) -> None:
    member = await joined(twins)
    await member.tell(daily=RowValue(charged=100))
    reply = await member.ask(Ask((("daily", 1),)))
    retry_at_ms = reply.grants[0].retry_at_ms

    assert not reply.grants[0].granted
    assert retry_at_ms is not None
    assert retry_at_ms > reply.time_ms + 23 * HOUR_MS
    assert reply.usage["daily"].next_free_ms == retry_at_ms


async def test_a_date_hours_from_the_stores_is_doubt(twins: Twins) -> None:
    member = await joined(twins)
    member.off_ms = 7 * HOUR_MS

    assert reason(await member.say()) is DoubtReason.CALENDAR


async def test_other_boundaries_are_doubt(twins: Twins) -> None:
    member = await joined(twins)
    [(text, before, now)] = member.dated()["periods"]
    longer = Period(now.number, now.begins_ms, now.ends_ms + 1)

    assert reason(await member.say(periods=((text, before, longer),))) is DoubtReason.CALENDAR
    moved = replace(before, ends_ms=before.ends_ms - 1)
    assert reason(await member.say(periods=((text, moved, now),))) is DoubtReason.CALENDAR


async def test_who_counts_by_a_calendar_names_its_periods(twins: Twins) -> None:
    member = await joined(twins)

    assert reason(await member.say(periods=(), values={"daily": RowValue()})) == "calendar"
    assert isinstance(await member.say(periods=(), values={"x-24h": RowValue()}), Reply)


async def test_another_calendar_is_another_rule(twins: Twins) -> None:
    member = twins.member()
    other = replace(DAY, calendar="month Here from 15")

    assert reason(await member.say(whole=member.whole(), accounts=(other,))) is DoubtReason.RULES


@pytest.mark.parametrize("emptied", [False, True])
async def test_a_lost_ledger_goes_on_from_the_latest_period_of_all_journals(
    twins: Twins,
    emptied: bool,  # noqa: FBT001  # a case
) -> None:
    """Though the clock of the first to restore is behind: a day that is over stays over."""
    one, two = await acquainted(twins, "one", "two")
    await one.tell(daily=RowValue(charged=30, lingered=4))
    await two.tell(daily=RowValue(charged=20))
    one.off_ms = BEHIND_MS
    await twins.declare(emptied=emptied, roster=one.entries, word=True)
    await one.restore()
    await two.restore()
    twins.pass_ms(GRACE_MS)
    for member in (one, two, one, two):
        await member.tell()
    reply = await one.ask(Ask((("daily", 47),)), Ask((("daily", 46),)))

    assert running(reply) == TODAY
    assert [grant.granted for grant in reply.grants] == [False, True]
    twins.agree()


async def test_a_member_that_left_counts_as_long_as_its_day(twins: Twins) -> None:
    one, two = await acquainted(twins, "one", "two")
    left = await one.ask(values={"daily": RowValue(charged=30)}, leaving=True)
    reply = await two.ask()

    assert reply.usage["daily"].charged == 30
    row = twins.book.members.rows["one"]
    assert row.frees_ms > left.time_ms + 2 * 23 * HOUR_MS
    twins.agree()


async def test_the_dead_are_charged_in_the_day_in_which_they_died(twins: Twins) -> None:
    one, two = await acquainted(twins, "one", "two")
    await one.ask(Ask((("daily", 60),)))
    retired = await twins.retire("one")

    assert retired.charged == (("daily", 60),)
    assert (await two.ask()).usage["daily"].charged == 60
    assert twins.book.members.rows["one"].buckets["daily"] == {TODAY: 60}


async def test_nobody_is_dead_where_nobody_knows_what_day_it_is(twins: Twins) -> None:
    member = await joined(twins)
    await twins.declare(emptied=True, roster=(*member.entries, *member.entries), word=True)

    with pytest.raises(DoubtError, match="day or month"):
        await twins.retire("m")


async def test_a_survey_shows_by_which_calendar_an_account_counts(twins: Twins) -> None:
    await joined(twins)
    found = await twins.store.survey()

    assert found is not None
    assert found.accounts == (ROLLING, DAY)
