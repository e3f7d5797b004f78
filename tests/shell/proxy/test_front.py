"""The first bytes of a connection decide what it is, and must come soon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from governor.proxy.connection import Deadlines
from tests.fakes.doorway import GOVERNED, open_doorway, read_answer

if TYPE_CHECKING:
    from pathlib import Path

CONNECT = f"CONNECT {GOVERNED}:443 HTTP/1.1\r\nHost: {GOVERNED}:443\r\n\r\n".encode()
GET = f"GET http://{GOVERNED}/ HTTP/1.1\r\nHost: {GOVERNED}\r\n\r\n".encode()
COPY = f"COPY http://{GOVERNED}/ HTTP/1.1\r\nHost: {GOVERNED}\r\n\r\n".encode()


@pytest.mark.parametrize("request_bytes", [CONNECT, GET, COPY])
async def test_bytes_that_come_one_by_one_are_understood(
    tmp_path: Path, request_bytes: bytes
) -> None:
    """COPY begins like CONNECT, and is not one."""
    async with open_doorway(tmp_path) as doorway:
        reader, writer = await doorway.connect()
        for byte in request_bytes:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.get_running_loop().run_in_executor(None, lambda: None)

        assert (await read_answer(reader))[0] == 200


@pytest.mark.parametrize("beginning", [b"", b"CONN", CONNECT[:-2]])
async def test_a_silent_client_is_not_waited_for(tmp_path: Path, beginning: bytes) -> None:
    async with open_doorway(tmp_path, deadlines=Deadlines(head_s=0.1)) as doorway:
        reader, writer = await doorway.connect()
        writer.write(beginning)

        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_the_head_of_a_connect_has_a_size(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        answer = await doorway.say(CONNECT[:-2] + b"Padding: " + b"x" * 17_000)

    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_closing_proxy_cuts_who_has_not_spoken(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        reader, writer = await doorway.connect()
        writer.write(b"CONN")
        await doorway.say(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        await doorway.proxy.close(drain_s=30)

        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
