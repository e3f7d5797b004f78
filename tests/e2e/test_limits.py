"""Several limits hold at once: one on posts and one on requests, in the same real Governor."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from governor.demo.judge import worst_window
from governor.demo.launch import Place
from governor.demo.platform import Behaviour
from tests.fakes.platform import running_platform
from tests.fakes.serving import SEARCH, get, settings

if TYPE_CHECKING:
    from pathlib import Path

POSTS, REQUESTS = 10_000, 12
WINDOW_MS = 3_000
TWO_LIMITS = (
    'name = "x-demo"',
    f'name = "x-3s"\nrequests = {REQUESTS}\nwindow = "3s"\n[[contract.limit]]\nname = "x-demo"',
)


async def test_a_real_run_keeps_a_limit_on_requests_beside_one_on_posts(tmp_path: Path) -> None:
    """By the platform's own record no three seconds hold more requests than the limit."""
    async with running_platform(tmp_path, Behaviour(takes_ms=(10, 200), seed=5)) as platform:
        place = Place(platform.port, platform.ca_file)
        governor = settings(
            tmp_path / "governor", TWO_LIMITS, ('max_wait = "4s"', 'max_wait = "0s"'), place=place
        )
        await governor.command("init")
        await governor.start()
        try:
            url = governor.proxy_url + SEARCH
            waves = [await asyncio.gather(*(get(url) for _ in range(8))) for _ in range(8)]
            metrics = await governor.settled(len(platform.record))
        finally:
            await governor.stop()
    answers = [answer for wave in waves for answer in wave]
    refused = [body for status, body in answers if status == 429]
    arrivals = [(one.arrived_ms, 1) for one in platform.record]

    assert REQUESTS <= len(platform.record) < len(answers)
    assert worst_window(arrivals, WINDOW_MS) <= REQUESTS
    assert all('"unit":"requests"' in body and "12 requests in any 3 s" in body for body in refused)
    assert metrics.sum("limit_requests", limit="x-3s", job="") == REQUESTS
    assert metrics.sum("limit_posts", limit="x-3s") == 0
    assert metrics.sum("usage_posts", limit="x-demo", job="") >= platform.posts
