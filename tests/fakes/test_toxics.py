"""Each fault does to a conversation what its name says, in its direction and while it lasts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.fakes.toxics import (
    Bandwidth,
    Clean,
    Latency,
    Reset,
    Slicer,
    SlowClose,
    Timeout,
    ToxicLine,
    Truncation,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.toxics import Direction

WORD = b"0123456789" * 20
DIRECTIONS = ("up", "down")


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while said := await reader.read(65_536):
            writer.write(said)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[ToxicLine]:
    """Give a line to a server that says everything back."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, ToxicLine(server.sockets[0].getsockname()[1]) as line:
        yield line


async def say(line: ToxicLine) -> tuple[bytes, float]:
    """Say a word and no more; return what comes back until the end, and how long that took."""
    began = asyncio.get_running_loop().time()
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(WORD)
    try:
        heard = await asyncio.wait_for(reader.readexactly(len(WORD)), 5)
    except asyncio.IncompleteReadError as error:
        heard = error.partial
    finally:
        writer.close()
    return heard, asyncio.get_running_loop().time() - began


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("toxic", "heard", "least_s"),
    [
        (Clean(), 200, 0),
        (Latency(0.05), 200, 0.05),
        (Latency(0.05, jitter_s=0.02), 200, 0.03),
        (Bandwidth(2_000), 200, 0.1),
        (SlowClose(0.05), 200, 0),
        (Timeout(0.05), 0, 0.05),
        (Slicer(50, 0.01), 200, 0.03),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Clean) else None,
)
async def test_a_fault_does_what_its_name_says(
    toxic: Clean, heard: int, least_s: float, direction: Direction
) -> None:
    async with echoing() as line:
        with line.poisoned(toxic, direction):
            word, took_s = await say(line)

    assert word == WORD[:heard]
    assert took_s >= least_s


async def test_a_truncated_word_ends_in_its_middle() -> None:
    """Whichever side said it; who says it is not told that it was not heard."""
    async with echoing() as line:
        with line.poisoned(Truncation(150), "down"):
            answer, _ = await say(line)
        with line.poisoned(Truncation(150), "up"):
            answer_to_a_part, _ = await say(line)

    assert answer == WORD[:150]
    assert len(answer_to_a_part) <= 150


@pytest.mark.parametrize("direction", DIRECTIONS)
async def test_a_reset_is_heard_as_one_or_as_an_end(direction: Direction) -> None:
    async with echoing() as line:
        with line.poisoned(Reset(), direction):
            try:
                word, _ = await say(line)
            except ConnectionResetError:
                word = b""

    assert word == b""


async def test_a_reset_towards_the_client_is_an_rst() -> None:
    async with echoing() as line:
        with line.poisoned(Reset(), "down"), pytest.raises(ConnectionResetError):
            await say(line)


async def test_an_end_that_comes_late_comes() -> None:
    async with echoing() as line:
        with line.poisoned(SlowClose(0.1), "up"):
            reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
            writer.write(WORD)
            writer.write_eof()
            began = asyncio.get_running_loop().time()
            assert await reader.read() == WORD
            took_s = asyncio.get_running_loop().time() - began
            writer.close()

    assert took_s >= 0.1


async def test_a_fault_that_is_over_is_over_for_open_connections_too() -> None:
    async with echoing() as line:
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        with line.poisoned(Latency(0.1), "down"):
            writer.write(WORD)
            assert await reader.readexactly(len(WORD)) == WORD
        began = asyncio.get_running_loop().time()
        writer.write(WORD)
        assert await reader.readexactly(len(WORD)) == WORD
        assert asyncio.get_running_loop().time() - began < 0.1
        writer.close()
