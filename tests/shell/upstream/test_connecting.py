"""Who is connected to, and that nothing was sent whenever there was no connection."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from governor.errors import ConfigError
from governor.exchange import Request
from governor.upstream import HttpUpstream, Route
from tests.fakes.origin import Line, Origin, answering
from tests.fakes.way import HOST, LOOPBACK, OK, Way, begin, silent, to_loopback

if TYPE_CHECKING:
    from contextlib import AsyncExitStack
    from pathlib import Path

    from tests.fakes.tls import TinyAuthority


async def test_names_are_kept_where_the_address_is_another(
    opened: AsyncExitStack, authority: TinyAuthority
) -> None:
    """connect_to changes the address only: SNI, certificate and Host are those of the request."""
    origin = await opened.enter_async_context(
        Origin.serving(answering(OK), authority.leaf("api.x.com"))
    )
    route = Route.of(
        allow_addresses=["127.0.0.1"], connect_to={"api.x.com:443": f"127.0.0.1:{origin.port}"}
    )
    upstream = HttpUpstream(route, ca_file=authority.file)
    opened.push_async_callback(upstream.close)
    request = Request(
        "GET", "https", "api.x.com", 443, "/a", (), job="default", way="tunnel", has_body=False
    )

    async with upstream.ask(request, None) as answer:
        assert answer.status == 200

    assert origin.names == ["api.x.com"]
    assert origin.requests == [b"GET /a HTTP/1.1\r\nHost: api.x.com\r\n\r\n"]


async def test_a_certificate_that_nobody_vouches_for_is_refused(
    opened: AsyncExitStack, authority: TinyAuthority
) -> None:
    """There is no switch that would accept it."""
    way = await begin(opened, answering(OK), authority=authority)

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (False, 502, "tls_certificate_error")
    assert "unable to get local issuer certificate" in str(error)


async def test_a_certificate_for_another_name_is_refused(
    opened: AsyncExitStack, authority: TinyAuthority
) -> None:
    way = await begin(
        opened, answering(OK), authority=authority, served_as="x.test", ca_file=authority.file
    )

    error = await way.mishap()

    assert (error.sent, error.kind) == (False, "tls_certificate_error")
    assert way.origin.requests == []


async def test_a_server_without_tls_is_not_spoken_to(opened: AsyncExitStack) -> None:
    async def greets(line: Line) -> None:
        await line.send(b"220 mail\r\n")
        await line.closed()

    way = await begin(opened, greets)

    secure = Way(way.origin, way.upstream, "https")
    error = await secure.mishap()

    assert (error.sent, error.status, error.kind) == (False, 502, "tls_protocol_error")


async def test_a_handshake_that_never_ends_is_a_connect_timeout(opened: AsyncExitStack) -> None:
    way = await begin(opened, silent, connect_timeout_ms=50)

    error = await Way(way.origin, way.upstream, "https").mishap()

    assert (error.sent, error.status, error.kind) == (False, 504, "connection_timeout")
    await asyncio.wait_for(way.origin.finished.wait(), 5)


async def test_a_name_that_takes_for_ever_is_a_connect_timeout(opened: AsyncExitStack) -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    way = await begin(opened, answering(OK), route=Route.of(resolve=never), connect_timeout_ms=50)

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (False, 504, "connection_timeout")


async def test_a_name_that_does_not_exist_is_said_to_be_so(opened: AsyncExitStack) -> None:
    async def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    way = await begin(opened, answering(OK), route=Route.of(resolve=unknown))

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (False, 502, "dns_error")
    assert str(error) == f"{HOST} cannot be resolved: Name or service not known"


async def test_a_closed_port_is_said_to_be_so(opened: AsyncExitStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    way = await begin(opened, answering(OK))
    way.origin.port = port

    error = await way.mishap()

    assert (error.sent, error.status, error.kind) == (False, 502, "connection_refused")


@pytest.mark.parametrize("host", [HOST, "127.0.0.1"])
async def test_an_address_that_is_not_public_is_not_connected_to(
    opened: AsyncExitStack, host: str
) -> None:
    """By a name that resolves to it, or as it stands. The server never sees a connection."""
    way = await begin(opened, answering(OK), route=Route.of(resolve=to_loopback))

    error = await way.mishap(way.request(host=host))

    assert (error.sent, error.status, error.kind) == (False, 502, "destination_ip_prohibited")
    assert "127.0.0.1 is loopback" in str(error)
    assert way.origin.connections == 0


async def test_the_socket_itself_is_the_last_guard(opened: AsyncExitStack) -> None:
    """Also an address that came past the resolver is looked at once more."""
    route = Route.of(allow_addresses=LOOPBACK, resolve=to_loopback)
    strict = Route.of()
    guarded = Route(named=route.named, dialled=strict.dialled, resolve=to_loopback)
    way = await begin(opened, answering(OK), route=guarded)

    error = await way.mishap(way.request(host="127.0.0.1"))

    assert (error.sent, error.kind) == (False, "destination_ip_prohibited")
    assert way.origin.connections == 0


async def test_its_own_listener_is_not_connected_to(opened: AsyncExitStack) -> None:
    listeners: set[tuple[str, int]] = set()
    route = Route.of(allow_addresses=LOOPBACK, listeners=listeners, resolve=to_loopback)
    way = await begin(opened, answering(OK), route=route)
    listeners.add(("127.0.0.1", way.origin.port))

    error = await way.mishap()

    assert (error.sent, error.kind) == (False, "destination_ip_prohibited")
    assert way.origin.connections == 0


def test_a_ca_file_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    async def make(path: Path) -> None:
        await HttpUpstream(Route.of(), ca_file=path).close()

    empty = tmp_path / "empty.pem"
    empty.write_text("")

    with pytest.raises(ConfigError, match=r"upstream\.ca_file: .*absent\.pem cannot be read: No"):
        asyncio.run(make(tmp_path / "absent.pem"))
    with pytest.raises(ConfigError, match=r"empty\.pem holds no certificate in PEM"):
        asyncio.run(make(empty))


class TooLate(Exception):  # noqa: N818  # not an error of ours: what the caller's own check says
    """The caller's word that nothing must be sent any more."""


@pytest.mark.parametrize("kept_alive", [False, True])
async def test_whoever_asks_may_stop_it_just_before_the_first_byte(
    opened: AsyncExitStack, *, kept_alive: bool
) -> None:
    """Then the platform has heard nothing, and the connection is closed."""

    def too_late() -> None:
        raise TooLate

    way = await begin(opened, answering(OK))
    if kept_alive:
        await way.fetch()
    with pytest.raises(TooLate):
        async with way.upstream.ask(way.request(), None, too_late):
            pass

    await asyncio.wait_for(way.origin.finished.wait(), 5)
    assert len(way.origin.requests) == kept_alive
    assert way.origin.connections == 1


async def test_it_is_said_once_and_before_anything_arrived(opened: AsyncExitStack) -> None:
    passed: list[str] = []

    async def listening(line: Line) -> None:
        await line.request()
        passed.append("heard")
        await line.send(OK)

    way = await begin(opened, listening)
    async with way.upstream.ask(way.request(), None, lambda: passed.append("sending")):
        pass

    assert passed == ["sending", "heard"]
