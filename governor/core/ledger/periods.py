"""What is counted by calendar: the days or months of a zone, as the buckets of an account's ring.

A platform counts by its own date, which nobody here can read. It is taken to be no more than a pad
outside of what all clocks show that were heard of late: the store's and the members', as they are.
So two dates are kept, as there are two ledger times. The slowest says which period is over: one is
let go of when even that date is a pad into the next. The fastest says into which period a charge
goes: the next, once it is within a pad of that. In between, usage is what both periods hold, and
what is pending counts in whichever is running.

Why no period gets more than its limit. Take the last grant j of which the platform counts anything
in period p. When it was granted the platform's date was before p's end, so the running period was
no later than p: it turns to a later one only when that has begun by every date, and by the
platform's. Of whatever else was counted in p, a part was still pending then, and so in the sum;
the rest was told after it was counted, so the fastest date was within a pad of p, or in it or later
by then, and it went into bucket p or a later one. Those are in the sum.

Dates are never corrected, for a wall clock that is set right is right at once. But a clock that is
hours off would say that a day is over which is not, or never let one end. So a member whose date is
further from the store's than a quarter of a period is in doubt. That bounds everything here: two
dates differ by at most half a period, so a sender's own period and the one before it are all that
can be running, and a charge goes at most one further. What no date can show is that all clocks are
wrong together: an embedded ledger has but one machine's. A governor on such a machine trusts
whoever sets its clock.

Who computes other boundaries than the ledger was told is in doubt too: with other rules of a zone
the same charge would fall into another day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governor.core.calendar import HOUR_MS
from governor.core.ledger.messages import Dated
from governor.core.ledger.roster import MemberStanding
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from governor.core.calendar import Period
    from governor.core.ledger.members import RowState

PERIODS_IN_RING: Final = 64  # 256 bytes: what a dead member is charged may lie far ahead
SHOWN_MS: Final = 10_000  # of ledger time: whoever was not heard for so long shows no date
FENCED_MS: Final = 61_000  # of silence: who lives has closed all connections (conversation/vigil)
LONG_AGO_MS: Final = 32 * 24 * HOUR_MS  # half a ring of days: no date heard of late is so far off


@dataclass(frozen=True, slots=True)
class Dates:
    """Between which dates the platform's is taken to be, but for a pad."""

    slowest_ms: int
    fastest_ms: int


def shown(store_ms: int, others: Iterable[RowState], *, time_ms: int, date_ms: int = 0) -> Dates:
    """Return the dates that the store and (unless 0) a sender show, and members heard of late.

    Ledger time stands still while nobody speaks or all were off, and makes of what was heard long
    ago a thing of now; the store's date tells one from the other.
    """
    found = [store_ms, date_ms or store_ms]
    for row in others:
        silent_ms = time_ms - row.heard_ms
        is_heard = row.standing is MemberStanding.ACTIVE and silent_ms < SHOWN_MS
        shows_ms = row.date_ms + silent_ms
        if row.date_ms and is_heard and abs(shows_ms - store_ms) <= LONG_AGO_MS:
            found.append(shows_ms)
    return Dates(min(found), max(found))


class Turns:
    """The periods of one calendar, with the face of a `Window`: its buckets are whole periods.

    `period` is the one that is running, None until somebody told of one. What ledger time it is
    says nothing here. `turns_ms`, ledger time, is when it turns if dates go on as they do.
    """

    __slots__ = ("_charges", "_lingers", "_lost", "calendar", "longest", "period", "turns_ms")

    def __init__(self, calendar: str, window_ms: int, period: Period | None = None) -> None:
        self.calendar = calendar
        self.longest = Window(window_ms)
        self.period = period
        self.turns_ms = 0
        self._charges = self._lingers = self._lost = self.number

    @classmethod
    def at(cls, dated: Dated, calendar: str, window_ms: int) -> Turns:
        """Return a calendar as it stood at one message."""
        turns = cls(calendar, window_ms, dated.period)
        turns._charges, turns._lingers = dated.charges, dated.lingers
        return turns

    @property
    def number(self) -> int:
        """The running period's number, 0 if none is known."""
        return 0 if self.period is None else self.period.number

    @property
    def window_ms(self) -> int:
        """What a period lasts at most."""
        return self.longest.window_ms

    @property
    def tolerance_ms(self) -> int:
        """As of a window that long."""
        return self.longest.tolerance_ms

    @property
    def kept_ms(self) -> int:
        """As of a window that long."""
        return self.longest.kept_ms

    @property
    def furthest_ms(self) -> int:
        """By how much a member's date may differ from the store's."""
        return self.window_ms // 4

    @property
    def ring_length(self) -> int:
        """Periods that a ring holds, from the running one on."""
        return PERIODS_IN_RING

    def first_counting(self, _: int) -> int:
        """Return the running period."""
        return self.number

    def first_kept(self, _: int) -> int:
        """Return the period before it, so a loss can be undone."""
        return self.number - 1

    def in_ring(self, bucket: int, _: int) -> bool:
        """Say whether a period has a place of its own in a ring."""
        return bucket < self.number + PERIODS_IN_RING

    def frees_at(self, bucket: int) -> int:
        """Return when a period is over, at the latest: exactly so of the running one."""
        return self.turns_ms + max(0, bucket - self.number) * self.window_ms

    def gone_at(self, bucket: int) -> int:
        """Return when a period is over whatever clocks do: dates may stand still, not for a day.

        One that no row keeps any more has long been.
        """
        if bucket < self.first_kept(0):
            return 0
        return self.frees_at(bucket) + self.window_ms

    def charged_in(self, _: int) -> int:
        """Return the period into which a charge goes that is told now."""
        return self._charges

    def lingered_in(self, _: int) -> int:
        """Return the period into which goes what the platform may count up to a linger from now."""
        return self._lingers

    def lost_in(self, _: int) -> int:
        """Return that of a dead member, which may live until it fences itself, and linger then."""
        return self._lost

    def resume(self, period: Period | None) -> None:
        """Go on from a journal's period, if that is later."""
        if period is not None and period.number > self.number:
            self.period = period

    def disagrees(self, other: Period) -> bool:
        """Say whether a period cannot be of this calendar, as the running one is."""
        known = self.period
        if known is None:
            return False
        if other.number > known.number:
            next_to = other.number == known.number + 1
            return other.begins_ms < known.ends_ms or (next_to and other.begins_ms > known.ends_ms)
        if other.number < known.number:
            next_to = other.number == known.number - 1
            return other.ends_ms > known.begins_ms or (next_to and other.ends_ms < known.begins_ms)
        return other != known

    def turn(self, dates: Dates, named: Collection[Period], *, is_open: bool) -> None:
        """Let later periods run that have begun by every date.

        The first of all is taken as it is named: nothing was charged before it. Not while closed,
        for a journal may yet tell of an earlier one.
        """
        for period in named:
            begun = dates.slowest_ms >= period.begins_ms + self.longest.pad_ms
            if begun or (self.period is None and is_open):
                self.resume(period)

    def look(self, dates: Dates, named: Collection[Period], *, time_ms: int) -> None:
        """Find out when the running period turns, and into which charges go until the next look."""
        self.turns_ms = time_ms
        if self.period is not None:
            ends_ms = self.period.ends_ms + self.longest.pad_ms
            self.turns_ms += max(0, ends_ms - dates.slowest_ms)
        fastest_ms = dates.fastest_ms + self.longest.pad_ms
        self._charges = self._number_at(fastest_ms, named)
        self._lingers = self._number_at(fastest_ms + self.longest.linger_ms, named)
        self._lost = self._number_at(fastest_ms + self.longest.linger_ms + FENCED_MS, named)

    def _number_at(self, date_ms: int, named: Collection[Period]) -> int:
        """Return the period of a date, or a later one: where none is named, as if all were short.

        The shortest are 23 hours, or 28 days, long.
        """
        number = self.number
        for period in (self.period, *named):
            if period is not None and date_ms >= period.ends_ms:
                number = max(number, period.number + 1)
            elif period is not None and date_ms >= period.begins_ms:
                number = max(number, period.number)
        if self.period is not None and not named and date_ms >= self.period.ends_ms:
            number += (date_ms - self.period.ends_ms) // (self.window_ms * 7 // 8)
        return number

    @property
    def has_place(self) -> bool:
        """Whether a period is known, and what is charged now has a place of its own in a ring."""
        return self.period is not None and self.in_ring(self._lost, 0)

    @property
    def dated(self) -> Dated | None:
        """How the calendar stands, as a reply says it; None if it does not."""
        if self.period is None:
            return None
        return Dated(self.period, self._charges, self._lingers)


Span = Window | Turns
