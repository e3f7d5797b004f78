"""Governor in front of platforms other than X: their units, their calendars and their dialects.

The platform is a script that says what its specification says it would; the contract is what the
head of its catalog recommends, with smaller numbers.
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import pytest

from governor.demo.launch import Launched, Place, Terms
from tests.fakes.origin import Line, Origin
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

# A zone in which it is noon: no period turns while a test runs, whenever that is.
NOON = f"Etc/GMT{datetime.now(UTC).hour - 12:+}"
VIDEO = {"id": 7, "video_description": "t"}
LINK = {"kind": "t3", "data": {"id": "a", "name": "t3_a", "title": "t", "permalink": "/r/x/"}}
STATUS = {"id": "7", "uri": "u", "content": "t", "account": {"id": "1"}, "reblog": None}


@dataclass(slots=True)
class Elsewhere(Launched):
    """A Governor with one contract, on a platform that `host` stands for."""

    host: str = ""
    contract: str = ""

    def settings(self) -> str:
        ours = Launched.settings(self)
        head = ours[: ours.index("[[contract]]")]
        return head.replace('"api.x.com:443"', f'"{self.host}:443"') + self.contract


@asynccontextmanager
async def collecting(
    directory: Path, host: str, contract: str, answer: Callable[[bytes], object]
) -> AsyncIterator[tuple[Elsewhere, Origin]]:
    """Run the platform and, before it, a Governor; `answer` makes the one of the other."""

    async def serve(line: Line) -> None:
        while True:
            body = json.dumps(answer(await line.request())).encode()
            head = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
            await line.send(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + body)

    authority = TinyAuthority(directory)
    async with Origin.serving(serve, authority.leaf(host)) as origin:
        place = Place(origin.port, authority.file)
        governor = Elsewhere(
            directory / "governor", Terms(1, "1h"), place, host=host, contract=contract
        )
        await governor.create()
        try:
            await governor.start()
            yield governor, origin
        finally:
            await governor.stop()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a crawler got."""

    status: int
    fields: dict[str, str]
    body: dict[str, object]


async def ask(governor: Elsewhere, path: str, content: object = None) -> Answer:
    """Ask through the gateway, by POST when there is something to send."""
    method = "GET" if content is None else "POST"
    url = f"{governor.proxy_url}/gateway/{governor.host}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, json=content) as answer,
    ):
        fields = {name.lower(): value for name, value in answer.headers.items()}
        body = await answer.json(content_type=None)
        return Answer(answer.status, fields, body if isinstance(body, dict) else {"": body})


TIKTOK = f"""
[[contract]]
name = "tiktok"
catalog = "tiktok"
max_wait = "0s"
limit = [
  {{ name = "records", most = 150, unit = "records", period = "day", time_zone = "{NOON}" }},
  {{ name = "queries", most = 3, unit = "queries", period = "day", time_zone = "{NOON}" }},
]
"""


async def test_tiktok_s_day_of_records_and_of_queries(tmp_path: Path) -> None:
    """A page is priced by its JSON body, charged in records, and refused in TikTok's dialect."""

    def page(request: bytes) -> object:
        wanted = json.loads(request.split(b"\r\n\r\n", 1)[1])["max_count"]
        return {"data": {"videos": [VIDEO] * wanted}, "error": {"code": "ok"}}

    path = "/v2/research/video/query/?fields=id,video_description"
    async with collecting(tmp_path, "open.tiktokapis.com", TIKTOK, page) as (
        governor,
        origin,
    ):
        first = await ask(governor, path, {"query": {}, "max_count": 100})
        await governor.settled(1)
        second = await ask(governor, path, {"query": {}, "max_count": 100})
        third = await ask(governor, path, {"query": {}, "max_count": 50})
        await governor.settled(2)
        accounts = await ask(governor, "/v2/research/user/info/?fields=a", {"max_count": 0})
        await governor.settled(3)
        last = await ask(governor, "/v2/research/user/info/?fields=a", {"max_count": 0})

    assert [first.status, third.status, accounts.status] == [200, 200, 200]
    assert len(origin.requests) == 3
    for refused, limit in ((second, "records"), (last, "queries")):
        assert refused.status == 429
        assert refused.body["limit"] == limit
        assert f"this day ({NOON})" in str(refused.body["detail"])
        assert isinstance(refused.body["error"], dict)
        assert refused.body["error"]["code"] == "rate_limit_exceeded"
        assert 0 < int(refused.fields["retry-after"]) <= 46_800
    assert "needs 100" in str(second.body["detail"])


REDDIT = """
[[contract]]
name = "reddit"
catalog = "reddit"
max_wait = "0s"
limit = [{ name = "reddit-10m", requests = 2, window = "10m" }]
"""


async def test_reddit_s_requests_in_ten_minutes(tmp_path: Path) -> None:
    """What brings no posts is a request too; the third of them is refused as prawcore reads it."""

    def listing(request: bytes) -> object:
        return {"kind": "Listing", "data": {"children": [LINK] * (b"/new" in request)}}

    async with collecting(tmp_path, "oauth.reddit.com", REDDIT, listing) as (
        governor,
        origin,
    ):
        first = await ask(governor, "/r/python/new?limit=100")
        second = await ask(governor, "/api/v1/me")
        await governor.settled(2)
        third = await ask(governor, "/r/python/about")

    assert [first.status, second.status, third.status] == [200, 200, 429]
    assert len(origin.requests) == 2
    assert third.fields["x-ratelimit-remaining"] == "0"
    assert 0 < int(third.fields["x-ratelimit-reset"]) <= 895
    assert third.body["error"] == 429


YOUTUBE = f"""
[[contract]]
name = "youtube"
catalog = "youtube"
max_wait = "0s"
limit = [
  {{ name = "units", most = 3, unit = "units", period = "day", time_zone = "{NOON}" }},
  {{ name = "searches", most = 1, unit = "searches", period = "day", time_zone = "{NOON}" }},
]
"""


async def test_youtube_s_units_and_searches(tmp_path: Path) -> None:
    """Each has its limit; a write of 50 units never fits three, and says so without a time."""

    def resources(_: bytes) -> object:
        return {"kind": "youtube#videoListResponse", "etag": "e", "items": []}

    api = "/youtube/v3"
    async with collecting(tmp_path, "youtube.googleapis.com", YOUTUBE, resources) as (
        governor,
        origin,
    ):
        found = [await ask(governor, f"{api}/search?q=rain") for _ in range(2)]
        videos = [await ask(governor, f"{api}/videos?id=a") for _ in range(4)]
        write = await ask(governor, f"{api}/comments?part=snippet", {"snippet": {}})

    assert [each.status for each in found] == [200, 429]
    assert [each.status for each in videos] == [200, 200, 200, 429]
    assert len(origin.requests) == 4
    assert found[1].body["limit"] == "searches"
    assert f"this day ({NOON})" in str(videos[3].body["detail"])
    assert "retry-after" not in write.fields
    assert write.body["type"] == "https://governor.internal/problems/price-above-limit"
    for refused in (found[1], videos[3], write):
        assert isinstance(refused.body["error"], dict)
        assert refused.body["error"]["status"] == "RESOURCE_EXHAUSTED"


MASTODON = """
[[contract]]
name = "mastodon"
catalog = "mastodon"
domains = ["example.social"]
max_wait = "0s"
limit = [
  { name = "mastodon-5m", requests = 300, window = "5m" },
  { name = "posts", posts = 100, window = "1h" },
]
"""


@pytest.mark.parametrize("shape", ["plain", "reblogs"])
async def test_mastodon_s_statuses_on_the_contract_s_own_server(shape: str, tmp_path: Path) -> None:
    """A page of twenty is held at eighty; what it repeats counts, and then a page fits no more."""
    status = {**STATUS, "reblog": STATUS} if shape == "reblogs" else STATUS
    timeline = "/api/v1/timelines/public?limit=20"
    async with collecting(tmp_path, "example.social", MASTODON, lambda _: [status] * 20) as (
        governor,
        _,
    ):
        first = await ask(governor, timeline)
        metrics = await governor.settled(1)
        second = await ask(governor, timeline)

    assert first.status == 200
    assert metrics.sum("received_posts_total") == (40 if shape == "reblogs" else 20)
    assert metrics.sum("schema_drift_total") == 0
    assert second.status == (429 if shape == "reblogs" else 200)
    if second.status == 429:
        assert second.fields["x-ratelimit-reset"].endswith("Z")
        assert isinstance(second.body["error"], str)
