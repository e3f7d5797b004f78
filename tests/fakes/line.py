"""A line to a server that can be cut, held, or made to say something else.

It stands between a client and a real server. What the client says always arrives; what becomes of
the answer is the test's word.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

CHUNK = 65_536


class Line:
    """One listening port on loopback that leads to another. Use it in `async with`."""

    def __init__(self, port: int) -> None:
        self.to = port  # where the next connection leads
        self._server: asyncio.Server | None = None
        self._joined: set[asyncio.Task[None]] = set()
        self.port = 0
        self.cut = False  # the next answer ends the connection instead
        self.halved = False  # the next answer ends the connection half-way
        self.instead: list[bytes] = []  # said, one by one, in place of the server's answers
        self.held = asyncio.Event()  # an answer came and is not passed on
        self.holding = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for joined in self._joined:
            joined.cancel()
        await asyncio.gather(*self._joined, return_exceptions=True)
        await self._server.wait_closed()

    async def _join(self, near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        joined = asyncio.current_task()
        assert joined is not None
        self._joined.add(joined)
        try:
            far, server = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:  # nobody there: whoever came is sent away
            client.transport.abort()
            return
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.gather(self._say(near, server), self._answer(far, client))
        finally:
            for writer in (client, server):
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def _say(self, near: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while said := await near.read(CHUNK):
            server.write(said)
            await server.drain()
        server.close()

    async def _answer(self, far: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        while answer := await far.read(CHUNK):
            if self.cut:
                self.cut = False
                client.transport.abort()
                return
            if self.halved:
                self.halved = False
                client.write(answer[: len(answer) // 2])
                client.close()
                return
            if self.holding:
                self.held.set()
                continue
            client.write(self.instead.pop(0) if self.instead else answer)
            await client.drain()
        client.close()
