"""Which keys of a limit go together: how much of what, and in which span of time.

Both are a choice of one among several, which TOML has no word for. A key that names the choice
(`kind = "calendar"`) was rejected: it would say what the others say already, and could contradict
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from governor.config.environment import suggestion
from governor.config.values import duration_ms
from governor.core.calendar import LONGEST_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

AMOUNTS: Final = ("posts", "requests", "most")
SPANS: Final = ("window", "period")


def mistakes(limit: Mapping[str, Any], zones: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield each key that is wrong, and what to do about it. `zones`: the names; none: any."""
    limit = {key: value for key, value in limit.items() if value is not None}
    amounts = [key for key in AMOUNTS if key in limit]
    for key in amounts[1:]:
        yield key, f"it is a limit on {amounts[0]} already; write a [[contract.limit]] for each"
    if not amounts:
        yield "posts", "it is missing; write posts, requests, or most and unit"
    if "unit" in limit and "most" not in limit:
        yield "unit", "it goes with most; write most, or leave it out"
    if "most" in limit and "unit" not in limit:
        yield "most", "it goes with unit; write which of the catalog's units it counts"
    yield from _spans(limit, zones)


def _spans(limit: Mapping[str, Any], zones: Collection[str]) -> Iterator[tuple[str, str]]:
    spans = [key for key in SPANS if key in limit]
    if len(spans) > 1:
        yield "period", "it has a window already; write a [[contract.limit]] for each"
    if not spans:
        yield "window", "it is missing; write window, or period and time_zone"
    if "period" in limit and "time_zone" not in limit:
        yield "period", "it goes with time_zone; write where it begins, as America/Los_Angeles"
    if "time_zone" in limit and "period" not in limit:
        yield "time_zone", "it goes with period; write period, or leave it out"
    if "reset_day" in limit and limit.get("period") != "month":
        yield "reset_day", 'only a month has one; write period = "month", or leave it out'
    zone = limit.get("time_zone")
    if isinstance(zone, str) and zones and zone not in zones:
        near = suggestion(zone, zones) if "/" in zone else ""  # PST is near MST, and is not meant
        meant = near or "; write one as America/Los_Angeles"
        yield "time_zone", f"there is no time zone {zone!r}{meant}"


def longest_ms(limit: Mapping[str, Any]) -> int:
    """Return how long charges may count under a limit; 0 where that cannot be read."""
    if (period := limit.get("period")) is not None:
        return next((longest for name, longest in LONGEST_MS.items() if name == period), 0)
    window = limit.get("window")
    try:
        return window if isinstance(window, int) else duration_ms(window)
    except ValueError:
        return 0
