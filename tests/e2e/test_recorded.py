"""Every answer that X really gave is counted as two separate parsers counted it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from governor.demo.launch import Terms
from tests.fakes.governor import running_governor
from tests.fakes.platform import recordings, running_platform

if TYPE_CHECKING:
    from pathlib import Path

GOVERNED = ("/2/tweets", "/2/users", "/2/lists", "/1.1/search", "/1.1/statuses")
TERMS = Terms(posts=1_000_000_000, window="24h")


async def test_what_x_really_sent_is_counted_through_the_whole_of_governor(
    tmp_path: Path,
) -> None:
    found = recordings()
    asked = {
        one.target: one
        for one in found.all
        if one.method == "GET" and one.query.path.startswith(GOVERNED)
    }
    wrong = []
    async with (
        running_platform(tmp_path, recordings=found) as platform,
        running_governor(tmp_path / "governor", platform, TERMS) as governor,
        aiohttp.ClientSession() as session,
    ):
        counted = 0
        for one in asked.values():
            url = URL(f"{governor.proxy_url}/gateway/api.x.com{one.target}", encoded=True)
            async with session.get(url) as answer:
                assert await answer.json() == one.content()
            await platform.until(lambda served: served.under_way == 0)
            total = (await governor.settled(platform.arrived)).sum("received_posts_total")
            if total - counted != one.posts:
                wrong.append((one.target, total - counted, one.posts))
            counted = total

    assert len(asked) > 40
    assert wrong == []
