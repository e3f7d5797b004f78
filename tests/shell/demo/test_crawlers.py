"""The demo's crawlers ask for what the platform serves, and wait when they are told to."""

from __future__ import annotations

import ssl
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import pytest

from governor.demo.bodies import Query, generate
from governor.demo.crawlers import Crawler, crawlers
from governor.demo.platform import Behaviour
from governor.tasks import Tasks
from tests.fakes.platform import running_platform
from tests.fakes.tunnel import running_tunnel

if TYPE_CHECKING:
    from pathlib import Path


def test_each_has_a_habit_of_its_own() -> None:
    assert len({one.habit for one in crawlers()}) == len({one.name for one in crawlers()}) == 3


@pytest.mark.parametrize("crawler", crawlers(), ids=lambda one: one.name)
def test_every_target_is_served_with_posts_and_none_comes_twice(crawler: Crawler) -> None:
    targets = list(islice(crawler.targets(), 50))
    for target in targets:
        parts = urlsplit(target)
        body = generate("GET", Query(parts.path, dict(parse_qsl(parts.query))))
        assert (body.status, body.posts > 0) == (200, True)

    assert len(set(targets)) == 50


async def crawling(directory: Path, behaviour: Behaviour) -> Crawler:
    """Let the first crawler at such a platform until three of its requests are over."""
    crawler = crawlers()[0]
    failures: list[str] = []
    tasks = Tasks(report=lambda name, error: failures.append(f"{name}: {error!r}"))
    async with (
        running_platform(directory, behaviour) as platform,
        running_tunnel(platform.port) as proxy_url,
    ):
        context = ssl.create_default_context(cafile=platform.ca_file)
        tasks.start(crawler.crawl(proxy_url, context), "crawler")
        await platform.until(lambda one: len(one.record) == 3)
        await tasks.cancel()

    assert failures == []
    return crawler


async def test_it_goes_on_while_it_is_answered(tmp_path: Path) -> None:
    crawler = await crawling(tmp_path, Behaviour())

    assert crawler.answered >= 2
    assert (crawler.refused, crawler.failed) == (0, 0)


async def test_it_waits_and_asks_again_when_it_is_refused(tmp_path: Path) -> None:
    crawler = await crawling(tmp_path, Behaviour(limits=1000))

    assert crawler.refused >= 2
    assert crawler.answered == 0


async def test_it_outlives_answers_that_break_off(tmp_path: Path) -> None:
    crawler = await crawling(tmp_path, Behaviour(breaks_off=1000))

    assert crawler.failed >= 2
    assert crawler.answered == 0
