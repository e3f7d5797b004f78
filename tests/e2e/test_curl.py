"""`curl --proxy` and `curl` on the gateway answer, and both are counted."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from governor.demo.launch import Launched, Terms, environment
from tests.fakes.governor import running_governor
from tests.fakes.platform import running_platform

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

TERMS = Terms(posts=1_000, window="1h")
TARGET = "/2/tweets/search/recent?query=rain&max_results=100"


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl",
        *("--silent", "--show-error", "--max-time", "20"),
        *arguments,
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()

    assert process.returncode == 0, complained.decode()
    return said.decode()


async def by_proxy(governor: Launched, *more: str) -> str:
    bundle = (await governor.exports())["CURL_CA_BUNDLE"]
    url = f"https://api.x.com{TARGET}"
    return await curl("--proxy", governor.proxy_url, "--cacert", bundle, *more, url)


async def by_gateway(governor: Launched, *more: str) -> str:
    return await curl(*more, f"{governor.proxy_url}/gateway/api.x.com{TARGET}")


@pytest.mark.parametrize("way", [by_proxy, by_gateway])
@pytest.mark.parametrize("more", [(), ("--compressed",), ("--http2",), ("--http1.0",)])
async def test_curl_is_answered_and_counted(
    way: Callable[..., Awaitable[str]], more: tuple[str, ...], tmp_path: Path
) -> None:
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, TERMS) as governor,
    ):
        page = json.loads(await way(governor, *more))
        await platform.until(lambda one: one.under_way == 0)
        metrics = await governor.settled(platform.arrived)

    assert len(page["data"]) == platform.posts == 100
    assert metrics.sum("charged_posts_total") == 100


async def test_what_the_platform_says_of_its_own_limit_reaches_the_client(tmp_path: Path) -> None:
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, TERMS) as governor,
    ):
        head = await by_gateway(governor, "--include")

    assert "x-rate-limit-remaining: 449" in head.lower()
    assert "via: 1.1 governor" in head.lower()


async def test_a_host_that_is_nobodys_is_refused_and_not_dialled(tmp_path: Path) -> None:
    async with (
        running_platform(tmp_path) as platform,
        running_governor(tmp_path / "governor", platform, TERMS) as governor,
    ):
        written = ("--write-out", "%{http_code}", "--output", str(tmp_path / "body"))
        status = await curl(
            "--proxy", governor.proxy_url, *written, "http://research.example/anything"
        )

    assert status == "403"
    assert platform.arrived == 0
