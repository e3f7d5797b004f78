"""What is asked is what is on the wire, once; and a broken answer never looks whole."""

from __future__ import annotations

import asyncio
import gzip
import sys
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING

import pytest

from governor.errors import UpstreamError
from tests.fakes.origin import Line, Origin, answering, once, relaying_to
from tests.fakes.way import HOST, OK, Way, begin, silent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.exchange import Headers
    from tests.fakes.origin import Script
    from tests.fakes.tls import TinyAuthority


async def body_of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_the_wire_carries_what_was_asked_and_nothing_more(opened: AsyncExitStack) -> None:
    """The target byte for byte; the fields in order, repeated ones repeated; none of our own."""
    way = await begin(opened, answering(OK))
    headers = (("X-B", "1"), ("authorization", "Bearer a"), ("X-B", "2"), ("Cookie", "a=b; c"))
    target = "/2/%74weets/../a%2Fb;x//c?ids=1,2&x=%20y&z=a+b%7C&[q]=Ü".encode().decode("latin-1")
    target = target.encode("ascii", "ignore").decode()

    await way.fetch(way.request(target, headers=headers))

    assert way.origin.requests == [
        (
            f"GET {target} HTTP/1.1\r\nHost: {HOST}:{way.origin.port}\r\n"
            "X-B: 1\r\nauthorization: Bearer a\r\nX-B: 2\r\nCookie: a=b; c\r\n\r\n"
        ).encode()
    ]


async def test_a_target_that_would_change_is_not_sent(opened: AsyncExitStack) -> None:
    way = await begin(opened, answering(OK))

    for target in ("/2/tweets#a", "/2/tweets?"):
        error = await way.mishap(way.request(target))
        assert (error.sent, error.status, error.kind) == (False, 400, "http_request_error")
    assert way.origin.connections == 0


@pytest.mark.parametrize(
    ("headers", "framed"),
    [
        ((("content-length", "5"),), b"content-length: 5\r\n\r\nab\ncd"),
        ((), b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\n\ncd\r\n0\r\n\r\n"),
        ((("Expect", "100-continue"), ("content-length", "5")), b"length: 5\r\n\r\nab\ncd"),
    ],
)
async def test_a_body_streams_up_in_its_own_framing(
    opened: AsyncExitStack, headers: Headers, framed: bytes
) -> None:
    way = await begin(opened, answering(OK))
    request = way.request(method="POST", headers=headers, has_body=True)

    status, _, _ = await way.fetch(request, body_of(b"ab", b"\ncd"))

    assert status == 200
    assert way.origin.requests[0].endswith(framed)
    assert b"xpect" not in way.origin.requests[0]


async def test_one_connection_serves_many_requests(opened: AsyncExitStack) -> None:
    way = await begin(opened, answering(OK))

    for _ in range(3):
        assert (await way.fetch())[2] == [b"ok"]

    assert (way.origin.connections, len(way.origin.requests)) == (1, 3)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
async def test_a_request_is_never_sent_twice(opened: AsyncExitStack, method: str) -> None:
    """A kept-alive connection that dies under a request: two asked, two on the wire.

    aiohttp by itself sends the second again, and the platform counts three.
    """

    async def dies_at_the_second(line: Line) -> None:
        await line.request()
        await line.send(OK)
        await line.request()

    way = await begin(opened, dies_at_the_second)
    await way.fetch()

    error = await way.mishap(way.request(method=method))

    assert (error.sent, error.status, error.kind) == (True, 502, "connection_terminated")
    assert len(way.origin.requests) == 2
    assert way.origin.connections == 1


async def test_a_redirect_is_returned(opened: AsyncExitStack) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    way = await begin(opened, answering(moved))

    status, headers, _ = await way.fetch()

    assert status == 302
    assert ("Location", "/elsewhere") in headers
    assert len(way.origin.requests) == 1


async def test_a_cookie_is_passed_on_and_not_kept(opened: AsyncExitStack) -> None:
    """Else one crawler's session would be sent with another's request."""
    way = await begin(
        opened, answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
    )

    _, headers, _ = await way.fetch()
    await way.fetch()

    assert ("Set-Cookie", "a=b") in headers
    assert b"ookie" not in way.origin.requests[1]


async def test_the_environment_changes_no_route(
    opened: AsyncExitStack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither a proxy (it could be ourselves) nor a netrc file (it would add a password)."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    way = await begin(opened, answering(OK))

    assert (await way.fetch())[0] == 200
    assert b"uthorization" not in way.origin.requests[0]


async def test_a_coded_body_stays_coded(opened: AsyncExitStack) -> None:
    packed = gzip.compress(b"posts" * 1000)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
    way = await begin(opened, answering(head.encode() + packed))

    _, headers, chunks = await way.fetch()

    assert headers == (("content-encoding", "gzip"), ("Content-Length", str(len(packed))))
    assert b"".join(chunks) == packed


async def test_bytes_are_passed_on_as_they_arrive(opened: AsyncExitStack) -> None:
    """The first chunk is here while the second is not yet written."""
    seen = asyncio.Event()

    async def drip(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        await seen.wait()
        await line.send(b"1\r\nb\r\n0\r\n\r\n")

    way = await begin(opened, drip)

    async with way.upstream.ask(way.request(), None) as answer:
        chunks = answer.chunks()
        assert await anext(chunks) == b"a"
        seen.set()
        assert [chunk async for chunk in chunks] == [b"b"]


async def test_no_chunk_is_larger_than_64_kib(opened: AsyncExitStack) -> None:
    size = 3_000_000
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
    way = await begin(opened, answering(head + bytes(size)))

    _, _, chunks = await way.fetch()

    assert sum(map(len, chunks)) == size
    assert max(map(len, chunks)) <= 65_536


async def test_long_lines_pass(opened: AsyncExitStack) -> None:
    """GraphQL addresses and platform cookies exceed the 8 KB that aiohttp allows by itself."""
    long = "x" * 40_000
    answer = f"HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 0\r\n\r\n".encode()
    way = await begin(opened, answering(answer))

    _, headers, _ = await way.fetch(way.request(f"/2/tweets?q={long}"))

    assert headers[0] == ("X-Long", long)


async def test_an_answer_to_head_has_no_body(opened: AsyncExitStack) -> None:
    way = await begin(opened, answering(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n"))

    _, headers, chunks = await way.fetch(way.request(method="HEAD"))

    assert headers == (("Content-Length", "90"),)
    assert chunks == []


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 10\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"\r\n",  # only the connection's end ends it, and nothing came before
    ],
)
async def test_an_answer_that_breaks_off_never_looks_whole(
    opened: AsyncExitStack, body: bytes
) -> None:
    """It would be settled by its count, and the posts that were cut off are charged to nobody."""
    way = await begin(opened, once(b"HTTP/1.1 200 OK\r\n" + body))

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (True, 502, "http_response_incomplete")


async def test_chunks_that_cannot_be_told_apart_never_look_whole(opened: AsyncExitStack) -> None:
    """Whether the head is read before or with them."""
    way = await begin(
        opened, once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")
    )

    error = await way.mishap()

    assert error.sent
    assert error.kind in {"http_protocol_error", "http_response_incomplete"}


@pytest.mark.parametrize(
    "raw",
    [
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
    ids=["words", "two lengths", "length and chunks", "endless field"],
)
async def test_what_is_not_http_is_an_error(opened: AsyncExitStack, raw: bytes) -> None:
    way = await begin(opened, once(raw))

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (True, 502, "http_protocol_error")


async def test_a_change_of_protocol_is_an_error(opened: AsyncExitStack) -> None:
    """Nobody can count what follows a 101."""
    way = await begin(
        opened,
        answering(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
    )

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (True, 502, "http_upgrade_failed")


async def silent_in_the_middle(line: Line) -> None:
    """Begin an answer, and say no more."""
    await line.request()
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    await line.closed()


@pytest.mark.parametrize("script", [silent, silent_in_the_middle])
async def test_silence_ends_after_the_read_timeout(opened: AsyncExitStack, script: Script) -> None:
    way = await begin(opened, script, read_timeout_ms=50)

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (True, 504, "connection_read_timeout")
    await asyncio.wait_for(way.origin.finished.wait(), 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has TCP_USER_TIMEOUT")
async def test_a_platform_that_does_not_read_is_given_up(opened: AsyncExitStack) -> None:
    """Else its hold would stand for ever."""

    async def reads_nothing(line: Line) -> None:
        await line.send(b"")
        await asyncio.Event().wait()

    way = await begin(opened, reads_nothing, read_timeout_ms=200)
    request = way.request(method="POST", has_body=True)

    with pytest.raises(UpstreamError) as caught:
        await way.fetch(request, body_of(*[bytes(1_000_000)] * 64))

    assert caught.value.sent


async def endless(line: Line) -> None:
    """Send for as long as anybody takes it."""
    await line.request()
    await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        await line.send(bytes(65_536))


@pytest.mark.parametrize("secure", [False, True])
async def test_leaving_early_closes_the_connection_at_once(
    opened: AsyncExitStack, authority: TinyAuthority, *, secure: bool
) -> None:
    """What is not read is not drained: each byte of it would be counted by the platform."""
    way = await begin(
        opened, endless, authority=authority if secure else None, ca_file=authority.file
    )

    async with (
        way.upstream.ask(way.request(), None) as answer,
        aclosing(answer.chunks()) as chunks,
    ):
        assert await anext(chunks)

    await asyncio.wait_for(way.origin.finished.wait(), 5)
    assert way.origin.connections == 1


async def test_leaving_early_does_not_wait_for_a_farewell(
    opened: AsyncExitStack, authority: TinyAuthority
) -> None:
    """TLS ends with a message of each side; a platform that owes us its own could go on sending."""

    async def deaf(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        transport = line.writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()
        try:
            await asyncio.Event().wait()
        finally:
            transport.abort()

    origin = await opened.enter_async_context(Origin.serving(deaf, authority.leaf(HOST)))
    relay = await begin(opened, relaying_to(origin.port), ca_file=authority.file)

    secure = Way(relay.origin, relay.upstream, "https")
    async with secure.upstream.ask(secure.request(), None) as answer:
        assert answer.status == 200

    await asyncio.wait_for(relay.origin.finished.wait(), 5)


async def test_giving_up_before_the_answer_closes_the_connection(opened: AsyncExitStack) -> None:
    """A crawler that leaves takes its request with it."""
    arrived = asyncio.Event()

    async def keeps_it_waiting(line: Line) -> None:
        await line.request()
        arrived.set()
        await line.closed()

    way = await begin(opened, keeps_it_waiting)
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(way.fetch())
        await arrived.wait()
        asked.cancel()

    assert asked.cancelled()
    await asyncio.wait_for(way.origin.finished.wait(), 5)


async def test_a_crawlers_body_that_breaks_off_breaks_the_request(opened: AsyncExitStack) -> None:
    """Nothing looks like a complete request that was not one."""

    async def breaks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError("the crawler is gone")

    way = await begin(opened, answering(OK))
    request = way.request(method="POST", has_body=True)

    with pytest.raises(UpstreamError) as caught:
        await way.fetch(request, breaks())

    assert caught.value.sent
    assert way.origin.requests == []
