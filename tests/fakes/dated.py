"""A platform with a calendar: it answers as YouTube does, and writes down on which date.

Its clock, and a Governor's beside it, is this machine's, set ahead as far as the test says: so the
night of Los Angeles comes when the test wants it. Nothing but the wall clock is set.
"""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from governor.clock import SystemClock
from governor.demo.authority import make_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOST: Final = "youtube.googleapis.com"
PACIFIC: Final = ZoneInfo("America/Los_Angeles")


class AheadClock(SystemClock):
    """This machine's clocks, the wall clock ahead of it by `ahead_ms`."""

    def __init__(self, ahead_ms: int) -> None:
        super().__init__()
        self.ahead_ms = ahead_ms

    def wall_ms(self) -> int:
        """Return what it shows."""
        return super().wall_ms() + self.ahead_ms

    def set_wall_ms(self, date_ms: int) -> None:
        """Set it, as an operator would."""
        self.ahead_ms = date_ms - super().wall_ms()


@dataclass(slots=True)
class Dated:
    """One platform: where it is, and when it was asked: dates, and monotonic milliseconds."""

    clock: AheadClock
    port: int = 0
    ca_file: Path | None = None
    dates: list[tuple[int, int]] = field(default_factory=list)  # of the first and the last byte
    arrivals: list[tuple[int, int]] = field(default_factory=list)  # monotonic, and 1 request

    def per_day(self, end: int) -> Counter[str]:
        """Return the requests of each day of Los Angeles, counted at their first or last byte."""
        return Counter(
            str(datetime.fromtimestamp(dates[end] / 1_000, UTC).astimezone(PACIFIC).date())
            for dates in self.dates
        )

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with one video."""
        first_ms = self.clock.wall_ms()
        self.arrivals.append((self.clock.monotonic_ms(), 1))
        await request.read()
        video = {"kind": "youtube#video", "etag": "e", "id": "v"}
        response = web.json_response({"kind": "youtube#videoListResponse", "items": [video]})
        self.dates.append((first_ms, self.clock.wall_ms()))
        return response


@asynccontextmanager
async def running_dated(directory: Path, clock: AheadClock) -> AsyncIterator[Dated]:
    """Serve on a free port of loopback while the block runs."""
    platform = Dated(clock)
    authority = make_authority(directory, SystemClock().wall_ms(), (HOST,))
    runner = web.ServerRunner(web.Server(platform.answer, access_log=None), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.context)
        await site.start()
        platform.port, platform.ca_file = int(runner.addresses[0][1]), authority.ca_file
        yield platform
    finally:
        await runner.cleanup()
