"""Our end of a stream's connection contains little that nobody has read, and closes at once."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.leading import UNREAD_BYTES
from governor.errors import UpstreamError
from governor.upstream import HttpUpstream, Route
from tests.fakes.origin import Origin
from tests.fakes.way import HOST, LOOPBACK, Way, to_loopback

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from tests.fakes.origin import Line
    from tests.fakes.tls import TinyAuthority

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
RECORD_BYTES = 16_000  # so that what TLS adds is next to nothing
READS = 6
HANDSHAKE_BYTES = 4_096  # at most: certificates, tickets and the answer's head, which were read


async def flood(line: Line) -> None:
    """Write as fast as anybody takes it."""
    await line.request()
    await line.send(HEAD)
    while True:
        await line.send(b"%x\r\n%s\r\n" % (RECORD_BYTES, b"x" * RECORD_BYTES))


class Meter:
    """Lets bytes through to an origin, and knows how many the other end has acknowledged."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sock: socket.socket | None = None
        self.passed = 0

    async def __call__(self, line: Line) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._sock = line.writer.get_extra_info("socket")
        line.writer.transport.set_write_buffer_limits(high=0)
        asks = asyncio.get_running_loop().create_task(self._ask(line, writer))
        try:
            while piece := await reader.read(4_096):
                await line.send(piece)
                self.passed += len(piece)
        finally:
            asks.cancel()
            writer.close()

    async def _ask(self, line: Line, writer: asyncio.StreamWriter) -> None:
        while piece := await line.reader.read(4_096):
            writer.write(piece)

    async def taken(self) -> int:
        """Return how many bytes the other end has, once it takes no more."""
        assert self._sock is not None
        before = -1
        while before != (now := self._acknowledged()):
            before = now
            await asyncio.sleep(0.25)  # longer than any acknowledgement waits on loopback
        return now

    def _acknowledged(self) -> int:
        assert self._sock is not None
        raw = fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return self.passed - int(struct.unpack("i", raw)[0])


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what was acknowledged")
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_what_nobody_has_read_of_a_stream_fits_in_what_its_lead_allows(
    opened: AsyncExitStack, authority: TinyAuthority, *, tls: bool
) -> None:
    """The kernel's buffer, TLS's and aiohttp's together, at any point of the reading."""
    served = authority.leaf(HOST) if tls else None
    origin = await opened.enter_async_context(Origin.serving(flood, served))
    meter = Meter(origin.port)
    front = await opened.enter_async_context(Origin.serving(meter))
    route = Route.of(allow_addresses=LOOPBACK, resolve=to_loopback)
    upstream = HttpUpstream(route, ca_file=authority.file)
    opened.push_async_callback(upstream.close)
    way = Way(front, upstream, "https" if tls else "http")

    unread = []
    async with (
        upstream.ask(replace(way.request(), flows=True), None) as answer,
        aclosing(answer.chunks()) as chunks,
    ):
        head_bytes, read = await meter.taken(), 0
        unread.append(head_bytes)
        for _ in range(READS):
            read += len(await anext(chunks))
            unread.append(await meter.taken() - read)

    assert 0 < max(unread) <= UNREAD_BYTES + HANDSHAKE_BYTES, unread


@pytest.mark.parametrize("how", ["closes", "resets"])
async def test_a_stream_that_only_its_connection_ends_may_have_lost_its_end(
    opened: AsyncExitStack, authority: TinyAuthority, how: str
) -> None:
    """Of HTTP/1.0, or behind a relay that lost its platform. What is missing does not show."""

    async def break_off(line: Line) -> None:
        await line.request()
        await line.send(b"HTTP/1.0 200 OK\r\n\r\n" + b"{}\r\n" * 3)
        if how == "resets":
            sock = line.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    origin = await opened.enter_async_context(Origin.serving(break_off))
    route = Route.of(allow_addresses=LOOPBACK, resolve=to_loopback)
    upstream = HttpUpstream(route, ca_file=authority.file)
    opened.push_async_callback(upstream.close)
    asked = replace(Way(origin, upstream, "http").request(), flows=True)

    async with upstream.ask(asked, None) as answer, aclosing(answer.chunks()) as chunks:
        with pytest.raises(UpstreamError, match="broke off") as caught:
            [_ async for _ in chunks]
    assert caught.value.sent
