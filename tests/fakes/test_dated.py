"""The platform with a calendar counts by its own clock, which is set and never waited for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from governor.clock import SystemClock
from tests.fakes.dated import PACIFIC, AheadClock, Dated, running_dated
from tests.fakes.until import until

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_wall_clock_is_ahead() -> None:
    clock, real = AheadClock(3_600_000), SystemClock()

    assert abs(clock.wall_ms() - real.wall_ms() - 3_600_000) < 10_000
    assert abs(clock.monotonic_ms() - real.monotonic_ms()) < 10_000

    clock.set_wall_ms(1_000)
    until(lambda: clock.wall_ms() > 1_000, within_s=5, what="it runs on")


def test_a_day_of_los_angeles_ends_at_its_midnight() -> None:
    midnight_ms = round(datetime(2026, 11, 26, tzinfo=PACIFIC).timestamp()) * 1_000
    platform = Dated(AheadClock(0), dates=[(midnight_ms - 1, midnight_ms), (midnight_ms, 0)])

    assert platform.per_day(0) == {"2026-11-25": 1, "2026-11-26": 1}


async def test_a_request_that_was_never_made_is_not_counted(tmp_path: Path) -> None:
    async with running_dated(tmp_path, AheadClock(0)) as platform:
        assert platform.port
        assert platform.ca_file is not None

    assert (platform.dates, platform.arrivals) == ([], [])
