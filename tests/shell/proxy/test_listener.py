"""One port has every way in; an address that cannot be had is explained."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from governor.errors import AddressError
from tests.fakes.doorway import GOVERNED, open_doorway, read_answer

if TYPE_CHECKING:
    from pathlib import Path

GET = f"GET http://{GOVERNED}/ HTTP/1.1\r\nHost: {GOVERNED}\r\n\r\n".encode()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


async def test_an_address_in_use_says_what_to_do(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        with pytest.raises(AddressError, match=r"127\.0\.0\.1:\d+ is in use: .*listen\.proxy"):
            await doorway.proxy.listen("127.0.0.1", doorway.port)


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("192.0.2.1", 8080, "is not an address of this machine"),
        ("127.0.0.1", 70_000, "cannot be listened on"),
        ("not a host", 8080, "has no address"),
    ],
)
async def test_an_address_that_cannot_be_had_is_explained(
    tmp_path: Path, host: str, port: int, message: str
) -> None:
    async with open_doorway(tmp_path) as doorway:
        with pytest.raises(AddressError, match=message):
            await doorway.proxy.listen(host, port)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_it_listens_on_ipv6_too(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        port = await doorway.proxy.listen("::1", 0)
        reader, writer = await asyncio.open_connection("::1", port)
        writer.write(GET)
        assert (await read_answer(reader))[0] == 200
        writer.close()
        await writer.wait_closed()


async def test_the_port_itself_may_speak_tls_with_every_way_in_inside_it(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        port = await doorway.proxy.listen("127.0.0.1", 0, doorway.authority.leaf("localhost"))
        trusting = doorway.authority.trusting()
        for host, path in ((f"{GOVERNED}:443", "/secured"), (f"{GOVERNED}:80", "/clear")):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", port, ssl=trusting, server_hostname="localhost"
            )
            writer.write(f"CONNECT {host} HTTP/1.1\r\n\r\n".encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            if path == "/secured":
                await writer.start_tls(trusting, server_hostname=GOVERNED)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert json.loads((await read_answer(reader))[2])["url"].endswith(f"{host}{path}")
            writer.transport.abort()


async def test_after_closing_nobody_is_accepted(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        await doorway.proxy.close(drain_s=1)
        with pytest.raises(ConnectionRefusedError):
            await doorway.connect()


# A client that is neither Python nor libcurl, with CONNECT written by hand as its agents do.
NODE = """
const net = require('net'), tls = require('tls');
const [port, host, ca] = [+process.argv[1], process.argv[2], process.argv[3]];
const s = net.connect(port, '127.0.0.1', () => s.write(`CONNECT ${host}:443 HTTP/1.1\\r\\n\\r\\n`));
s.once('data', () => {
  const t = tls.connect({socket: s, servername: host, ca: require('fs').readFileSync(ca)}, () =>
    t.write(`GET /node HTTP/1.1\\r\\nHost: ${host}\\r\\nConnection: close\\r\\n\\r\\n`));
  t.pipe(process.stdout);
});
"""


@pytest.mark.parametrize(
    "command",
    [
        ("curl", "-sS", "--http2", "--cacert", "{ca}", "-x", "{proxy}", f"https://{GOVERNED}/a"),
        ("curl", "-sS", "-p", "-x", "{proxy}", f"http://{GOVERNED}/a"),
        ("curl", "-sS", "-0", "-x", "{proxy}", f"http://{GOVERNED}/a"),
        ("node", "-e", NODE, "{port}", GOVERNED, "{ca}"),
    ],
)
async def test_other_peoples_clients_are_served(tmp_path: Path, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed here")
    async with open_doorway(tmp_path) as doorway:
        words = {"ca": str(doorway.authority.file), "proxy": doorway.url, "port": str(doorway.port)}
        client = await asyncio.create_subprocess_exec(
            *(word.format(**words) if word.startswith("{") else word for word in command),
            stdout=subprocess.PIPE,
        )
        answer, _ = await client.communicate()

    assert client.returncode == 0
    assert json.loads(answer[answer.index(b'{"method"') :])["url"].startswith("http")
    assert len(doorway.exchange.asked) == 1
