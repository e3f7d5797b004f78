"""Blind tunnels, and platforms behind an upstream proxy, keep to the same rules."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from governor.errors import UpstreamError
from governor.upstream import HttpUpstream, Route
from governor.upstream.tunnel import dial
from tests.fakes.origin import Origin, answering, once, relaying_to
from tests.fakes.way import LOOPBACK, OK, Way, begin, silent, to_loopback

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from tests.fakes.origin import Script
    from tests.fakes.tls import TinyAuthority


def opening(port: int) -> Script:
    """Be a proxy that opens every tunnel to this port, whatever it is asked for."""
    return relaying_to(port, greeting=b"HTTP/1.1 200 Connection established\r\n\r\n")


async def mishap(route: Route, host: str, port: int, timeout_s: float = 5) -> UpstreamError:
    """Dial, and return the error that this must end in."""
    with pytest.raises(UpstreamError) as caught:
        await dial(route, host, port, timeout_s=timeout_s)
    return caught.value


async def test_bytes_pass_both_ways(opened: AsyncExitStack) -> None:
    way = await begin(opened, answering(b"pong"))

    reader, writer = await way.upstream.dial("other.test", way.origin.port)
    writer.write(b"ping\r\n\r\n")

    assert await reader.readexactly(4) == b"pong"
    writer.close()
    await writer.wait_closed()
    assert way.origin.requests == [b"ping\r\n\r\n"]


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
async def test_an_address_that_is_not_public_is_not_dialled(
    opened: AsyncExitStack, host: str
) -> None:
    way = await begin(opened, answering(OK), route=Route.of(resolve=to_loopback))

    with pytest.raises(UpstreamError, match=r"127\.0\.0\.1 is loopback") as caught:
        await way.upstream.dial(host, way.origin.port)

    assert caught.value.kind == "destination_ip_prohibited"
    assert way.origin.connections == 0


async def test_the_next_address_is_tried_when_one_does_not_answer(opened: AsyncExitStack) -> None:
    async def two(_host: str, _port: int) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    origin = await opened.enter_async_context(Origin.serving(answering(OK)))
    route = Route.of(allow_addresses=LOOPBACK, resolve=two)

    _, writer = await dial(route, "other.test", origin.port, timeout_s=5)

    writer.close()
    await writer.wait_closed()


async def test_nothing_was_sent_when_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    route = Route.of(allow_addresses=LOOPBACK, resolve=to_loopback)

    error = await mishap(route, "other.test", port)

    assert (error.sent, error.status, error.kind) == (False, 502, "connection_refused")


async def test_a_platform_behind_a_proxy_is_asked_through_a_tunnel(
    opened: AsyncExitStack, authority: TinyAuthority
) -> None:
    """The proxy hears the name, and its own password; it never sees the request."""
    origin = await opened.enter_async_context(
        Origin.serving(answering(OK), authority.leaf("api.x.test"))
    )
    proxy = await opened.enter_async_context(Origin.serving(opening(origin.port)))
    route = Route.of(proxy=f"http://me:secret@proxy.test:{proxy.port}", resolve=to_loopback)
    upstream = HttpUpstream(route, ca_file=authority.file)
    opened.push_async_callback(upstream.close)
    way = Way(origin, upstream, "https")

    status, _, _ = await way.fetch(way.request("/a", headers=(("Authorization", "Bearer a"),)))

    assert status == 200
    assert proxy.requests[0].startswith(f"CONNECT api.x.test:{origin.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in proxy.requests[0]
    assert b"Bearer" not in b"".join(proxy.requests)
    assert b"Proxy-" not in origin.requests[0]
    assert origin.requests[0].startswith(b"GET /a HTTP/1.1\r\n")


async def test_a_blind_tunnel_goes_through_the_proxy_too(opened: AsyncExitStack) -> None:
    origin = await opened.enter_async_context(Origin.serving(answering(b"pong")))
    proxy = await opened.enter_async_context(Origin.serving(opening(origin.port)))
    route = Route.of(proxy=f"http://me:secret@proxy.test:{proxy.port}", resolve=to_loopback)

    reader, writer = await dial(route, "other.test", 443, timeout_s=5)
    writer.write(b"ping\r\n\r\n")

    assert await reader.readexactly(4) == b"pong"
    writer.close()
    await writer.wait_closed()
    assert proxy.requests == [
        (
            b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n"
            b"Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"
        )
    ]


async def test_a_private_address_is_not_asked_of_the_proxy(opened: AsyncExitStack) -> None:
    """It would be a way around the list of what may be dialled."""
    proxy = await opened.enter_async_context(Origin.serving(answering(OK)))
    route = Route.of(proxy=f"http://proxy.test:{proxy.port}", resolve=to_loopback)

    way = await begin(opened, answering(OK), route=route)
    secure = Way(way.origin, way.upstream, "https")

    for error in (
        await mishap(route, "169.254.169.254", 443),
        await secure.mishap(secure.request(host="169.254.169.254")),
    ):
        assert error.kind == "destination_ip_prohibited"
    assert proxy.connections == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"not HTTP",
        b"x" * 200_000 + b"\r\n\r\n",
        b"",
    ],
    ids=["forbidden", "2000", "words", "endless", "nothing"],
)
async def test_a_proxy_that_does_not_open_the_tunnel_is_said_to(
    opened: AsyncExitStack, answer: bytes
) -> None:
    proxy = await opened.enter_async_context(Origin.serving(once(answer)))
    route = Route.of(proxy=f"http://proxy.test:{proxy.port}", resolve=to_loopback)

    error = await mishap(route, "other.test", 443)

    assert (error.sent, error.status, error.kind) == (False, 502, "destination_unavailable")
    assert str(error).endswith("the upstream proxy did not open the tunnel")


async def test_a_request_to_a_proxy_that_refuses_was_not_sent(opened: AsyncExitStack) -> None:
    """What the proxy was told is not the request."""
    proxy = await opened.enter_async_context(
        Origin.serving(once(b"HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"))
    )
    route = Route.of(proxy=f"http://proxy.test:{proxy.port}", resolve=to_loopback)
    way = await begin(opened, answering(OK), route=route)

    error = await Way(way.origin, way.upstream, "https").mishap()

    assert (error.sent, error.kind) == (False, "destination_unavailable")
    assert str(error).endswith("the upstream proxy answered 407")


async def test_a_proxy_is_never_given_a_plain_request(opened: AsyncExitStack) -> None:
    """It is asked to CONNECT only: in a plain request it would read the credentials."""
    proxy = await opened.enter_async_context(Origin.serving(answering(OK)))
    route = Route.of(proxy=f"http://proxy.test:{proxy.port}", resolve=to_loopback)
    way = await begin(opened, answering(OK), route=route)

    error = await way.mishap()

    assert (error.sent, error.kind) == (False, "proxy_configuration_error")
    assert (proxy.connections, way.origin.connections) == (0, 0)


async def test_a_proxy_that_says_nothing_is_a_timeout(opened: AsyncExitStack) -> None:
    proxy = await opened.enter_async_context(Origin.serving(silent))
    route = Route.of(proxy=f"http://proxy.test:{proxy.port}", resolve=to_loopback)

    error = await mishap(route, "other.test", 443, timeout_s=0.05)

    assert (error.sent, error.status, error.kind) == (False, 504, "connection_timeout")
    await asyncio.wait_for(proxy.finished.wait(), 5)
