"""How connections to the platforms are made: to checked addresses, verified, and noticed.

aiohttp resolves through a Route, so that it dials what was checked; and because it dials an
address that stands in a URL without resolving anything, each socket is looked at once more.

aiohttp has no timeout for sending, so a platform that stops reading would keep a hold for ever.
On Linux the kernel ends such a connection (TCP_USER_TIMEOUT, tcp(7)); elsewhere only the crawler's
patience does.
"""

from __future__ import annotations

import socket
import ssl
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from governor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import SimpleNamespace

    from governor.upstream.route import Route


def connector(
    route: Route, context: ssl.SSLContext, *, send_timeout_ms: int, receive_bytes: int | None = None
) -> aiohttp.TCPConnector:
    """Return what opens aiohttp's connections, and keeps those of answers that end.

    `receive_bytes` fixes what the kernel may hold unread of each, instead of growing as it likes;
    such a connection is used once. It holds before connecting, for TCP agrees on a scale then.
    """

    def checked_socket(address: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, endpoint = address
        route.dialled.check(endpoint[0], endpoint[1])
        opened = socket.socket(family, kind, protocol)
        if receive_bytes is not None:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        if sys.platform == "linux":
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, send_timeout_ms)
        return opened

    return aiohttp.TCPConnector(
        ssl=context,
        resolver=_RouteResolver(route),
        socket_factory=checked_socket,
        limit=0,  # the front door bounds exchanges; a queue here would hold them unseen
        force_close=receive_bytes is not None,
    )


@dataclass(slots=True)
class Wire:
    """Whether anything of one request may have been written.

    `sending` is called just before; if it raises, nothing is written.
    """

    sending: Callable[[], None]
    sent: bool = False


def sending_trace() -> aiohttp.TraceConfig:
    """Return the hook that aiohttp calls when it is about to write a request's head.

    That is after the handshake of TLS, and after the CONNECT of an upstream proxy. aiohttp calls
    it "sent", and calls it first. Its hooks on connections were rejected: what they raise leaves a
    connection open that nobody knows any more.
    """

    async def sending(_: object, context: SimpleNamespace, __: object) -> None:
        wire: Wire = context.trace_request_ctx
        wire.sending()
        wire.sent = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(sending)
    return trace


class _RouteResolver(AbstractResolver):
    """aiohttp's view of a Route."""

    def __init__(self, route: Route) -> None:
        self._route = route

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=dialled_port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address, dialled_port in await self._route.endpoints(host, port)
        ]

    async def close(self) -> None:
        pass


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return how servers are verified: public roots, and those of `ca_file`. Raises ConfigError.

    The roots are certifi's, the same on every machine; `ssl.create_default_context` was rejected
    because the environment changes what it trusts (SSL_CERT_FILE) and writes (SSLKEYLOGFILE).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except ssl.SSLError as error:
            raise ConfigError(f"upstream.ca_file: {ca_file} holds no certificate in PEM") from error
        except OSError as error:
            said = f"{ca_file} cannot be read: {error.strerror}"
            raise ConfigError(f"upstream.ca_file: {said}") from error
    return context
