"""Real clients collect through Governor unchanged: counted exactly, stopped in time, resumed.

Each is a program of its own that knows only what `governor env` exports. What Governor counted is
compared with the platform's own record, never with what the client believes.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from governor.demo.judge import judge
from governor.demo.launch import Launched, Terms, environment
from tests.fakes.governor import running_governor
from tests.fakes.platform import running_platform

CRAWLERS = Path(__file__).parent / "crawlers"
WITHIN_S = 60
PAGES = 6
SHORT = Terms(posts=330, window="3s", max_wait="500ms")  # three pages fit, and no fourth
HELD = Terms(posts=330, window="3s", max_wait="8s")  # a request waits rather than be refused
LONG = Terms(posts=1_000_000, window="24h")


@dataclass(frozen=True, slots=True)
class Collected:
    """What a crawler said of itself when it was done."""

    posts: int
    refused: int


async def crawl(client: str, pages: int, governor: Launched) -> Collected:
    """Run one crawler to its end, in an environment that is `governor env` and nothing else."""
    script = CRAWLERS / client
    command = ["sh", str(script)] if script.suffix == ".sh" else [sys.executable, str(script)]
    process = await asyncio.create_subprocess_exec(
        *command,
        str(pages),
        env=environment(await governor.exports()),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WITHIN_S):
        said, complained = await process.communicate()

    assert process.returncode == 0, f"{client} failed:\n{complained.decode()}\n{governor.log}"
    posts, refused = said.split()
    return Collected(int(posts), int(refused))


ALL = (
    "with_requests.py",
    "with_httpx.py",
    "with_aiohttp.py",
    "with_urllib.py",
    "with_curl.sh",
    "with_tweepy.py",
    "with_twarc.py",
    "with_scrapy.py",
)


@pytest.mark.parametrize("client", ALL)
async def test_every_post_is_counted_once_and_none_is_missed(client: str, tmp_path: Path) -> None:
    """Governor's usage, its counters, the platform's record and the client's own sum agree."""
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, LONG) as governor,
    ):
        collected = await crawl(client, 3, governor)
        await platform.until(lambda one: one.under_way == 0)
        metrics = await governor.settled(platform.arrived)

    assert collected.posts == platform.posts > 0
    assert metrics.sum("received_posts_total") == platform.posts
    assert metrics.sum("charged_posts_total") == platform.posts
    assert metrics.sum("usage_posts", limit="x-demo", job="") == platform.posts


@pytest.mark.parametrize(
    ("client", "terms"), [(client, HELD if "scrapy" in client else SHORT) for client in ALL]
)
async def test_a_crawler_meets_the_limit_and_goes_on_when_posts_age_out(
    client: str, terms: Terms, tmp_path: Path
) -> None:
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, terms) as governor,
    ):
        collected = await crawl(client, PAGES, governor)
        await platform.until(lambda one: one.under_way == 0)
        metrics = await governor.settled(platform.arrived)
    verdict = judge(platform.record, limit=terms.posts, window_ms=3_000)

    assert collected.posts == platform.posts > terms.posts, "it did not meet the limit"
    assert metrics.sum("received_posts_total") == platform.posts
    assert verdict.kept, verdict
    if terms is SHORT:
        assert collected.refused == metrics.sum("refusals_total") > 0


@pytest.mark.parametrize("client", ["with_requests.py", "with_httpx.py", "with_curl.sh"])
async def test_a_patient_crawler_is_held_and_never_hears_of_the_limit(
    client: str, tmp_path: Path
) -> None:
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, HELD) as governor,
    ):
        collected = await crawl(client, PAGES, governor)
        await platform.until(lambda one: one.under_way == 0)
    verdict = judge(platform.record, limit=HELD.posts, window_ms=3_000)

    assert (collected.posts, collected.refused) == (platform.posts, 0)
    assert verdict.kept, verdict
