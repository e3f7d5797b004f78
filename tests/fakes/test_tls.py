"""The tiny authority is a real one: its leaves are believed for their own host only."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("host", "believed"), [("api.x.test", True), ("x.test", False)])
async def test_a_leaf_speaks_for_its_host(tmp_path: Path, host: str, *, believed: bool) -> None:
    authority = TinyAuthority(tmp_path)

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=authority.leaf("api.x.test"))
    async with server:
        port = server.sockets[0].getsockname()[1]
        opening = asyncio.open_connection(
            "127.0.0.1", port, ssl=authority.trusting(), server_hostname=host
        )
        if not believed:
            with pytest.raises(ssl.SSLCertVerificationError):
                await opening
            return
        reader, writer = await opening
        assert await reader.read() == b"hello"
        writer.close()
        await writer.wait_closed()
