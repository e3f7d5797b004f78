"""The fake server itself: it keeps what was sent, byte for byte, and counts connections."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.origin import Origin, answering, once, relaying_to

REQUESTS = (
    b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n",
    b"POST /b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
)


async def test_requests_are_kept_as_they_came() -> None:
    async with Origin.serving(answering(b"first", b"later")) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        for request, expected in zip(REQUESTS, (b"first", b"later", b"later"), strict=True):
            writer.write(request)
            assert await reader.readexactly(5) == expected
        writer.close()

    assert list(REQUESTS) == origin.requests
    assert origin.connections == 1


async def test_one_answer_and_the_connection_ends() -> None:
    async with Origin.serving(once(b"bye")) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.write(REQUESTS[0])

        assert await reader.read() == b"bye"
        assert origin.finished.is_set()
        writer.close()


async def test_a_client_that_leaves_ends_the_script() -> None:
    async with Origin.serving(answering(b"")) as origin:
        _, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.close()
        await asyncio.wait_for(origin.finished.wait(), 5)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", origin.port)


async def test_a_relay_passes_bytes_on_and_ends_with_either_side() -> None:
    """As a proxy, it reads one request for itself and greets."""
    async with (
        Origin.serving(once(b"pong")) as origin,
        Origin.serving(relaying_to(origin.port, greeting=b"hello")) as proxy,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(REQUESTS[0] + REQUESTS[1])

        assert await reader.read() == b"hellopong"
        writer.close()

    assert proxy.requests == [REQUESTS[0]]
    assert origin.requests == [REQUESTS[1]]
