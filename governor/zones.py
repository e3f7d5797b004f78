"""Time zones by name, from the `tzdata` package and from nowhere else.

Governors that share a ledger must agree to the millisecond on when a day ends (design, section 3:
who computes another boundary is in doubt). The package is locked with the rest of what is
installed, so one release of Governor means one set of rules; the machine's own zones, which
`zoneinfo` looks for first, are as old as its last update and were rejected for that.
"""

from __future__ import annotations

import difflib
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from governor.core.calendar import Calendar, Period, turn
from governor.errors import ConfigError

PACKAGE: Final = "tzdata"


def names() -> frozenset[str]:
    """Return every name that `zone` knows."""
    return frozenset((files(PACKAGE) / "zones").read_text("ascii").split())


def zone(name: str) -> ZoneInfo:
    """Return a zone's rules. Raises ConfigError for a name that is not in the package."""
    known = names()
    if name not in known:  # asked before any path is made of it
        near = difflib.get_close_matches(name, known, n=1)
        close = near if "/" in name else []  # PST is near MST, and is not meant
        meant = f"did you mean {close[0]}?" if close else "write one as America/Los_Angeles"
        raise ConfigError(f"there is no time zone {name!r}; {meant}")
    with (files(PACKAGE) / "zoneinfo" / name).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


class Periods:
    """The periods of calendars, by their texts.

    The last two of each are remembered: the running one and the one before it are asked for with
    every message to a ledger, and they turn once a day at most.
    """

    def __init__(self) -> None:
        self._zones: Final[dict[str, ZoneInfo]] = {}
        self._recent: Final[dict[str, tuple[Period, ...]]] = {}

    def __call__(self, text: str, date_ms: int) -> Period:
        """Return the period of a calendar that a date falls into.

        Raises ConfigError for an unknown zone, ValueError for a text that is no calendar.
        """
        recent = self._recent.get(text, ())
        for period in recent:
            if period.begins_ms <= date_ms < period.ends_ms:
                return period
        calendar = Calendar.parse(text)
        if text not in self._zones:
            self._zones[text] = zone(calendar.zone)
        found = turn(calendar, self._zones[text], date_ms)
        self._recent[text] = (found, *recent[:1])
        return found
