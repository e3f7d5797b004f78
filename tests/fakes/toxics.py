"""What TCP does to a conversation on a bad day, between a client and a real server on loopback.

The faults are those of Toxiproxy (github.com/Shopify/toxiproxy, "Toxics"), written again as a few
lines of asyncio: no other program is needed, and their draws follow a seed. A fault poisons one
direction, for as long as its line is told; while it is not, every byte passes at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK: Final = 65_536
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)  # on, 0 seconds: closing sends RST

Direction = Literal["up", "down"]  # what the client says; what the server answers


class Leg:
    """One direction of one connection: where its bytes go, and the draws of its faults."""

    def __init__(self, out: asyncio.StreamWriter, draw: random.Random) -> None:
        self._out, self.draw = out, draw
        self.passed = 0  # bytes, since it was poisoned

    async def write(self, piece: bytes) -> None:
        """Pass bytes on."""
        self.passed += len(piece)
        self._out.write(piece)
        await self._out.drain()

    def end(self) -> None:
        """Say no more, in the proper way."""
        self._out.close()

    def reset(self) -> None:
        """Drop the connection with an RST."""
        raw: socket.socket | None = self._out.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._out.transport.abort()


class Clean:
    """No fault: every byte passes at once."""

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        """Pass on, or not, what was said."""
        await leg.write(chunk)

    async def end(self, leg: Leg) -> None:
        """Pass on, or not, that nothing more will be said."""
        leg.end()


@dataclass(frozen=True)
class Latency(Clean):
    """Every byte comes later, by up to `jitter_s` more or less."""

    delay_s: float
    jitter_s: float = 0

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        await asyncio.sleep(self.delay_s + leg.draw.uniform(-self.jitter_s, self.jitter_s))
        await leg.write(chunk)


@dataclass(frozen=True)
class Bandwidth(Clean):
    """No more than so many bytes pass in a second."""

    bytes_per_s: int

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        step = max(1, self.bytes_per_s // 50)
        for start in range(0, len(chunk), step):
            piece = chunk[start : start + step]
            await asyncio.sleep(len(piece) / self.bytes_per_s)
            await leg.write(piece)


@dataclass(frozen=True)
class SlowClose(Clean):
    """The end is heard late."""

    delay_s: float

    async def end(self, leg: Leg) -> None:
        await asyncio.sleep(self.delay_s)
        leg.end()


@dataclass(frozen=True)
class Timeout(Clean):
    """Nothing passes, and after a while the connection is closed."""

    after_s: float

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        del chunk
        await asyncio.sleep(self.after_s)
        leg.end()


@dataclass(frozen=True)
class Reset(Clean):
    """The connection is reset in place of what was said, after a while."""

    after_s: float = 0

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        del chunk
        await asyncio.sleep(self.after_s)
        leg.reset()


@dataclass(frozen=True)
class Slicer(Clean):
    """What was said comes in many small pieces, with a pause after each."""

    most_bytes: int
    pause_s: float

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        while chunk:
            length = leg.draw.randint(1, self.most_bytes)
            piece, chunk = chunk[:length], chunk[length:]
            await leg.write(piece)
            await asyncio.sleep(self.pause_s)


@dataclass(frozen=True)
class Truncation(Clean):
    """After so many bytes the connection is closed, in mid-word."""

    after_bytes: int

    async def carry(self, chunk: bytes, leg: Leg) -> None:
        left = self.after_bytes - leg.passed
        await leg.write(chunk[:left])
        if leg.passed >= self.after_bytes:
            leg.end()


class ToxicLine:
    """One listening port on loopback that leads to another. Use it in `async with`."""

    def __init__(self, port: int, *, seed: int = 0) -> None:
        self._to = port
        self._draw = random.Random(seed)  # noqa: S311  # a seeded schedule of faults
        self._toxics: dict[Direction, Clean] = {"up": Clean(), "down": Clean()}
        self._server: asyncio.Server | None = None
        self._joined: set[asyncio.Task[None]] = set()
        self._legs: list[Leg] = []
        self.port = 0

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

    @contextmanager
    def poisoned(self, toxic: Clean, direction: Direction) -> Iterator[None]:
        """Let a fault have its way in one direction, of connections that are open as well."""
        for leg in self._legs:
            leg.passed = 0
        self._toxics[direction] = toxic
        try:
            yield
        finally:
            self._toxics[direction] = Clean()

    async def _join(self, near: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        joined = asyncio.current_task()
        assert joined is not None
        self._joined.add(joined)
        joined.add_done_callback(self._joined.discard)
        far, server = await asyncio.open_connection("127.0.0.1", self._to)
        legs = [Leg(out, random.Random(self._draw.random())) for out in (server, client)]  # noqa: S311  # seeded likewise
        self._legs += legs
        try:
            await asyncio.gather(self._flow(near, legs[0], "up"), self._flow(far, legs[1], "down"))
        finally:
            for leg, writer in zip(legs, (server, client), strict=True):
                self._legs.remove(leg)
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

    async def _flow(self, source: asyncio.StreamReader, leg: Leg, direction: Direction) -> None:
        """Pass one direction on; whatever breaks, the other side hears that it ended."""
        try:
            while chunk := await source.read(CHUNK):
                await self._toxics[direction].carry(chunk, leg)
            await self._toxics[direction].end(leg)
        except ConnectionError:
            leg.end()
