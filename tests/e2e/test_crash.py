"""Kill -9 in mid-flight: after a restart nothing that the platform delivered is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from governor.demo.launch import Terms
from governor.demo.platform import Behaviour
from governor.tasks import Tasks
from tests.fakes.governor import running_governor
from tests.fakes.platform import running_platform

if TYPE_CHECKING:
    from pathlib import Path

TERMS = Terms(posts=100_000, window="1h")
PATH = "/gateway/api.x.com/2/tweets/search/recent?query=rain&max_results=100"


async def collect(session: aiohttp.ClientSession, url: str) -> None:
    """Ask for page after page until Governor is gone."""
    try:
        while True:
            async with session.get(url) as answer:
                await answer.read()
    except aiohttp.ClientError:
        return


async def test_after_kill_9_in_mid_flight_usage_is_at_least_what_was_delivered(
    tmp_path: Path,
) -> None:
    behaviour = Behaviour(takes_ms=(50, 1_000), drips=4, seed=11)
    failures: list[str] = []
    tasks = Tasks(report=lambda name, error: failures.append(f"{name}: {error!r}"))
    async with (
        running_platform(tmp_path, behaviour) as platform,
        running_governor(tmp_path / "governor", platform, TERMS) as governor,
        aiohttp.ClientSession() as session,
    ):
        for number in range(8):
            tasks.start(collect(session, governor.proxy_url + PATH), f"crawler {number}")
        await platform.until(lambda one: len(one.record) >= 20 and one.under_way >= 5)
        await governor.kill()
        assert await tasks.drain(20)
        await platform.until(lambda one: one.under_way == 0)
        await governor.start()
        usage = (await governor.metrics()).sum("usage_posts", limit="x-demo", job="")

    assert failures == []
    assert any(not one.complete for one in platform.record), "nothing was in flight"
    assert usage >= platform.posts
    assert usage <= 100 * platform.arrived, "more than was ever asked for"
