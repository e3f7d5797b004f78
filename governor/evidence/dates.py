"""The worst period of a calendar account: by which dates its posts may have been counted.

A period is a span of dates, and the ledger's time is none: what lies between them is what each
member's wall clock, and the store's, showed when it heard from the ledger, which its journal says
to the second. Of the clocks that were compared around an instant the slowest gives the date at
which a request may have begun, the fastest that at which it may have ended; the platform's own
date is taken to be between them, as the ledger takes it (design, section 3: a period turns when the
slowest is a pad past the boundary, a charge counts in the new one from a pad before by the
fastest).

A request counts in full in every period that it touches so. The ledger counts it under the same
rule with a pad on both sides, so that a sound history never exceeds its limit here; but for a clock
that is set back over a boundary which the ledger has passed. Which of its readings was wrong nobody
can say, and the worse is taken.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Final

from governor.evidence.spans import OPEN_MS, Worst, limit_at, worse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from governor.core.calendar import Period
    from governor.evidence.spans import Limits, Spans

HEARD_MS: Final = 10_000  # a clock that was not heard for so long turns no period of the ledger's

Compared = tuple[list[tuple[int, int]], int]  # wall clock less ledger time, from when; until when


class Dates:
    """What the wall clocks of some members showed at each instant of ledger time."""

    def __init__(self, clocks: Iterable[Compared]) -> None:
        known = [(offsets, until_ms) for offsets, until_ms in clocks if offsets]
        changes: list[tuple[int, int, int | None]] = []
        for number, (offsets, until_ms) in enumerate(known):
            changes += [(from_ms, number, offset_ms) for from_ms, offset_ms in offsets]
            changes.append((until_ms + HEARD_MS, number, None))
        self._from_ms: Final[list[int]] = []
        self._apart: Final[list[tuple[int, int]]] = []
        self.last_ms: Final = max((until_ms for _, until_ms in known), default=0)
        shown: dict[int, int] = {}
        for from_ms, number, offset_ms in sorted(changes, key=lambda change: change[:2]):
            if offset_ms is None:
                del shown[number]
            else:
                shown[number] = offset_ms
            if shown:  # else nobody was heard: what they showed last goes on
                self._from_ms.append(from_ms)
                self._apart.append((min(shown.values()), max(shown.values())))

    def slowest(self, time_ms: int) -> int:
        """Return the earliest date that any clock showed at an instant of ledger time."""
        return time_ms + self._at(time_ms)[0]

    def fastest(self, time_ms: int) -> int:
        """Return the latest one."""
        return time_ms + self._at(time_ms)[1]

    def _at(self, time_ms: int) -> tuple[int, int]:
        """Return by how much clocks differed from ledger time; before they did, as at first."""
        if not self._apart:
            return 0, 0
        return self._apart[max(0, bisect_right(self._from_ms, time_ms) - 1)]


class Ran:
    """The periods of one calendar: those that ran, as journals say, and all others as `computed`.

    So zones whose rules were changed since do not move a boundary that was kept.
    """

    def __init__(self, journaled: Iterable[Period], computed: Callable[[int], Period]) -> None:
        self._ran: Final = sorted(set(journaled), key=lambda period: period.begins_ms)
        self._computed: Final = computed

    def __call__(self, date_ms: int) -> Period:
        """Return the period that a date falls into."""
        place = bisect_right(self._ran, date_ms, key=lambda period: period.begins_ms)
        if place and date_ms < self._ran[place - 1].ends_ms:
            return self._ran[place - 1]
        return self._computed(date_ms)


def worst_period(
    spans: Spans, limits: Limits, dates: Dates, periods: Callable[[int], Period]
) -> Worst:
    """Return the worst period; `until_ms` and `over_ms` are dates, at which periods end.

    `periods` says which one a date falls into. The sum of a period grows only where a span begins,
    so it is compared there with the limit then in force. What never ended goes on until clocks were
    compared last.
    """
    found, totals = Worst(limit=limit_at(limits, 0)), Counter[int]()
    for at in sorted(range(len(spans.begins)), key=spans.begins.__getitem__):
        begin_ms, end_ms = spans.begins[at], spans.ends[at]
        if end_ms == OPEN_MS:
            end_ms = max(begin_ms, dates.last_ms)
        limit, last_ms = limit_at(limits, begin_ms), dates.fastest(end_ms)
        period = periods(dates.slowest(begin_ms))
        while True:
            totals[period.number] += spans.posts[at]
            found = worse(found, totals[period.number], period.ends_ms, limit)
            if period.ends_ms > last_ms:
                break
            period = periods(period.ends_ms)
    return found
