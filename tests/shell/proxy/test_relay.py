"""What no contract governs passes untouched, and ends when its crawler leaves."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from governor.errors import UpstreamError
from governor.proxy.relay import Relay
from tests.fakes.doorway import OTHER, Doorway, open_doorway, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    import pytest

    from governor.exchange import Headers, Request

GET = f"GET http://{OTHER}/a HTTP/1.1\r\nHost: {OTHER}\r\n\r\n".encode()
POST = GET.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\nabc")


class Answer:
    """What a platform says, in pieces; after them it may break off."""

    def __init__(self, *pieces: bytes, length: int | None = None) -> None:
        self.status = 203
        self.reason = "Said"
        self.headers: Headers = () if length is None else (("content-LENGTH", str(length)),)
        self._pieces = pieces
        self.breaks: UpstreamError | None = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for piece in self._pieces:
            yield piece
        if self.breaks is not None:
            raise self.breaks


class Platform:
    """An `Upstream` without a network: gives `answer` once `ready`, or raises `error`."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.error: UpstreamError | None = None
        self.ready = asyncio.Event()
        self.ready.set()
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.bodies: list[bytes] = []

    @contextlib.asynccontextmanager
    async def ask(
        self,
        _: Request,
        body: AsyncIterator[bytes] | None,
        sending: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Answer]:
        sending()
        self.asked.set()
        try:
            if body is not None:
                self.bodies.append(b"".join([chunk async for chunk in body]))
            if self.error is not None:
                raise self.error
            await self.ready.wait()
            yield self.answer
        finally:
            self.left.set()


def relaying(doorway: Doorway, platform: Platform) -> None:
    doorway.relay.play = Relay(platform).run


async def test_an_answer_passes_as_it_was(tmp_path: Path) -> None:
    platform = Platform(Answer(b"ab", b"c", length=3))
    async with open_doorway(tmp_path) as doorway:
        relaying(doorway, platform)
        reader, writer = await doorway.connect()
        writer.write(POST)
        assert await read_answer(reader) == (203, {"content-length": "3"}, b"abc")

    assert platform.bodies == [b"abc"]
    assert platform.left.is_set()


async def test_a_host_that_cannot_be_asked_is_reported(tmp_path: Path) -> None:
    platform = Platform(Answer())
    platform.error = UpstreamError("It refused.", sent=False, status=502, kind="connection_refused")
    async with open_doorway(tmp_path) as doorway:
        relaying(doorway, platform)
        reader, writer = await doorway.connect()
        writer.write(GET)
        status, fields, body = await read_answer(reader)

    assert status == 502
    assert fields["proxy-status"] == "governor; error=connection_refused"
    assert b"It refused." in body


async def test_an_answer_that_breaks_off_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    platform = Platform(Answer(b"half"))
    platform.answer.breaks = UpstreamError("It broke.", sent=True, status=502, kind="x")
    async with open_doorway(tmp_path) as doorway:
        relaying(doorway, platform)
        answer = await doorway.say(GET)

    assert answer.endswith(b"4\r\nhalf\r\n")
    assert caplog.records == []


async def test_a_crawler_that_leaves_takes_its_request_with_it(tmp_path: Path) -> None:
    platform = Platform(Answer())
    platform.ready.clear()
    async with open_doorway(tmp_path) as doorway:
        relaying(doorway, platform)
        _, writer = await doorway.connect()
        writer.write(GET)
        await platform.asked.wait()
        writer.close()
        async with asyncio.timeout(1):
            await platform.left.wait()
