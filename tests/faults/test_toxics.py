"""Whatever TCP does between Governor and Redis or the platform, nothing is undercounted or hangs.

Each trial poisons one direction of one line, in pulses, under load: bytes come late, in slivers or
not at all, connections are reset or end in mid-word. The platform keeps the truth; afterwards the
ledger must have at least that, no more than the limit may have been delivered, and every crawler
must have had an end to every request.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import aiohttp
import pytest

from governor.cli.initialise import initialise
from governor.demo.launch import Place
from governor.demo.platform import Behaviour
from governor.tasks import Tasks
from tests.fakes.platform import running_platform
from tests.fakes.serving import SEARCH, config_of, serving, settings
from tests.fakes.toxics import (
    Bandwidth,
    Clean,
    Latency,
    Reset,
    Slicer,
    SlowClose,
    Timeout,
    ToxicLine,
    Truncation,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from governor.cli.serve import Running
    from governor.demo.platform import Platform
    from tests.fakes.redis import RedisServer
    from tests.fakes.toxics import Direction

    Tell = Callable[[str], None]

LIMIT: Final = 40_000  # more than a trial can ask for: the lines are to be in its way
CRAWLERS: Final = 6
PULSES: Final = 3
PULSE_S: Final = 0.7  # poisoned, and as long clean
HUNG_S: Final = 20.0  # the longest of all: a read timeout of 2 s, a wait of 1 s, a reply of 2 s
SEED: Final = 3

TOXICS: Final = {
    "latency": Latency(0.2),
    "jitter": Latency(0.1, jitter_s=0.1),
    "bandwidth": Bandwidth(20_000),
    "slow close": SlowClose(0.5),
    "timeout": Timeout(0.5),
    "reset": Reset(0.01),
    "slicing": Slicer(200, 0.002),
    "truncation": Truncation(900),
}
EVERY: Final = [
    (where, direction, name)
    for where in ("Redis", "platform")
    for direction in ("up", "down")
    for name in TOXICS
]
SLICE: Final = [("Redis", "down", "truncation"), ("platform", "down", "reset")]

pytestmark = pytest.mark.timeout(120)


@dataclass
class Crawl:
    """What the crawlers saw: statuses, 0 for an answer that was cut; and who waited too long."""

    statuses: list[int] = field(default_factory=list)
    hung: int = 0

    async def crawl(self, url: str, over: asyncio.Event) -> None:
        """Collect until it is over."""
        timeout = aiohttp.ClientTimeout(total=HUNG_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while not over.is_set():
                try:
                    async with session.get(url) as answer:
                        await answer.read()
                        self.statuses.append(answer.status)
                except TimeoutError:
                    self.hung += 1
                except aiohttp.ClientError:
                    self.statuses.append(0)
                if self.statuses and self.statuses[-1] != 200:
                    await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Outcome:
    """What one trial came to."""

    served: int
    refused: int
    failed: int
    hung: int
    delivered: int
    counted: int

    def row(self, where: str, direction: str, toxic: str) -> str:
        """Return it as a row of Markdown."""
        return (
            f"| {where}, {direction} | {toxic} | {self.served} | {self.refused} | {self.failed} "
            f"| {self.hung} | {self.delivered:,} | {self.counted:,} "
            f"| {max(0, self.delivered - self.counted)} |"
        )


async def trial(
    directory: Path,
    server: RedisServer,
    where: Literal["Redis", "platform"],
    direction: Direction,
    toxic: Clean,
) -> Outcome:
    """Collect through a line that is poisoned again and again; return what came of it."""
    crawl, over = Crawl(), asyncio.Event()
    tasks = Tasks(lambda *_: None)
    behaviour = Behaviour(takes_ms=(10, 150), drips=3, seed=SEED)
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(running_platform(directory, behaviour))
        to_redis = await stack.enter_async_context(ToxicLine(server.port, seed=SEED))
        to_platform = await stack.enter_async_context(ToxicLine(platform.port, seed=SEED))
        governor = settings(
            directory / "governor",
            ("[log]", f'redis = "redis://127.0.0.1:{to_redis.port}/0"\n[log]'),
            ("[upstream]", '[upstream]\nconnect_timeout = "2s"\nread_timeout = "2s"'),
            ('max_wait = "4s"', 'max_wait = "1s"'),
            ("posts = 10000", f"posts = {LIMIT}"),
            place=Place(to_platform.port, platform.ca_file),
        )
        await initialise(config_of(governor), None)
        running = await stack.enter_async_context(serving(config_of(governor)))
        for number in range(CRAWLERS):
            tasks.start(crawl.crawl(governor.proxy_url + SEARCH, over), f"crawler {number}")
        line = to_redis if where == "Redis" else to_platform
        for _ in range(PULSES):
            await asyncio.sleep(PULSE_S)
            with line.poisoned(toxic, direction):
                await asyncio.sleep(PULSE_S)
        over.set()
        ended = await tasks.drain(2 * HUNG_S)
        counted = await told(running, platform)
        return Outcome(
            served=crawl.statuses.count(200),
            refused=crawl.statuses.count(429),
            failed=len(crawl.statuses) - crawl.statuses.count(200) - crawl.statuses.count(429),
            hung=crawl.hung + (not ended),
            delivered=platform.posts,
            counted=counted,
        )


async def told(running: Running, platform: Platform) -> int:
    """Return what the ledger counts once it is heard again and nothing is under way."""
    await platform.until(lambda one: one.under_way == 0)
    talk = running.member.talks["x"]
    async with asyncio.timeout(HUNG_S):
        while await talk.probe() is not None or talk.snapshot().holds:  # noqa: ASYNC110  # it can only be asked
            await asyncio.sleep(0.05)
    assert await talk.probe() is None  # a reply to what was told with it
    usage = talk.snapshot().usage["x-demo"]
    return usage.charged + usage.pending


def require_true(outcome: Outcome) -> None:
    """Hold a trial to what is promised."""
    assert outcome.delivered <= outcome.counted, outcome
    assert outcome.delivered <= LIMIT, outcome
    assert outcome.hung == 0, outcome
    assert outcome.served > 0, outcome


@pytest.mark.parametrize(("where", "direction", "name"), SLICE)
async def test_a_slice_of_the_matrix_loses_nothing(
    server: RedisServer,
    tmp_path: Path,
    where: Literal["Redis", "platform"],
    direction: Direction,
    name: str,
    line_told: Tell,
) -> None:
    outcome = await trial(tmp_path, server, where, direction, TOXICS[name])
    line_told(outcome.row(where, direction, name))

    require_true(outcome)


@pytest.mark.deep
@pytest.mark.parametrize(("where", "direction", "name"), EVERY)
async def test_no_fault_of_a_line_loses_a_post_or_hangs_a_request(
    server: RedisServer,
    tmp_path: Path,
    where: Literal["Redis", "platform"],
    direction: Direction,
    name: str,
    line_told: Tell,
) -> None:
    outcome = await trial(tmp_path, server, where, direction, TOXICS[name])
    line_told(outcome.row(where, direction, name))

    require_true(outcome)
