"""A message and its ledger mean the same accounts, and the same days."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from governor.core.calendar import HOUR_MS, Period
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Account, DoubtReason, RowValue, WholeRow
from tests.core.ledger.speaker import BEGIN_MS, BEGUN, IDENTITY, Speaker, ask

LENGTH_MS: Final = 24 * HOUR_MS
TODAY: Final = BEGIN_MS // LENGTH_MS
CALENDAR: Final = "day UTC"
DAILY: Final = Account("daily", 100, 25 * HOUR_MS, calendar=CALENDAR)
SHARE: Final = replace(DAILY, name="daily/a")


def day(number: int) -> Period:
    return Period(number, number * LENGTH_MS, (number + 1) * LENGTH_MS)


def dated(date_ms: int = BEGIN_MS, number: int = TODAY) -> dict[str, Any]:
    return {"date_ms": date_ms, "periods": ((CALENDAR, day(number - 1), day(number)),)}


def joined() -> Speaker:
    clocks = Clocks(BEGIN_MS, BEGIN_MS, 0)
    speaker = Speaker(Book((DAILY,), identity=IDENTITY, clocks=clocks))
    speaker.join(accounts=(DAILY,), **dated())
    return speaker


def test_who_names_the_ledgers_periods_is_heard() -> None:
    reply = joined().reply(ask(100, DAILY), **dated())

    assert reply.grants[0].granted
    assert reply.periods[CALENDAR].period == day(TODAY)


@pytest.mark.parametrize(
    "account",
    [
        replace(DAILY, calendar="day Europe/Berlin"),
        replace(DAILY, calendar=""),
        replace(SHARE, window_ms=24 * HOUR_MS),
    ],
)
def test_another_calendar_under_an_accounts_name_is_another_rule(account: Account) -> None:
    whole = WholeRow({}, {}, *BEGUN)

    assert joined().doubt(whole=whole, accounts=(account,), **dated()) is DoubtReason.RULES


def test_a_share_counts_by_its_limits_calendar() -> None:
    speaker = joined()
    speaker.restart()
    reply = speaker.join(ask(3, SHARE), accounts=(DAILY, SHARE), **dated())

    assert reply.grants[0].granted


def test_who_counts_by_a_calendar_names_its_periods() -> None:
    speaker = joined()

    assert speaker.doubt(values={DAILY.name: RowValue()}) is DoubtReason.CALENDAR
    assert speaker.doubt(asks=(ask(1, DAILY),)) is DoubtReason.CALENDAR
    assert speaker.reply().open


@pytest.mark.parametrize(
    ("before", "running"),
    [
        (day(TODAY - 1), Period(TODAY, day(TODAY).begins_ms, day(TODAY).ends_ms + 1)),
        (day(TODAY - 2), day(TODAY)),
        (Period(TODAY, day(TODAY - 1).begins_ms, day(TODAY - 1).ends_ms), day(TODAY)),
        (day(TODAY), day(TODAY + 1)),
    ],
)
def test_other_boundaries_are_doubt(before: Period, running: Period) -> None:
    periods = ((CALENDAR, before, running),)

    assert joined().doubt(date_ms=BEGIN_MS, periods=periods) is DoubtReason.CALENDAR


@pytest.mark.parametrize(("off_ms", "is_heard"), [(0, True), (1, False)])
def test_a_date_hours_from_the_stores_is_doubt(off_ms: int, is_heard: bool) -> None:  # noqa: FBT001  # a case
    date_ms = BEGIN_MS + DAILY.window_ms // 4 + off_ms
    speaker = joined()
    parts = dated(date_ms, date_ms // LENGTH_MS)

    if is_heard:
        assert speaker.reply(**parts).open
    else:
        assert speaker.doubt(**parts) is DoubtReason.CALENDAR


def test_a_calendar_that_nobody_here_counts_by_says_nothing() -> None:
    other = ("month UTC", Period(1, 0, BEGIN_MS), Period(2, BEGIN_MS, 2 * BEGIN_MS))

    assert joined().reply(date_ms=BEGIN_MS, periods=(other,)).open


def test_a_bucket_beyond_the_ring_is_another_rule() -> None:
    speaker = joined()
    speaker.restart()
    buckets = {DAILY.name: {TODAY + 63: 1, TODAY + 64: 1}}
    spread = {DAILY.name: RowValue(charged=2)}
    whole = WholeRow(spread, buckets, *BEGUN)

    assert speaker.doubt(whole=whole, values=spread, **dated()) is DoubtReason.RULES


def test_a_lost_ledger_goes_on_from_the_latest_period_that_a_journal_knows() -> None:
    """Though every clock is set back a day: what is over is over."""
    speaker = joined()
    speaker.lose(emptied=True, accounts=(DAILY,), word=True)
    spread = {DAILY.name: RowValue(charged=7)}
    periods = {CALENDAR: day(TODAY + 1)}
    whole = WholeRow(spread, {DAILY.name: {TODAY + 1: 7}}, *BEGUN, periods=periods)
    reply = speaker.join(whole=whole, values=spread, **dated())

    assert reply.periods[CALENDAR].period == day(TODAY + 1)
    assert reply.usage[DAILY.name].charged == 7
