"""The line passes everything on, until it is told otherwise."""

from __future__ import annotations

import asyncio

import pytest

from tests.fakes.line import Line


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while said := await reader.read(100):
        writer.write(said)
    writer.close()
    await writer.wait_closed()


async def ask(line: Line, said: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
    writer.write(said)
    try:
        return await reader.read(100)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_line_passes_cuts_holds_and_lies() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Line(server.sockets[0].getsockname()[1]) as line:
        assert await ask(line, b"word") == b"word"
        line.instead.append(b"lie")
        assert await ask(line, b"word") == b"lie"
        line.cut = True
        assert await ask(line, b"word") == b""
        line.halved = True
        assert await ask(line, b"word") == b"wo"
        line.holding = True
        asking = asyncio.ensure_future(ask(line, b"word"))  # noqa: TID251  # awaited in this test
        await line.held.wait()
        assert not asking.done()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_line_that_leads_nowhere_sends_away_who_comes_until_it_leads_on() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Line(1) as line:
        assert await ask(line, b"word") == b""
        line.to = server.sockets[0].getsockname()[1]

        assert await ask(line, b"word") == b"word"
