"""Whatever CONNECT, SNI and Host say, nothing reaches a governed host uncounted."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from governor.proxy.connection import Deadlines
from tests.fakes.doorway import (
    GOVERNED,
    OTHER,
    Doorway,
    basic,
    nothing_certain,
    open_doorway,
    read_answer,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from governor.exchange import Downstream, Request

    Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SECURE = f"{GOVERNED}:443"


@pytest.fixture
async def doorway(tmp_path: Path) -> AsyncIterator[Doorway]:
    async with open_doorway(tmp_path) as opened:
        yield opened


def get(target: str = "/2/tweets", host: str = GOVERNED) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def pour(_: Request, downstream: Downstream) -> None:
    await downstream.start(200, "OK", ())
    while True:
        await downstream.write(b"x" * 50_000)


async def far_side(doorway: Doorway, talk: Conversation, *, tls: str = OTHER) -> asyncio.Server:
    """Serve as the host `OTHER`, under a certificate for `tls`."""
    server = await asyncio.start_server(
        talk, "127.0.0.1", 0, ssl=doorway.authority.leaf(tls), ssl_shutdown_timeout=0.5
    )
    doorway.reachable[OTHER, 443] = server.sockets[0].getsockname()[1]
    return server


async def test_many_requests_pass_through_one_intercepted_tunnel(doorway: Doorway) -> None:
    reader, writer = await doorway.secured(SECURE, alpn="h2,http/1.1")

    for target in ("/a%7Cb?x=%20y&z=a+b%7C", "/2"):
        writer.write(get(target))
        status, _, body = await read_answer(reader)
        assert status == 200
        assert json.loads(body)["url"] == f"https://{SECURE}{target}"
    tls = writer.get_extra_info("ssl_object")
    assert tls.selected_alpn_protocol() == "http/1.1"
    assert {request.way for request in doorway.exchange.asked} == {"tunnel"}
    assert doorway.dialled == []


@pytest.mark.parametrize(
    "host", ["x.test", f"{GOVERNED}:80", OTHER, "127.0.0.1", f"{GOVERNED}.evil"]
)
async def test_inside_a_tunnel_host_must_name_its_target(doorway: Doorway, host: str) -> None:
    reader, writer = await doorway.secured(SECURE)
    writer.write(get(host=host))

    assert (await read_answer(reader))[0] == 421
    assert doorway.exchange.asked == []


@pytest.mark.parametrize("name", ["x.test", OTHER, f"www.{GOVERNED}"])
async def test_tls_must_ask_for_the_tunnels_target(doorway: Doorway, name: str) -> None:
    _, (_, writer) = await doorway.tunnel(SECURE)

    with pytest.raises(OSError):  # noqa: PT011  # an alert or a reset, as the timing has it
        await writer.start_tls(nothing_certain(), server_hostname=name)


async def test_tls_may_ask_for_no_name(doorway: Doorway) -> None:
    _, (reader, writer) = await doorway.tunnel(SECURE)
    await writer.start_tls(nothing_certain(), server_hostname="127.0.0.1")  # sends no SNI
    writer.write(get())

    assert (await read_answer(reader))[0] == 200


@pytest.mark.parametrize("target", ["API.X.TEST:443", "api.x.test.:443", "api.x.test:8443"])
async def test_a_governed_host_is_intercepted_however_it_is_spelled(
    doorway: Doorway, target: str
) -> None:
    reader, writer = await doorway.secured(target, name=GOVERNED)
    writer.write(get(host=target))

    assert (await read_answer(reader))[0] == 200
    assert doorway.exchange.asked[0].host == GOVERNED
    assert doorway.dialled == []


async def test_cleartext_inside_a_tunnel_is_served_as_http(doorway: Doorway) -> None:
    """As undici does: it sends CONNECT for http:// URLs too."""
    for target in (f"{GOVERNED}:80", f"{OTHER}:80"):
        head, (reader, writer) = await doorway.tunnel(target)
        assert head.startswith(b"HTTP/1.1 200 ")
        writer.write(get("/a", host=target))
        status, _, body = await read_answer(reader)
        assert (status, json.loads(body)["url"]) == (200, f"http://{target}/a")

    assert [request.host for request in doorway.exchange.asked] == [GOVERNED]
    assert [request.host for request in doorway.relay.asked] == [OTHER]


async def test_help_can_be_fetched_through_a_tunnel_in_the_clear(doorway: Doorway) -> None:
    head, (reader, writer) = await doorway.tunnel("governor.internal:80")
    writer.write(get("/ca.pem", host="governor.internal"))

    assert head.startswith(b"HTTP/1.1 200 ")
    assert (await read_answer(reader))[2] == doorway.authority.pem
    assert b" 403 " in (await doorway.tunnel("governor.internal:443"))[0]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("192.0.2.1:443", 403),
        ("[2001:db8::1]:443", 403),
        (f"{OTHER}:22", 403),
        (f"{OTHER}:8443", 403),
        (f"{OTHER}:443", 502),  # allowed, but nobody is there
        (GOVERNED, 400),
        (f"user@{SECURE}", 400),
        (f"http://{SECURE}", 400),
        ("2130706433:443", 400),
        ("api.x。test:443", 400),
    ],
)
async def test_what_has_no_tunnel_is_told_before_it(
    doorway: Doorway, target: str, status: int
) -> None:
    head, (reader, _) = await doorway.tunnel(target)

    assert int(head.split(b" ")[1]) == status
    assert b"application/problem+json" in head
    assert json.loads(await reader.read())["status"] == status
    assert doorway.dialled == ([(OTHER, 443)] if status == 502 else [])


@pytest.mark.parametrize(
    "field", ["Name : a", "no colon", " folded: a", "Content_Length: 1", "A: \x01"]
)
async def test_a_connect_with_a_broken_head_is_refused(doorway: Doorway, field: str) -> None:
    head, _ = await doorway.tunnel(SECURE, field)

    assert head.startswith(b"HTTP/1.1 400 ")


async def test_other_hosts_can_be_refused_a_tunnel(tmp_path: Path) -> None:
    async with open_doorway(tmp_path, other_hosts="refuse") as doorway:
        for target in (f"{OTHER}:443", f"{OTHER}:80"):
            assert b" 403 " in (await doorway.tunnel(target))[0]
        assert b" 200 " in (await doorway.tunnel(SECURE))[0]


async def test_a_tunnel_belongs_to_the_job_that_opened_it(tmp_path: Path) -> None:
    credentials = basic("elections:sesame")
    async with open_doorway(tmp_path, tokens={credentials: "elections"}) as doorway:
        stranger, (closed, _) = await doorway.tunnel(SECURE)
        head, (reader, writer) = await doorway.tunnel(SECURE, f"Proxy-Authorization: {credentials}")
        await writer.start_tls(doorway.authority.trusting(), server_hostname=GOVERNED)
        writer.write(get())
        await read_answer(reader)
        assert (await closed.read()).startswith(b"{")

    assert b" 407 " in stranger
    assert b'Proxy-Authenticate: Basic realm="governor"' in stranger
    assert b" 200 " in head
    assert [request.job for request in doorway.exchange.asked] == ["elections"]


async def test_bytes_before_the_answer_to_connect_end_it(doorway: Doorway) -> None:
    answer = await doorway.say(f"CONNECT {SECURE} HTTP/1.1\r\n\r\n".encode() + b"\x16\x03\x01")

    assert b" 400 " in answer
    assert b" 200 " not in answer


@pytest.mark.parametrize("first", [b"", b"\x16", b"\x16\x03\x01\x00\x05nonsense"])
async def test_a_handshake_that_does_not_come_is_not_waited_for(
    tmp_path: Path, first: bytes
) -> None:
    quick = Deadlines(head_s=0.1, handshake_s=0.1)
    async with open_doorway(tmp_path, deadlines=quick) as doorway:
        _, (reader, writer) = await doorway.tunnel(SECURE)
        writer.write(first)

        try:
            rest = await reader.read()
        except ConnectionResetError:
            rest = b""
        assert len(rest) < 20  # at most a TLS alert


async def test_a_blind_tunnel_carries_both_directions_unread(doorway: Doorway) -> None:
    body = os.urandom(3_000_000)

    async def mirror(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async with await far_side(doorway, mirror):
        reader, writer = await doorway.secured(f"{OTHER}:443")
        writer.write(body)
        assert await reader.readexactly(len(body)) == body
        writer.close()

    assert doorway.dialled == [(OTHER, 443)]
    assert doorway.exchange.asked == doorway.relay.asked == []


@pytest.mark.parametrize("name", [GOVERNED, "x.test", "127.0.0.1", "another.test"])
async def test_a_blind_tunnel_carries_no_tls_for_another_host(doorway: Doorway, name: str) -> None:
    """Else a governed host could be reached under an ungoverned name. 127.0.0.1 sends no SNI."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    doorway.reachable[OTHER, 443] = server.sockets[0].getsockname()[1]
    async with server:
        _, (_, writer) = await doorway.tunnel(f"{OTHER}:443")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await writer.start_tls(nothing_certain(), server_hostname=name)

    assert heard in ([], [b""])


async def test_a_blind_tunnel_carries_nothing_but_tls(doorway: Doorway) -> None:
    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await far_side(doorway, speak_first):
        _, (reader, writer) = await doorway.tunnel(f"{OTHER}:443")
        writer.write(get(host=GOVERNED))

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)


async def test_a_side_that_does_not_read_holds_up_the_other(doorway: Doorway) -> None:
    sent = 0
    stuck = asyncio.Event()

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(b"x" * 65_536)
                async with asyncio.timeout(0.3):
                    await writer.drain()
                sent += 65_536
        except OSError:
            stuck.set()
            writer.transport.abort()

    async with await far_side(doorway, flood):
        _, writer = await doorway.secured(f"{OTHER}:443")
        async with asyncio.timeout(10):
            await stuck.wait()
        writer.transport.abort()

    assert sent < 40_000_000


async def _after_connect(doorway: Doorway) -> None:
    _, (_, writer) = await doorway.tunnel(SECURE)
    writer.transport.abort()


async def _with_half_a_line(doorway: Doorway) -> None:
    _, writer = await doorway.connect()
    writer.write(b"CONN")
    writer.close()


async def _with_bytes_before_the_answer(doorway: Doorway) -> None:
    await doorway.say(f"CONNECT {SECURE} HTTP/1.1\r\n\r\n\x16\x03\x01".encode())


async def _with_bad_tls(doorway: Doorway) -> None:
    _, (_, writer) = await doorway.tunnel(SECURE)
    writer.write(b"\x16\x03\x01\x00\x05nonsense")
    writer.close()


async def _with_distrust(doorway: Doorway) -> None:
    _, (_, writer) = await doorway.tunnel(SECURE)
    with pytest.raises(ssl.SSLError):
        await writer.start_tls(ssl.create_default_context(), server_hostname=GOVERNED)


async def _in_mid_answer(doorway: Doorway) -> None:
    reader, writer = await doorway.secured(SECURE)
    writer.write(get())
    await reader.readexactly(60_000)
    writer.transport.abort()


async def _in_a_blind_tunnel(doorway: Doorway) -> None:
    _, writer = await doorway.secured(f"{OTHER}:443")
    writer.transport.abort()


WAYS_TO_LEAVE = (
    _after_connect,
    _with_half_a_line,
    _with_bytes_before_the_answer,
    _with_bad_tls,
    _with_distrust,
    _in_mid_answer,
    _in_a_blind_tunnel,
)


@pytest.mark.parametrize("leave", WAYS_TO_LEAVE)
async def test_every_way_to_leave_gives_its_descriptors_back(
    tmp_path: Path,
    leave: Callable[[Doorway], Awaitable[None]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A hundred times each, and none leaves a traceback either."""
    before = _descriptors()
    async with open_doorway(tmp_path) as doorway:
        doorway.exchange.play = pour
        async with await far_side(doorway, hold):
            for _ in range(100):
                await leave(doorway)

    assert _descriptors() - before < 10  # a leak would be a hundred; the last may still be closing
    assert caplog.records == []


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_closing_cuts_blind_tunnels(doorway: Doorway) -> None:
    async with await far_side(doorway, hold):
        reader, _ = await doorway.secured(f"{OTHER}:443")
        await doorway.proxy.close(drain_s=0.01)
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
