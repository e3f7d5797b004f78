"""A crawler gets the platform's answer as it was, and the platform's side learns when it left."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from governor.proxy.connection import Deadlines
from tests.fakes.doorway import GOVERNED, Doorway, open_doorway, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.exchange import Downstream, Headers, Request

QUICK = Deadlines(head_s=0.2, handshake_s=0.2, idle_s=0.2, body_s=0.2, write_s=0.2)


@pytest.fixture
async def doorway(tmp_path: Path) -> AsyncIterator[Doorway]:
    async with open_doorway(tmp_path) as opened:
        yield opened


def ask(method: str = "GET", *fields: str, version: str = "1.1") -> bytes:
    lines = (f"{method} http://{GOVERNED}/ HTTP/{version}", f"Host: {GOVERNED}", *fields)
    return "\r\n".join((*lines, "", "")).encode()


class Answering:
    """Plays one answer, in as many pieces as it is given."""

    def __init__(self, status: int, headers: Headers, *pieces: bytes, cut: bool = False) -> None:
        self.status, self.headers, self.pieces, self.cut = status, headers, pieces, cut

    async def __call__(self, _: Request, downstream: Downstream) -> None:
        await downstream.start(self.status, "As It Was", self.headers)
        for piece in self.pieces:
            await downstream.write(piece)
        if not self.cut:
            await downstream.finish()


async def test_status_reason_and_fields_pass_untouched(doorway: Doorway) -> None:
    headers = (
        ("set-cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2"),
        ("ETag", 'W/"x"'),
        ("x-rate-limit-remaining", "12"),
        ("Content-Length", "2"),
    )
    doorway.exchange.play = Answering(299, headers, b"ok")

    answer = await doorway.say(ask("GET", "Connection: close"))

    lines = [f"{name}: {value}" for name, value in headers]
    expected = "\r\n".join(("HTTP/1.1 299 As It Was", *lines, "Connection: close", "", "ok"))
    assert answer == expected.encode()


async def test_the_platforms_own_server_date_and_type_stay(doorway: Doorway) -> None:
    headers = (("Server", "tsa_o"), ("Date", "then"), ("Content-Type", "x/y"))
    doorway.exchange.play = Answering(200, (*headers, ("Content-Length", "0")))

    answer = await doorway.say(ask("GET", "Connection: close"))

    assert b"Server: tsa_o\r\nDate: then\r\nContent-Type: x/y\r\nContent-Length: 0\r\n" in answer


@pytest.mark.parametrize(
    ("method", "status", "length"), [("GET", 204, None), ("GET", 304, "7"), ("HEAD", 200, "7")]
)
async def test_answers_without_a_body_leave_the_connection_usable(
    doorway: Doorway, method: str, status: int, length: str | None
) -> None:
    headers = (("Content-Length", length),) if length else ()
    doorway.exchange.play = Answering(status, headers, *([b"ignored"] * (method == "HEAD")))
    reader, writer = await doorway.connect()

    for _ in range(2):
        writer.write(ask(method))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith(f"http/1.1 {status} ")
        assert ("content-length: 7" in head) == bool(length)
        assert "transfer-encoding" not in head


async def test_a_body_of_unknown_length_is_chunked_as_it_comes(doorway: Doorway) -> None:
    """Each piece reaches the crawler before the next one is sent."""
    go_on = asyncio.Event()

    async def drip(_: Request, downstream: Downstream) -> None:
        await downstream.start(200, "OK", ())
        await downstream.write(b"one")
        await go_on.wait()
        await downstream.write(b"two")
        await downstream.finish()

    doorway.exchange.play = drip
    reader, writer = await doorway.connect()
    writer.write(ask())

    assert (await reader.readuntil(b"3\r\none\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    go_on.set()
    assert await reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "fields", [(), ("Connection: keep-alive",), ("Proxy-Connection: Keep-Alive",)]
)
async def test_http_1_0_gets_a_body_of_unknown_length_until_close(
    doorway: Doorway, fields: tuple[str, ...]
) -> None:
    doorway.exchange.play = Answering(200, (), b"all ", b"of it")

    answer = await doorway.say(ask("GET", *fields, version="1.0"))

    assert answer.startswith(b"HTTP/1.0 200 ")
    assert answer.endswith(b"\r\n\r\nall of it")
    assert b"keep-alive" not in answer.lower()


async def test_a_coded_body_is_relayed_in_its_coding(doorway: Doorway) -> None:
    body = gzip.compress(b"posts")
    headers = (("Content-Encoding", "gzip"), ("Content-Length", str(len(body))))
    doorway.exchange.play = Answering(200, headers, body)

    assert (await doorway.say(ask("GET", "Connection: close"))).endswith(body)


@pytest.mark.parametrize(
    ("version", "headers"), [("1.1", ()), ("1.1", (("Content-Length", "99"),)), ("1.0", ())]
)
async def test_an_answer_cut_off_is_seen_to_be_cut_off(
    doorway: Doorway, version: str, headers: Headers
) -> None:
    doorway.exchange.play = Answering(200, headers, b"half", cut=True)

    try:
        answer = await doorway.say(ask("GET", version=version))
    except ConnectionResetError:
        assert version == "1.0"  # where only closing ends a body, it must not look like closing
    else:
        assert version == "1.1"
        assert b"half" in answer
        assert not answer.endswith(b"0\r\n\r\n")


async def test_an_exchange_without_an_answer_closes_the_connection(doorway: Doorway) -> None:
    async def silent(_: Request, __: Downstream) -> None:
        pass

    doorway.exchange.play = silent

    assert await doorway.say(ask()) == b""


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_upload_arrives_whole(doorway: Doorway, *, chunked: bool) -> None:
    body = bytes(range(256)) * 40_000
    if chunked:
        pieces = (body[at : at + 70_001] for at in range(0, len(body), 70_001))
        sent = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        framing = "Transfer-Encoding: chunked"
    else:
        sent, framing = body, f"Content-Length: {len(body)}"
    reader, writer = await doorway.connect()
    writer.write(ask("POST", framing) + sent)

    _, _, answer = await read_answer(reader)

    seen = json.loads(answer)
    assert (seen["size"], seen["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert dict(seen["headers"]).get("Content-Length") == (None if chunked else str(len(body)))


async def test_a_coded_upload_arrives_in_its_coding(doorway: Doorway) -> None:
    body = gzip.compress(b"a query")
    reader, writer = await doorway.connect()
    writer.write(ask("POST", "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body)

    seen = json.loads((await read_answer(reader))[2])

    assert seen["sha256"] == hashlib.sha256(body).hexdigest()


async def test_trailers_are_dropped(doorway: Doorway) -> None:
    chunks = b"3\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n"
    reader, writer = await doorway.connect()
    writer.write(ask("POST", "Transfer-Encoding: chunked") + chunks)

    status, _, body = await read_answer(reader)

    assert status == 200
    assert b"X-Late" not in body


async def test_a_crawler_that_asks_may_send_its_body_once_it_is_wanted(doorway: Doorway) -> None:
    reader, writer = await doorway.connect()
    writer.write(ask("POST", "Expect: 100-continue", "Content-Length: 3"))

    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert json.loads((await read_answer(reader))[2])["size"] == 3


async def test_a_refused_crawler_is_not_asked_for_its_body(doorway: Doorway) -> None:
    doorway.exchange.play = Answering(429, (("Content-Length", "0"),))
    reader, writer = await doorway.connect()
    writer.write(ask("POST", "Expect: 100-continue", "Content-Length: 3"))

    status, fields, _ = await read_answer(reader)

    assert (status, fields["connection"]) == (429, "close")


async def test_a_crawler_that_does_not_read_holds_up_the_answer(doorway: Doorway) -> None:
    """No more than the socket buffers and 64 KiB wait in memory, however long the answer."""
    piece, written = b"x" * 65_536, 0
    stuck = asyncio.Event()

    async def endless(_: Request, downstream: Downstream) -> None:
        nonlocal written
        await downstream.start(200, "OK", ())
        try:
            while True:
                async with asyncio.timeout(0.3):
                    await downstream.write(piece)
                written += len(piece)
        except (TimeoutError, ConnectionError):
            stuck.set()

    doorway.exchange.play = endless
    _, writer = await doorway.connect()
    writer.write(ask())
    await stuck.wait()

    assert written < 20_000_000
    writer.transport.abort()


@pytest.mark.parametrize("farewell", ["close", "abort"])
async def test_a_crawler_that_leaves_while_waiting_is_noticed(
    doorway: Doorway, caplog: pytest.LogCaptureFixture, farewell: str
) -> None:
    waiting, noticed = asyncio.Event(), asyncio.Event()

    async def wait(_: Request, downstream: Downstream) -> None:
        waiting.set()
        await downstream.gone()
        noticed.set()
        with pytest.raises(ConnectionError):
            await downstream.start(200, "OK", ())

    doorway.exchange.play = wait
    _, writer = await doorway.connect()
    writer.write(ask())
    await waiting.wait()

    getattr(writer.transport, farewell)()

    async with asyncio.timeout(1):
        await noticed.wait()
    assert caplog.records == []


async def test_a_crawler_that_leaves_in_mid_answer_ends_the_writing(
    doorway: Doorway, caplog: pytest.LogCaptureFixture
) -> None:
    ended = asyncio.Event()

    async def endless(_: Request, downstream: Downstream) -> None:
        await downstream.start(200, "OK", ())
        try:
            while True:
                await downstream.write(b"x" * 10_000)
        except ConnectionError:
            ended.set()

    doorway.exchange.play = endless
    reader, writer = await doorway.connect()
    writer.write(ask())
    await reader.readexactly(100_000)

    writer.transport.abort()

    async with asyncio.timeout(5):
        await ended.wait()
    assert caplog.records == []


@pytest.mark.parametrize("sent", [b"3\r\nabc\r\nnonsense", b"3\r\nab"])
async def test_a_body_that_will_never_be_whole_is_an_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, sent: bytes
) -> None:
    """Badly framed, or silent for too long: the exchange learns of both."""
    begun, failed = asyncio.Event(), asyncio.Event()

    async def collect(_: Request, downstream: Downstream) -> None:
        begun.set()
        with pytest.raises(ConnectionError):
            async for _chunk in downstream.body():
                pass
        failed.set()

    async with open_doorway(tmp_path, deadlines=QUICK) as doorway:
        doorway.exchange.play = collect
        _, writer = await doorway.connect()
        writer.write(ask("POST", "Transfer-Encoding: chunked"))
        await begun.wait()
        writer.write(sent)
        async with asyncio.timeout(5):
            await failed.wait()
    assert caplog.records == []


async def test_a_crawler_that_stops_reading_is_given_up(tmp_path: Path) -> None:
    given_up = asyncio.Event()

    async def endless(_: Request, downstream: Downstream) -> None:
        await downstream.start(200, "OK", ())
        try:
            while True:
                await downstream.write(b"x" * 65_536)
        except ConnectionError:
            await downstream.gone()  # cut, and not closed once it has taken what it does not take
            given_up.set()

    async with open_doorway(tmp_path, deadlines=QUICK) as doorway:
        doorway.exchange.play = endless
        _, writer = await doorway.connect()
        writer.write(ask())
        async with asyncio.timeout(5):
            await given_up.wait()
        writer.transport.abort()


async def test_pipelined_requests_are_answered_in_their_order(doorway: Doorway) -> None:
    reader, writer = await doorway.connect()
    writer.write(b"".join(ask().replace(b"/ HTTP", b"/%d HTTP" % n) for n in range(5)))

    bodies = [(await read_answer(reader))[2] for _ in range(5)]

    assert [re.findall(rb":80/(\d)", body) for body in bodies] == [[b"%d" % n] for n in range(5)]
