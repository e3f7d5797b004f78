"""A conversation has bounds: in bytes, and in the time a silent crawler is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from typing import TYPE_CHECKING

import pytest

from governor.proxy.connection import Deadlines
from tests.fakes.doorway import GOVERNED, open_doorway, read_answer

if TYPE_CHECKING:
    from pathlib import Path

    from governor.exchange import Downstream, Request

GET = f"GET http://{GOVERNED}/%b HTTP/1.1\r\nHost: {GOVERNED}\r\n%b\r\n".encode()


@pytest.mark.parametrize(("size", "status"), [(60_000, b"200"), (70_000, b"400")])
async def test_a_line_or_field_may_have_64_kib(tmp_path: Path, size: int, status: bytes) -> None:
    close = b"Connection: close\r\n"
    async with open_doorway(tmp_path) as doorway:
        line = await doorway.say(GET % (b"?" + b"a" * size, close))
        field = await doorway.say(GET % (b"", close + b"Cookie: a=" + b"a" * size + b"\r\n"))

    assert line.split(b" ")[1] == status
    assert field.split(b" ")[1] == status


async def test_an_idle_connection_is_closed(tmp_path: Path) -> None:
    async with open_doorway(tmp_path, deadlines=Deadlines(idle_s=0.1)) as doorway:
        reader, writer = await doorway.connect()
        writer.write(GET % (b"", b""))
        await read_answer(reader)

        assert await reader.read() == b""


@pytest.mark.parametrize("drip", [b"G", b"GET http://", GET[:-2] % (b"", b"")])
async def test_a_head_that_does_not_end_is_not_waited_for(tmp_path: Path, drip: bytes) -> None:
    async with open_doorway(tmp_path, deadlines=Deadlines(head_s=0.1)) as doorway:
        reader, writer = await doorway.connect()
        writer.write(drip)

        assert await reader.read() == b""


async def test_a_long_exchange_is_not_cut_by_the_deadline_of_its_head(tmp_path: Path) -> None:
    async def slow(_: Request, downstream: Downstream) -> None:
        await asyncio.wait((asyncio.gather(downstream.gone()),), timeout=0.3)
        await downstream.start(200, "OK", (("Content-Length", "0"),))
        await downstream.finish()

    async with open_doorway(tmp_path, deadlines=Deadlines(head_s=0.1, idle_s=0.1)) as doorway:
        doorway.exchange.play = slow
        reader, writer = await doorway.connect()
        writer.write(GET % (b"", b""))

        assert (await read_answer(reader))[0] == 200


async def test_a_request_in_one_flight_with_the_handshake_is_served(tmp_path: Path) -> None:
    """A client may send its request together with the end of its TLS handshake."""
    async with open_doorway(tmp_path) as doorway:
        _, (reader, writer) = await doorway.tunnel(f"{GOVERNED}:443")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = doorway.authority.trusting().wrap_bio(incoming, outgoing, server_hostname=GOVERNED)
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        writer.write(outgoing.read())
        while True:
            incoming.write(await reader.read(65_536))
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                continue
            break
        body = b"x" * 200_000
        tls.write(b"POST / HTTP/1.1\r\nHost: api.x.test\r\nContent-Length: 200000\r\n\r\n" + body)
        writer.write(outgoing.read())

        answer = b""
        while b"}" not in answer:
            incoming.write(await reader.read(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                while True:
                    answer += tls.read(65_536)

    assert hashlib.sha256(body).hexdigest().encode() in answer
