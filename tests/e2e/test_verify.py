"""Journals of two governors, and the platform's own record: the proof is never below the truth."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

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

    from tests.fakes.redis import RedisServer

LIMIT: Final = 2_000
WINDOW_MS: Final = 5_000
URL: Final = "https://api.x.com/2/tweets/search/recent?query=rain&max_results=50"


async def crawl(governor: Launched, context: ssl.SSLContext) -> None:
    """Collect without end, through a governor that may die, waiting when told to."""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(URL, proxy=governor.proxy_url, ssl=context) as answer:
                    await answer.read()
                    pause_s = float(answer.headers.get("Retry-After", "0"))
            except aiohttp.ClientError:
                pause_s = 0.1
            await asyncio.sleep(pause_s)


def verify(*states: Path) -> tuple[int, dict[str, Any]]:
    named = [argument for state in states for argument in ("--journal", str(state))]
    ended = subprocess.run(
        [sys.executable, "-m", "governor", "verify", "--json", *named],
        capture_output=True,
        check=False,
    )
    return ended.returncode, json.loads(ended.stdout)


@pytest.mark.timeout(240)
async def test_the_proof_of_two_journals_holds_against_the_platforms_record(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    """Under endless demand, beside both as they serve; one of them is killed and comes back."""
    terms = Terms(LIMIT, f"{WINDOW_MS // 1000}s", max_wait="4s")
    failures: list[str] = []
    tasks = Tasks(report=lambda name, error: failures.append(f"{name}: {error!r}"))
    states = tmp_path / "one" / "state", tmp_path / "two" / "state"
    async with (
        running_platform(tmp_path, Behaviour(takes_ms=(50, 500))) as platform,
        running_governor(tmp_path / "one", platform, terms, fresh_redis.url) as one,
        running_governor(tmp_path / "two", platform, terms, fresh_redis.url) as two,
    ):
        for number, governor in enumerate((one, two) * 3):
            bundle = (await governor.exports())["SSL_CERT_FILE"]
            context = ssl.create_default_context(cafile=bundle)
            tasks.start(crawl(governor, context), f"crawler {number}")
        await platform.until(lambda served: served.posts >= 2 * LIMIT)
        await one.kill()
        await one.start()
        await platform.until(lambda served: served.posts >= 4 * LIMIT)
        beside = await asyncio.to_thread(verify, *states)
        await tasks.cancel()
        await platform.until(lambda served: served.under_way == 0)
    code, proof = verify(*states)
    truth = judge(platform.record, limit=LIMIT, window_ms=WINDOW_MS)
    found = {account["account"]: account for account in proof["accounts"]}["x-demo"]

    assert failures == []
    assert beside[0] == code == 0, proof["reasons"]
    assert max(truth.worst.values()) <= found["worst"] <= LIMIT
    assert found["received"] <= platform.posts <= found["charged"] + found["open"]
