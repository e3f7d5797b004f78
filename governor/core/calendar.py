"""The arithmetic of calendar limits: the days and billing months of a zone, as spans of UTC dates.

A contract that says "per day, Pacific time" starts anew at midnight there, whatever was collected
an hour before, so its periods are dates and not ages: they come out of a zone's rules, and are 23
or 25 hours long where its clocks change. A *date* here is a reading of a wall clock, in
milliseconds of UTC; ledger time is another thing and never comes in.

A day begins at the first instant at which its zone's clocks show that day, or a later one. So
periods tile time whatever a zone does: a midnight that its clocks skip is the instant of the skip;
one that they show twice is the first; and a day that a zone leaves out whole (Apia, 30 December
2011) is no period. Days of 24 hours of UTC were rejected: they would be wrong by an hour for half
of the year, and the hour around a boundary is when a crawler has something to gain from it.

The rules of a zone are passed in as a `tzinfo`: who loads them (`governor/zones.py`) does I/O.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, Literal, get_args

PeriodName = Literal["day", "month"]
HOUR_MS: Final = 3_600_000
LONGEST_MS: Final[dict[PeriodName, int]] = {"day": 25 * HOUR_MS, "month": 31 * 24 * HOUR_MS}
LAST_RESET_DAY: Final = 31
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MS: Final = timedelta(milliseconds=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """One day or month of a calendar: from `begins_ms` to just before `ends_ms`, dates of UTC.

    A later period has a higher number.
    """

    number: int
    begins_ms: int
    ends_ms: int

    def __post_init__(self) -> None:
        if self.begins_ms >= self.ends_ms:
            raise ValueError(f"period {self.number} ends before it begins")


@dataclass(frozen=True, slots=True)
class Calendar:
    """How time is cut: into a zone's days, or into its months from a day of the month on.

    A month that does not have the `reset_day` begins on its last day.
    """

    period: PeriodName
    zone: str
    reset_day: int = 1

    def __post_init__(self) -> None:
        if self.period not in get_args(PeriodName):
            raise ValueError(f"{self.period!r} is no period: there are day and month")
        if len(self.zone.split()) != 1 or self.zone != self.zone.strip():
            raise ValueError(f"{self.zone!r} is no name of a time zone")
        if not 1 <= self.reset_day <= LAST_RESET_DAY:
            raise ValueError(f"a month is reset on a day from 1 to 31, not {self.reset_day}")
        if self.period == "day" and self.reset_day != 1:
            raise ValueError("a day has no reset_day")

    def __str__(self) -> str:
        """Return the one text that stands for this calendar: `parse` reads it."""
        begins = "" if self.reset_day == 1 else f" from {self.reset_day}"
        return f"{self.period} {self.zone}{begins}"

    @classmethod
    def parse(cls, text: str) -> Calendar:
        """Read "day America/Los_Angeles", "month UTC", "month UTC from 15".

        Raises ValueError for whatever no calendar is written as.
        """
        words = text.split(" ")
        period, zone = (*words, "", "")[:2]
        if len(words) not in {2, 4} or period not in LONGEST_MS or words[2:3] not in ([], ["from"]):
            raise ValueError(f"{text!r} is no calendar: it has other words")
        try:
            found = cls(period, zone, int(words[3]) if words[3:] else 1)
        except ValueError as error:
            raise ValueError(f"{text!r} is no calendar: {error}") from None
        if str(found) != text:
            raise ValueError(f"{text!r} is no calendar: it is written {str(found)!r}")
        return found

    @property
    def longest_ms(self) -> int:
        """What its periods last at most, as a rule: what bounds how long charges are kept."""
        return LONGEST_MS[self.period]

    @property
    def words(self) -> str:
        """The period that is running, as a refusal calls it."""
        begins = "" if self.reset_day == 1 else f", from day {self.reset_day}"
        return f"this {self.period} ({self.zone}{begins})"


def turn(calendar: Calendar, zone: tzinfo, date_ms: int) -> Period:
    """Return the period that a date falls into. `zone` holds the rules of the calendar's zone.

    Raises OverflowError for dates that a `datetime` cannot hold: years before 1, after 9999.
    """
    local = (EPOCH + date_ms * MS).astimezone(zone).date()
    begins = _first_day(calendar, local)
    while _first_ms(ends := _next_first_day(calendar, begins), zone) <= date_ms:
        begins = ends  # clocks that were set back show the day before once more
    return Period(_number(calendar, begins), _first_ms(begins, zone), _first_ms(ends, zone))


def _number(calendar: Calendar, first: date) -> int:
    return first.toordinal() if calendar.period == "day" else first.year * 12 + first.month - 1


def _first_day(calendar: Calendar, day: date) -> date:
    """Return the first day of the period that has this day."""
    if calendar.period == "day":
        return day
    first = _reset(calendar, day.year, day.month)
    if first > day:
        before = day.replace(day=1) - DAY
        first = _reset(calendar, before.year, before.month)
    return first


def _next_first_day(calendar: Calendar, first: date) -> date:
    if calendar.period == "day":
        return first + DAY
    after = first.replace(day=monthrange(first.year, first.month)[1]) + DAY
    return _reset(calendar, after.year, after.month)


def _reset(calendar: Calendar, year: int, month: int) -> date:
    """Return the day of a month on which its period begins."""
    return date(year, month, min(calendar.reset_day, monthrange(year, month)[1]))


def _first_ms(day: date, zone: tzinfo) -> int:
    """Return the first instant at which the zone's clocks show this day, or a later one."""
    midnight = datetime.combine(day, time(), zone)
    first_ms = _ms(midnight)  # fold 0: of two midnights the first
    if _local(first_ms, zone) == midnight.replace(tzinfo=None):
        return first_ms
    # The clocks skip midnight. Read by the rules before the skip it is no earlier than the skip,
    # and by those after it no later, so that the skip is between; only it moves the day there.
    early_ms, late_ms = _ms(midnight.replace(fold=1)), first_ms
    while early_ms < late_ms:
        middle_ms = (early_ms + late_ms) // 2
        if _local(middle_ms, zone).date() >= day:
            late_ms = middle_ms
        else:
            early_ms = middle_ms + 1
    return late_ms


def _ms(at: datetime) -> int:
    return (at - EPOCH) // MS


def _local(date_ms: int, zone: tzinfo) -> datetime:
    """Return what the zone's clocks show, without saying that it is they who do."""
    return (EPOCH + date_ms * MS).astimezone(zone).replace(tzinfo=None)
