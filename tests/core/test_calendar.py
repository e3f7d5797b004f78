"""The days and months of zones tile time, whatever their clocks do; every one from 1970 to 2100."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.calendar import EPOCH, MS, Calendar, Period, turn
from governor.zones import zone

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR_MS: Final = 3_600_000
YEARS: Final = range(1970, 2101)
HARD: Final = {  # the lengths that their days have, in half hours: known of each, not computed here
    "America/Los_Angeles": {46, 48, 50},
    "America/Sao_Paulo": {46, 48, 50},  # its clocks skip midnight, and show an hour before twice
    "Asia/Beirut": {46, 48, 50},  # skips midnight
    "Pacific/Apia": {46, 48, 50},  # has no 30 December 2011
    "Pacific/Kwajalein": {48},  # has no 21 August 1993
    "Africa/Casablanca": {46, 48, 50},  # four changes a year, by the moon
    "Australia/Lord_Howe": {46, 47, 48, 49, 50},  # changes by half an hour
    "UTC": {48},
}
LEFT_OUT: Final = {
    "Pacific/Apia": {date(2011, 12, 30)},
    "Pacific/Kwajalein": {date(1993, 8, 21)},
}


def ms(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // MS


def local(date_ms: int, of: tzinfo) -> datetime:
    return (EPOCH + date_ms * MS).astimezone(of)


def periods(calendar: Calendar, of: tzinfo) -> Iterator[Period]:
    """Yield the periods of all years, each found from the end of the one before."""
    at_ms = ms(f"{YEARS[0]}-01-01T12:00Z")
    while at_ms < ms(f"{YEARS[-1]}-12-31T12:00Z"):
        found = turn(calendar, of, at_ms)
        yield found
        at_ms = found.ends_ms


@pytest.mark.parametrize("name", HARD)
def test_days_tile_time(name: str) -> None:
    """Each day begins where the clocks first show it; none overlaps another, or leaves a gap."""
    of, calendar = zone(name), Calendar("day", name)
    found = list(periods(calendar, of))

    for each in found:
        shown = local(each.begins_ms, of).date()
        assert each.number == shown.toordinal()
        assert local(each.begins_ms - 1, of).date() < shown
        assert local(each.ends_ms - 1, of).date() == shown
        assert turn(calendar, of, each.begins_ms) == each == turn(calendar, of, each.ends_ms - 1)
    for one, other in pairwise(found):
        assert one.ends_ms == other.begins_ms
        skipped = {date.fromordinal(each) for each in range(one.number + 1, other.number)}
        assert skipped <= LEFT_OUT.get(name, set())
    halves = {(each.ends_ms - each.begins_ms) * 2 / HOUR_MS for each in found}
    assert halves == HARD[name]


@pytest.mark.parametrize(
    ("name", "reset_days"),
    [
        ("UTC", range(1, 32)),
        ("America/Los_Angeles", range(1, 32)),
        ("Asia/Beirut", (1, 25, 29)),
        ("Pacific/Apia", (1, 30, 31)),
        ("Africa/Casablanca", (1, 15)),
    ],
)
def test_months_tile_time(name: str, reset_days: tuple[int, ...]) -> None:
    """Each begins with the first instant of its reset day, or of the last day that it has."""
    of = zone(name)
    for reset_day in reset_days:
        found = list(periods(Calendar("month", name, reset_day), of))

        for one, other in pairwise(found):
            assert one.ends_ms == other.begins_ms
            assert one.number + 1 == other.number
        for each in found:
            year, month = each.number // 12, each.number % 12 + 1
            day = turn(Calendar("day", name), of, each.begins_ms)
            begins = min(reset_day, _days(year, month))
            assert day.begins_ms == each.begins_ms
            if date(year, month, begins) not in LEFT_OUT.get(name, ()):
                assert date(year, month, begins).toordinal() == day.number


def _days(year: int, month: int) -> int:
    """Return how many days a month has, by the rhyme."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@pytest.mark.parametrize(
    ("calendar", "at", "begins", "ends"),
    [
        ("day UTC", "2026-11-24T12:00Z", "2026-11-24T00:00Z", "2026-11-25T00:00Z"),
        # 23 and 25 hours
        ("day America/Los_Angeles", "2026-03-08T20:00Z", "2026-03-08T08:00Z", "2026-03-09T07:00Z"),
        ("day America/Los_Angeles", "2026-11-01T20:00Z", "2026-11-01T07:00Z", "2026-11-02T08:00Z"),
        # midnight is skipped: 00:00 is 01:00
        ("day America/Sao_Paulo", "2018-11-04T12:00Z", "2018-11-04T03:00Z", "2018-11-05T02:00Z"),
        ("day Asia/Beirut", "2026-03-29T12:00Z", "2026-03-28T22:00Z", "2026-03-29T21:00Z"),
        # 00:00 is 23:00 of the day before, which has 25 hours
        ("day America/Sao_Paulo", "2018-02-18T02:30Z", "2018-02-17T02:00Z", "2018-02-18T03:00Z"),
        # 00:01 was 23:01 of the day before: the day had begun, and goes on
        ("day America/St_Johns", "2010-11-07T02:45Z", "2010-11-07T02:30Z", "2010-11-08T03:30Z"),
        # a day is left out
        ("day Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29T10:00Z", "2011-12-30T10:00Z"),
        ("day Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z"),
        (
            "month Pacific/Apia from 30",
            "2012-01-01T00:00Z",
            "2011-12-30T10:00Z",
            "2012-01-29T10:00Z",
        ),
        # billing months
        ("month UTC", "2028-02-29T23:59Z", "2028-02-01T00:00Z", "2028-03-01T00:00Z"),
        ("month UTC from 15", "2026-01-14T23:59Z", "2025-12-15T00:00Z", "2026-01-15T00:00Z"),
        ("month UTC from 31", "2026-02-28T00:00Z", "2026-02-28T00:00Z", "2026-03-31T00:00Z"),
        ("month UTC from 31", "2028-02-28T12:00Z", "2028-01-31T00:00Z", "2028-02-29T00:00Z"),
        ("month UTC from 30", "2026-03-01T00:00Z", "2026-02-28T00:00Z", "2026-03-30T00:00Z"),
    ],
)
def test_boundaries_are_where_they_were_and_will_be(
    calendar: str, at: str, begins: str, ends: str
) -> None:
    """By the zones' own history, which is written here and not computed."""
    cut = Calendar.parse(calendar)
    found = turn(cut, zone(cut.zone), ms(at))

    assert (found.begins_ms, found.ends_ms) == (ms(begins), ms(ends))


class _Skipping(tzinfo):
    """Clocks that go from 23:30 to 00:30 at a given instant: no zone does, none may do harm."""

    at: Final = datetime(2026, 3, 10, 23, 30)  # noqa: DTZ001  # as these clocks show it

    def utcoffset(self, when: datetime | None) -> timedelta:
        assert when is not None
        plain = when.replace(tzinfo=None)
        ends = self.at + timedelta(hours=1)
        is_after = plain >= ends or (self.at <= plain and when.fold == 1)
        return timedelta(hours=1 if is_after else 0)

    def dst(self, _: datetime | None) -> timedelta | None:
        return None

    def tzname(self, _: datetime | None) -> str:
        return "skipping"

    def fromutc(self, when: datetime) -> datetime:
        plain = when.replace(tzinfo=None)
        return when + timedelta(hours=1 if plain >= self.at else 0)


def test_a_skip_that_begins_before_midnight_ends_the_day_there() -> None:
    """The first instant at which the new day is shown, to the millisecond."""
    day = Calendar("day", "Skipping")
    before = turn(day, _Skipping(), ms("2026-03-10T12:00Z"))
    after = turn(day, _Skipping(), ms("2026-03-11T12:00Z"))

    assert before.ends_ms == after.begins_ms == ms("2026-03-10T23:30Z")
    assert turn(day, _Skipping(), after.begins_ms) == after
    assert turn(day, _Skipping(), after.begins_ms - 1) == before


@pytest.mark.parametrize(
    ("text", "longest_ms", "words"),
    [
        ("day America/Los_Angeles", 25 * HOUR_MS, "this day (America/Los_Angeles)"),
        ("month UTC", 744 * HOUR_MS, "this month (UTC)"),
        ("month UTC from 15", 744 * HOUR_MS, "this month (UTC, from day 15)"),
    ],
)
def test_a_calendar_has_one_text(text: str, longest_ms: int, words: str) -> None:
    calendar = Calendar.parse(text)

    assert str(calendar) == text
    assert calendar.longest_ms == longest_ms
    assert calendar.words == words


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has other words"),
        ("day", "it has other words"),
        ("week UTC", "it has other words"),
        ("month UTC on 3", "it has other words"),
        ("month UTC from", "it has other words"),
        ("day UTC from 2", "a day has no reset_day"),
        ("month UTC from 32", "a month is reset on a day from 1 to 31, not 32"),
        ("month UTC from 0", "a month is reset on a day from 1 to 31, not 0"),
        ("month UTC from x", "invalid literal"),
        ("month UTC from 1", "it is written 'month UTC'"),
        ("month UTC from 07", "it is written 'month UTC from 7'"),
        ("day ", "'' is no name of a time zone"),
    ],
)
def test_a_text_that_is_no_calendar_is_told_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match="is no calendar: ") as raised:
        Calendar.parse(text)

    assert why in str(raised.value)


def test_what_exists_is_legal() -> None:
    with pytest.raises(ValueError, match="'year' is no period"):
        Calendar("year", "UTC")  # type: ignore[arg-type]  # what a journal might say
    with pytest.raises(ValueError, match="no name of a time zone"):
        Calendar("day", "Pacific Time")
    with pytest.raises(ValueError, match="ends before it begins"):
        Period(1, 5, 5)


def test_a_date_beyond_all_calendars_is_refused() -> None:
    with pytest.raises(OverflowError):
        turn(Calendar("day", "UTC"), UTC, 10**15)
