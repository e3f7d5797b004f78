"""A platform that streams posts at a pace of its own, and knows exactly what it delivered.

A post is delivered when it is handed to the socket, whether anybody reads it or not: that is the
earliest instant at which a platform can count it, and so the strictest for Governor.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor.clock import SystemClock
from governor.demo.authority import make_authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n%s\r\n"
GZIP = b"Content-Encoding: gzip\r\n"
FIRST_ID = 1_800_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Pace:
    """`burst` posts together, `rate` of them a second; each text has `text_bytes`.

    `most`: the stream ends properly after so many. `gzip`: it is coded, whatever was asked for.
    """

    rate: int = 250
    burst: int = 1
    text_bytes: int = 40
    most: int | None = None
    gzip: bool = False


class StreamPlatform:
    """Serves the same pace to whoever asks. `delivered` are posts, of all connections."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.port = 0
        self.delivered = 0
        self.requests: list[bytes] = []
        self.closed_s: float | None = None  # when the other side's close was seen
        self.closed = asyncio.Event()

    def record(self) -> bytes:
        """Return the next post as a line."""
        self.delivered += 1
        text = f"{self.delivered} ".ljust(self.pace.text_bytes, "x")
        post = {"data": {"id": str(FIRST_ID + self.delivered), "text": text}}
        return json.dumps(post, separators=(",", ":")).encode() + b"\r\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and then write until the other side is gone."""
        writing: asyncio.Task[None] | None = None
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            writing = asyncio.get_running_loop().create_task(self._write(writer))
            while await reader.read(1_024):
                pass
        except (ConnectionError, EOFError):
            pass
        finally:
            self.closed_s = asyncio.get_running_loop().time()
            self.closed.set()
            if writing is not None:
                writing.cancel()
                await asyncio.gather(writing, return_exceptions=True)
            writer.transport.abort()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        loop, pace = asyncio.get_running_loop(), self.pace
        coder = zlib.compressobj(wbits=31) if pace.gzip else None
        writer.write(HEAD % (GZIP if coder else b""))
        due_s = loop.time()
        while pace.most is None or self.delivered < pace.most:
            records = b"".join(self.record() for _ in range(pace.burst))
            coded = coder.compress(records) + coder.flush(zlib.Z_SYNC_FLUSH) if coder else records
            writer.write(b"%x\r\n%s\r\n" % (len(coded), coded))
            await writer.drain()
            due_s += pace.burst / pace.rate
            await asyncio.sleep(max(0.0, due_s - loop.time()))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


@asynccontextmanager
async def running_stream(directory: Path, pace: Pace) -> AsyncIterator[tuple[StreamPlatform, Path]]:
    """Serve on a free port of loopback, as X's hosts; give the platform and what to trust."""
    platform = StreamPlatform(pace)
    authority = make_authority(directory, SystemClock().wall_ms())
    server = await asyncio.start_server(platform.serve, "127.0.0.1", 0, ssl=authority.context)
    platform.port = server.sockets[0].getsockname()[1]
    try:
        yield platform, authority.ca_file
    finally:
        server.close()
        if platform.requests:
            with suppress(TimeoutError):
                await asyncio.wait_for(platform.closed.wait(), 5)
