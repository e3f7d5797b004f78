"""A server on loopback that follows a script and keeps every request as its raw bytes.

It shares no code with what it judges: it reads HTTP by hand, and what it writes need not be HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    Script = Callable[["Line"], Awaitable[None]]


class Line:
    """One connection, seen by the server."""

    def __init__(
        self, origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.origin = origin
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read one request, head and body as they are on the wire, and keep it."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        head = raw.lower()
        if b"transfer-encoding: chunked" in head:
            raw += await self.reader.readuntil(b"0\r\n\r\n")
        elif b"content-length: " in head:
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            raw += await self.reader.readexactly(length)
        self.origin.requests.append(raw)
        return raw

    async def send(self, raw: bytes) -> None:
        """Write bytes and wait until the socket takes more."""
        self.writer.write(raw)
        await self.writer.drain()

    async def closed(self) -> None:
        """Return when the client has closed or reset the connection."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65_536):
                pass


class Origin:
    """What it was asked, and on how many connections."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.connections = 0
        self.names: list[str | None] = []  # SNI, one per TLS connection
        self.finished = asyncio.Event()  # a script has run to its end, or its client was gone

    @classmethod
    @asynccontextmanager
    async def serving(
        cls, script: Script, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Origin]:
        """Serve on a free port of 127.0.0.1 while the block runs."""
        origin = cls()
        running: set[asyncio.Task[None] | None] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            running.add(asyncio.current_task())
            origin.connections += 1
            try:
                await script(Line(origin, reader, writer))
            except (OSError, EOFError):
                pass  # the client went away: for a script, that is its end
            finally:
                origin.finished.set()
                writer.close()

        if tls is not None:
            tls.sni_callback = lambda _, name, __: origin.names.append(name)
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
        origin.port = server.sockets[0].getsockname()[1]
        try:
            yield origin
        finally:
            server.close()
            for task in filter(None, running):
                task.cancel()
            await asyncio.gather(*filter(None, running), return_exceptions=True)


def answering(*raw: bytes) -> Script:
    """Answer each request with the next of these, then with the last one for ever."""

    async def script(line: Line) -> None:
        answers = list(raw)
        while True:
            await line.request()
            await line.send(answers[0])
            if len(answers) > 1:
                answers.pop(0)

    return script


def once(raw: bytes) -> Script:
    """Answer one request with these bytes and close."""

    async def script(line: Line) -> None:
        await line.request()
        await line.send(raw)

    return script


def relaying_to(port: int, *, greeting: bytes = b"") -> Script:
    """Pass bytes to and from this port of loopback until either side is closed.

    With a greeting, be a proxy: read one request, whatever it asks for, and greet first.
    """

    async def script(line: Line) -> None:
        if greeting:
            await line.request()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await line.send(greeting)

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(65_536):
                sink.write(chunk)
                await sink.drain()

        ways = {
            asyncio.ensure_future(pass_on(line.reader, writer)),  # noqa: TID251  # waited for below
            asyncio.ensure_future(pass_on(reader, line.writer)),  # noqa: TID251  # waited for below
        }
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.transport.abort()

    return script
