"""A proxy that lets everything through to one place: what crawlers use when nobody governs them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE = 65_536


@asynccontextmanager
async def running_tunnel(port: int) -> AsyncIterator[str]:
    """Answer every CONNECT with a tunnel to `port` of loopback; yield the proxy's URL."""

    async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        async with asyncio.TaskGroup() as both:
            both.create_task(_relay(reader, far_writer))
            both.create_task(_relay(far_reader, writer))

    server = await asyncio.start_server(front, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass  # one side is gone; the other is told by the close
    writer.close()
