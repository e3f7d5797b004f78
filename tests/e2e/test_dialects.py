"""The clients of five platforms meet a refusal in their platform's dialect, and understand it.

Each client is the real one; what answers it is a server on loopback that says what Governor would.
None of them may crash, take the refusal for an answer, or find no time to come back at.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from atproto import Client  # type: ignore[import-untyped]  # it comes without types
from atproto.exceptions import RateLimitExceededError  # type: ignore[import-untyped]
from googleapiclient.discovery import build  # type: ignore[import-untyped]
from googleapiclient.errors import HttpError  # type: ignore[import-untyped]
from mastodon import Mastodon, MastodonRatelimitError
from prawcore.exceptions import TooManyRequests
from prawcore.rate_limit import RateLimiter

from governor.core.refusal import Request, Spent, Standing, refuse
from tests.fakes.origin import Line, Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.core.dialects import Dialect

WAIT_S = 40


@asynccontextmanager
async def refusing(dialect: Dialect) -> AsyncIterator[str]:
    """Refuse whatever is asked, in one dialect, and give the URL of who does."""

    async def say_no(line: Line) -> None:
        await line.request()
        now_ms = time.time_ns() // 1_000_000
        standing = Standing("demo-5m", 3_000, 300_000, 0, now_ms + 1000 * WAIT_S)
        request = Request("demo", asked=100, price=300, decision_id="01JD", now_ms=now_ms)
        notice = refuse(Spent(1000 * WAIT_S), request, standing, dialect)
        head = "".join(f"{name}: {value}\r\n" for name, value in notice.headers)
        start = f"HTTP/1.1 {notice.status} {notice.reason}\r\nConnection: close\r\n"
        await line.send((start + head + "\r\n").encode() + notice.body)

    async with Origin.serving(say_no) as origin:
        yield f"http://127.0.0.1:{origin.port}"


async def test_prawcore_sleeps_until_reddit_s_reset() -> None:
    async with refusing("reddit") as url:
        limiter = RateLimiter(window_size=600)
        answer = await asyncio.to_thread(
            limiter.call,
            method="GET",
            request_function=requests.request,
            set_header_callback=dict,
            url=f"{url}/r/python/new",
        )

    assert answer.status_code == 429
    assert limiter.remaining == 0
    assert limiter.next_request_timestamp_ns is not None
    ahead_s = (limiter.next_request_timestamp_ns - time.monotonic_ns()) / 1e9
    assert WAIT_S - 5 < ahead_s <= WAIT_S
    assert str(float(WAIT_S)) in str(TooManyRequests(answer))


async def test_mastodon_py_raises_and_knows_when_to_return() -> None:
    async with refusing("mastodon") as url:
        client = Mastodon(
            api_base_url=url,
            access_token="a",  # noqa: S106  # no server checks it
            ratelimit_method="throw",
            version_check_mode="none",
        )
        with pytest.raises(MastodonRatelimitError):
            await asyncio.to_thread(client.timeline_public)

    assert client.ratelimit_remaining == 0
    assert client.ratelimit_limit == 3_000
    assert WAIT_S - 5 < client.ratelimit_reset - time.time() <= WAIT_S + 1


async def test_atproto_raises_what_bluesky_would_make_it_raise() -> None:
    async with refusing("bluesky") as url:
        client = Client(base_url=url)
        with pytest.raises(RateLimitExceededError) as raised:
            await asyncio.to_thread(client.app.bsky.feed.search_posts, {"q": "rain"})

    response = raised.value.response
    assert response.content.error == "RateLimitExceeded"
    assert "demo-5m allows 3000 posts" in response.content.message
    assert WAIT_S - 5 < int(response.headers["ratelimit-reset"]) - time.time() <= WAIT_S + 1


async def test_google_s_client_raises_with_the_reason() -> None:
    async with refusing("youtube") as url:

        def search() -> None:
            youtube = build(
                *("youtube", "v3"), developerKey="k", client_options={"api_endpoint": url}
            )
            youtube.search().list(part="snippet", q="rain").execute()

        with pytest.raises(HttpError) as raised:
            await asyncio.to_thread(search)

    assert raised.value.status_code == 429
    assert "demo-5m allows 3000 posts" in raised.value.reason
    assert raised.value.error_details[0]["reason"] == "rateLimitExceeded"


async def test_a_tiktok_client_finds_its_error_and_no_data() -> None:
    """As TikTok's own wrapper reads it: the status first, then `error.code`, then `data`."""
    async with refusing("tiktok") as url:
        answer = await asyncio.to_thread(
            requests.post, f"{url}/v2/research/video/query/", json={"query": {}}, timeout=9
        )

    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert answer.json()["error"]["log_id"] == "01JD"
    assert answer.json()["data"].get("videos", []) == []
