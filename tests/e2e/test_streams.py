"""A stream through a real Governor is cut before the platform can count more than the limit."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest

from governor.demo.launch import Launched, Place, Terms
from tests.fakes.serving import config_of, serving, settings
from tests.fakes.stream import Pace, StreamPlatform, running_stream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.cli.serve import Running

LIMIT = 1_000
STREAM = "/gateway/api.x.com/2/tweets/search/stream"
WITHIN_S = 0.1


@dataclass
class Scene:
    """A Governor in front of a platform that streams."""

    platform: StreamPlatform
    running: Running
    url: str
    received: bytes = b""
    last_s: float = 0.0
    statuses: list[int] = field(default_factory=list)

    async def collect(self, *, pause_s: float = 0.0) -> None:
        """Read one stream to its end, taking a rest after each piece."""
        timeout = aiohttp.ClientTimeout(total=60)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self.url + STREAM) as answer,
        ):
            self.statuses.append(answer.status)
            async for piece in answer.content.iter_any():
                self.received += piece
                self.last_s = asyncio.get_running_loop().time()
                await asyncio.sleep(pause_s)

    async def charged(self, posts: int) -> None:
        """Wait until the ledger was told of so many; that takes milliseconds."""
        for _ in range(500):
            if self.usage() == posts:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{self.usage()} are charged, not {posts}")

    def usage(self) -> int:
        """Return what the ledger charges and holds."""
        usage = self.running.member.talks["x"].snapshot().usage["x-demo"]
        return usage.charged + usage.pending


@asynccontextmanager
async def scene(
    directory: Path, pace: Pace, *changes: tuple[str, str], limit: int = LIMIT
) -> AsyncIterator[Scene]:
    """Set it up with a limit in which nobody waits."""
    async with AsyncExitStack() as stack:
        platform, ca_file = await stack.enter_async_context(running_stream(directory, pace))
        governor = settings(
            directory / "governor",
            ("posts = 10000", f"posts = {limit}"),
            ('max_wait = "4s"', 'max_wait = "0s"'),
            *changes,
            place=Place(platform.port, ca_file),
        )
        await governor.command("init")
        running = await stack.enter_async_context(serving(config_of(governor)))
        yield Scene(platform, running, governor.proxy_url)
        await running.proxy.close(0)


PACES = {
    "250 a second": Pace(),
    "100 a second": Pace(rate=100, burst=4),
    "250 at once": Pace(burst=250),
    "2,000 a second": Pace(rate=2_000, burst=10),
    "long posts": Pace(text_bytes=2_000),
    "bursts of long posts": Pace(burst=125, text_bytes=2_000),
}


@pytest.mark.parametrize("pace", PACES.values(), ids=PACES.keys())
async def test_a_stream_is_cut_after_a_whole_line_before_the_limit(
    tmp_path: Path, pace: Pace
) -> None:
    """All that the platform wrote to its socket is within the limit, read or not."""
    async with scene(tmp_path, pace) as on:
        await on.collect()
        await on.platform.closed.wait()
        lines = on.received.splitlines(keepends=True)
        closed_s = on.platform.closed_s or 0.0

        assert on.platform.delivered <= LIMIT
        assert closed_s - on.last_s <= WITHIN_S
        assert on.received.endswith(b"\r\n")
        assert all(json.loads(line)["data"]["id"] for line in lines)
        assert on.platform.delivered <= on.usage() <= LIMIT


async def test_it_is_cut_as_soon_by_one_who_might_wait_longer(tmp_path: Path) -> None:
    """Only its own holds stand in the way, and the platform would go on writing meanwhile."""
    patient = ('max_wait = "0s"', 'max_wait = "30s"')
    async with scene(tmp_path, Pace(), patient) as on:
        await on.collect()
        await on.platform.closed.wait()
        waited_s = (on.platform.closed_s or 0.0) - on.last_s

        assert on.platform.delivered <= on.usage() <= LIMIT
        assert waited_s <= WITHIN_S
        assert on.received.endswith(b"\r\n")


async def test_a_slow_crawler_does_not_let_posts_pile_up_unread(tmp_path: Path) -> None:
    """Reading goes on at the platform's pace: the stream is cut no later, and counted right."""
    async with scene(tmp_path, Pace(burst=25)) as on:
        async with asyncio.TaskGroup() as beside:
            beside.create_task(on.collect(pause_s=0.5))
            await on.platform.closed.wait()

            assert on.platform.delivered <= on.usage() <= LIMIT

        assert on.received.count(b"\r\n") <= on.platform.delivered
        assert on.received.endswith(b"\r\n")


async def test_a_coded_stream_is_counted_decoded_and_led_by_more(tmp_path: Path) -> None:
    """It reaches the crawler decoded, because only so it can be cut after a whole line."""
    limit = 10_000
    async with scene(tmp_path, Pace(rate=5_000, burst=50, gzip=True), limit=limit) as on:
        await on.collect()
        await on.platform.closed.wait()

        assert on.received.endswith(b"\r\n")
        assert 0 < on.received.count(b"\r\n") <= on.platform.delivered
        assert on.platform.delivered <= on.usage() <= limit


async def test_who_connects_again_is_refused_while_nothing_is_left(tmp_path: Path) -> None:
    async with scene(tmp_path, Pace()) as on:
        await on.collect()
        await on.collect()

        assert on.statuses == [200, 429]
        assert len(on.platform.requests) == 1


async def test_a_stream_that_ends_costs_what_it_held(tmp_path: Path) -> None:
    """Nothing of it is on its way any more."""
    async with scene(tmp_path, Pace(rate=1_000, most=120)) as on:
        await on.collect()
        await on.charged(120)

        assert on.received.count(b"\r\n") == on.platform.delivered == 120


async def test_shadow_mode_cuts_nothing_and_counts_all(tmp_path: Path) -> None:
    """It says what would have been, and the ledger has the truth, over the limit."""
    shadow = ('catalog = "x"\n', 'catalog = "x"\nmode = "shadow"\n')
    async with scene(tmp_path, Pace(rate=2_000, burst=20, most=1_500), shadow) as on:
        await on.collect()
        await on.charged(1_500)

        assert on.received.count(b"\r\n") == on.platform.delivered == 1_500


async def test_after_kill_9_in_mid_stream_all_that_was_held_is_charged(tmp_path: Path) -> None:
    """Each hold of it has a claim on the disk, top-ups too: what is on its way may be counted."""
    async with running_stream(tmp_path, Pace(rate=500)) as (platform, ca_file):
        place = Place(platform.port, ca_file)
        governor = Launched(tmp_path / "governor", Terms(100_000, "1h"), place)
        await governor.create()
        await governor.start()
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.get(governor.proxy_url + STREAM) as answer,
            ):
                read = b""
                while read.count(b"\r\n") < LIMIT:
                    read += await answer.content.readany()
                await governor.kill()
            await platform.closed.wait()
            await governor.start()
            metrics = await governor.metrics()
        finally:
            await governor.stop()

    assert metrics.sum("held_posts") == 0
    assert metrics.sum("usage_posts", limit="x-demo", job="") >= platform.delivered >= LIMIT
