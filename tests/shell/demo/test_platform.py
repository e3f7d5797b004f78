"""The platform writes down exactly what it delivered, and when, whatever became of the request."""

from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from governor.clock import SystemClock
from governor.demo.platform import Behaviour, Platform
from governor.tasks import Tasks
from tests.fakes.platform import recordings, running_platform

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SEARCH = "/2/tweets/search/recent?query=rain&max_results=100"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A client that trusts the platform and knows when it read what."""

    session: aiohttp.ClientSession
    platform: Platform
    context: ssl.SSLContext

    def ask(self, target: str, **more: Any) -> Any:  # noqa: ANN401  # aiohttp's own signature
        """Return the request as a context manager of its answer."""
        url = f"https://127.0.0.1:{self.platform.port}{target}"
        method = more.pop("method", "GET")
        return self.session.request(
            method, url, ssl=self.context, server_hostname="api.x.com", **more
        )


@asynccontextmanager
async def visitor(directory: Path, behaviour: Behaviour | None = None) -> AsyncIterator[Visitor]:
    async with (
        running_platform(directory, behaviour) as platform,
        aiohttp.ClientSession() as session,
    ):
        yield Visitor(session, platform, ssl.create_default_context(cafile=platform.ca_file))


async def test_a_delivery_is_written_down_with_its_posts(tmp_path: Path) -> None:
    async with visitor(tmp_path) as client:
        async with client.ask(SEARCH) as answer:
            content = await answer.json()
        await client.platform.until(lambda one: one.under_way == 0)
        delivery = client.platform.record[0]

    assert len(content["data"]) == delivery.posts == client.platform.posts == 100
    assert (delivery.operation, delivery.complete) == ("search/recent", True)


@pytest.mark.parametrize("chunked", [False, True])
async def test_the_last_byte_is_never_written_down_later_than_it_was_read(
    tmp_path: Path, *, chunked: bool
) -> None:
    """Else the judge would accuse a Governor that stamped what it read in good time."""
    clock = SystemClock()
    behaviour = Behaviour(takes_ms=(0, 40), drips=3, chunked=chunked)
    async with visitor(tmp_path, behaviour) as client:
        for _ in range(20):
            before_ms = clock.monotonic_ms()
            async with client.ask(SEARCH) as answer:
                await answer.read()
            read_ms = clock.monotonic_ms()
            await client.platform.until(lambda one: one.under_way == 0)
            delivery = client.platform.record[-1]

            assert before_ms <= delivery.arrived_ms
            assert delivery.last_ms <= read_ms


async def test_a_dripping_answer_lies_between_its_first_and_last_byte(tmp_path: Path) -> None:
    async with visitor(tmp_path, Behaviour(takes_ms=(120, 120), drips=4)) as client:
        async with client.ask(SEARCH) as answer:
            await answer.read()
        await client.platform.until(lambda one: one.under_way == 0)
        delivery = client.platform.record[0]

    assert delivery.first_ms - delivery.arrived_ms >= 55
    assert delivery.last_ms - delivery.first_ms >= 55


async def test_an_answer_that_breaks_off_counts_in_full(tmp_path: Path) -> None:
    async with visitor(tmp_path, Behaviour(breaks_off=1000)) as client:
        with pytest.raises(aiohttp.ClientError):
            async with client.ask(SEARCH) as answer:
                await answer.read()
        await client.platform.until(lambda one: len(one.record) == 1)
        delivery = client.platform.record[0]

    assert (delivery.posts, delivery.complete) == (100, False)


async def test_a_visitor_who_leaves_early_is_written_down_too(tmp_path: Path) -> None:
    async with visitor(tmp_path, Behaviour(takes_ms=(50, 50))) as client:
        tasks = Tasks(report=lambda name, error: pytest.fail(f"{name}: {error}"))
        tasks.start(_read(client), "a visitor who leaves")
        await client.platform.until(lambda one: one.arrived == 1)
        await tasks.cancel()
        await client.platform.until(lambda one: one.under_way == 0)
        delivery = client.platform.record[0]

    assert delivery.posts == 100


async def _read(client: Visitor) -> bytes:
    async with client.ask(SEARCH) as answer:
        content: bytes = await answer.read()
        return content


@pytest.mark.parametrize(
    ("behaviour", "status"), [(Behaviour(fails=1000), 503), (Behaviour(limits=1000), 429)]
)
async def test_an_error_holds_no_post(tmp_path: Path, behaviour: Behaviour, status: int) -> None:
    async with visitor(tmp_path, behaviour) as client:
        async with client.ask(SEARCH) as answer:
            assert answer.status == status
        await client.platform.until(lambda one: one.under_way == 0)

    assert client.platform.posts == 0


async def test_its_own_limit_is_stated_in_its_own_headers(tmp_path: Path) -> None:
    async with visitor(tmp_path, Behaviour(limits=1000)) as client, client.ask(SEARCH) as answer:
        assert answer.headers["x-rate-limit-remaining"] == "0"
        assert int(answer.headers["x-rate-limit-reset"]) > SystemClock().wall_ms() // 1000


async def test_the_same_seed_deals_out_the_same_fates(tmp_path: Path) -> None:
    behaviour = Behaviour(breaks_off=200, fails=200, limits=200, seed=5)
    dealt = []
    for name in ("once", "again"):
        directory = tmp_path / name
        directory.mkdir()
        async with visitor(directory, behaviour) as client:
            dealt.append([await _status(client) for _ in range(30)])

    assert dealt[0] == dealt[1]
    assert set(dealt[0]) == {200, 429, 503, None}


async def _status(client: Visitor) -> int | None:
    try:
        async with client.ask(SEARCH) as answer:
            await answer.read()
            return int(answer.status)
    except aiohttp.ClientError:
        return None


@pytest.mark.parametrize(("accepted", "coding"), [("gzip, br", "gzip"), ("identity", None)])
async def test_a_body_is_compressed_when_that_is_asked_for(
    tmp_path: Path, accepted: str, coding: str | None
) -> None:
    async with (
        visitor(tmp_path) as client,
        client.ask(SEARCH, headers={"Accept-Encoding": accepted}) as answer,
    ):
        assert answer.headers.get("Content-Encoding") == coding
        assert len(json.loads(await answer.read())["data"]) == 100


async def test_ids_in_a_posted_form_are_looked_up(tmp_path: Path) -> None:
    async with visitor(tmp_path) as client:
        form = {"id": "11,13"}
        async with client.ask("/1.1/statuses/lookup.json", method="POST", data=form) as answer:
            assert [one["id_str"] for one in await answer.json()] == ["11", "13"]


async def test_recorded_bodies_are_served_with_their_own_count(tmp_path: Path) -> None:
    found = recordings()
    one = next(recording for recording in found.all if recording.posts > 100)
    async with (
        running_platform(tmp_path, recordings=found) as platform,
        aiohttp.ClientSession() as session,
    ):
        client = Visitor(session, platform, ssl.create_default_context(cafile=platform.ca_file))
        async with client.ask(one.target) as answer:
            assert await answer.json() == one.content()
        await platform.until(lambda served: served.under_way == 0)

    assert platform.posts == one.posts
