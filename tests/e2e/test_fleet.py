"""Eight crawlers on two governors that share one Redis: no window over, and hardly any unused."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from governor.demo.judge import judge
from governor.demo.launch import Launched, Terms
from governor.demo.platform import Behaviour
from governor.tasks import Tasks
from tests.fakes.governor import running_governor
from tests.fakes.platform import running_platform

if TYPE_CHECKING:
    from pathlib import Path

    from governor.demo.judge import Delivery
    from tests.fakes.redis import RedisServer

LIMIT = 2_000
WINDOW_MS = 10_000
SECONDS = 60
BUCKET_MS, PAD_MS = 2, 6  # max(1, ceil(window / 8640)) and ceil(window * 520 ppm)
# Fifty divides the limit, so no page's worth of it stays unused; and eight crawlers that ask for
# fifty want twice what the window allows.
URL = "https://api.x.com/2/tweets/search/recent?query=rain&max_results=50"


async def crawl(governor: Launched, context: ssl.SSLContext) -> None:
    """Collect without end, waiting when told to."""
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(URL, proxy=governor.proxy_url, ssl=context) as answer:
                await answer.read()
                pause_s = int(answer.headers.get("Retry-After", "0"))
            await asyncio.sleep(pause_s)


def mean_hold_ms(record: list[Delivery]) -> float:
    """Return how long a post was under way on average: held, and not yet ageing."""
    weighted = sum((one.last_ms - one.arrived_ms) * one.posts for one in record)
    return weighted / sum(one.posts for one in record)


@pytest.mark.timeout(240)
async def test_a_fleet_keeps_every_window_and_uses_nearly_all_of_it(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    terms = Terms(LIMIT, f"{WINDOW_MS // 1000}s", max_wait="8s")
    failures: list[str] = []
    tasks = Tasks(report=lambda name, error: failures.append(f"{name}: {error!r}"))
    async with (
        running_platform(tmp_path, Behaviour(takes_ms=(200, 2_000))) as platform,
        running_governor(tmp_path / "one", platform, terms, fresh_redis.url) as one,
        running_governor(tmp_path / "two", platform, terms, fresh_redis.url) as two,
    ):
        for number, governor in enumerate((one, two) * 4):
            bundle = (await governor.exports())["SSL_CERT_FILE"]
            context = ssl.create_default_context(cafile=bundle)
            tasks.start(crawl(governor, context), f"crawler {number}")
        await asyncio.sleep(SECONDS)  # the length of the trial itself; nothing is awaited
        await tasks.cancel()
        await platform.until(lambda served: served.under_way == 0)
    verdict = judge(platform.record, limit=LIMIT, window_ms=WINDOW_MS)
    hold_ms = mean_hold_ms(platform.record)
    attainable = LIMIT * WINDOW_MS / (WINDOW_MS + hold_ms + PAD_MS + BUCKET_MS / 2)
    share = verdict.sustained / attainable
    print(f"\nworst windows {verdict.worst} of {LIMIT}; {share:.3f} of what is attainable")  # noqa: T201  # the figure that the README quotes

    assert failures == []
    assert verdict.kept, verdict
    # A busy machine delays messages by more than so short a window tolerates (100 ms): ledger time
    # then runs late, which wastes some. Alone it is 0.98; on cores that are shared twice, 0.94.
    assert verdict.sustained >= 0.9 * attainable, (verdict, hold_ms)
