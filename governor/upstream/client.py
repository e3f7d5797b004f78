"""One wire request per ask, counted by nobody else: the platform's side of an exchange.

aiohttp's session is used with its helps switched off: it follows no redirect, keeps no cookie,
decodes no body, reads no environment, and never sends a request a second time. That last switch
is private (`_retry_connection`): when a kept-alive connection drops, aiohttp sends an idempotent
request again, and two requests asked become three on the wire. Its existence is asserted, its
effect is tested against a server that counts.

Connections are kept alive and shared by all jobs. That is safe in HTTP/1.1 as the platforms use
it: a request carries its own credentials, and no state is left in a connection. (A scheme that
authenticates connections, NTLM, would break this rule of HTTP itself: RFC 9110, 11.6.2.)

Rejected: a hand-written HTTP client on h11 (slower, and ours to keep safe); an own `Connection`
subclass of aiohttp (private state).
"""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from governor.errors import ConfigError, UpstreamError
from governor.upstream.fields import from_wire, phrase
from governor.upstream.mishaps import FOREIGN, broken_off, no_answer
from governor.upstream.route import authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import SimpleNamespace

    from governor.exchange import Headers, Request
    from governor.upstream.route import Endpoint, Proxy, Route

    _Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

CHUNK_BYTES = 65_536  # the most that is passed on at once
LINE_BYTES = 65_536  # a status line or field: cookies and GraphQL addresses pass 8 KB
SWITCHING_PROTOCOLS = 101
PROXY_HEAD_BYTES = 16_384
CONNECTED = re.compile(rb"HTTP/1\.[01] 200[ \r]")
UNASKED_FIELDS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Answer:
    """An answer whose head was read; its fields are end-to-end, as the platform sent them."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self.status: int = response.status
        self.reason: str = phrase(response.reason)
        self.headers: Headers = from_wire(response.raw_headers)
        self._content = response.content
        self._host = host

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, at most 64 KiB at once, in the coding of the wire.

        Ends only where the framing says that the body ends. Raises UpstreamError otherwise.
        """
        try:
            async for chunk in self._content.iter_chunked(CHUNK_BYTES):
                yield chunk
        except FOREIGN as error:
            raise broken_off(error, self._host) from error


class HttpUpstream:
    """The platforms, over HTTP/1.1. Made within a running event loop; `close` it at the end.

    Every server is verified against the public roots and `ca_file`; there is no switch for it.
    `connect_timeout_ms` covers the name, the connection and TLS; `read_timeout_ms` is the longest
    silence before or within an answer.
    """

    def __init__(
        self,
        route: Route,
        *,
        connect_timeout_ms: int = 10_000,
        read_timeout_ms: int = 60_000,
        ca_file: Path | None = None,
    ) -> None:
        self._route = route
        self._connect_timeout_s = connect_timeout_ms / 1000
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=client_context(ca_file),
                resolver=_CheckedResolver(route),
                socket_factory=self._socket,
                limit=0,  # the front door bounds exchanges; a queue here would hold them unseen
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._connect_timeout_s, sock_read=read_timeout_ms / 1000
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=UNASKED_FIELDS,
            auto_decompress=False,
            trust_env=False,
            read_bufsize=CHUNK_BYTES,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            trace_configs=[_connection_trace()],
        )
        assert self._session._retry_connection is True  # noqa: SLF001  # see the module's docstring
        self._session._retry_connection = False  # noqa: SLF001  # there is no public switch

    @asynccontextmanager
    async def ask(
        self, request: Request, body: AsyncIterator[bytes] | None
    ) -> AsyncIterator[Answer]:
        """Send one wire request and give its answer; leaving early closes the connection at once.

        Raises UpstreamError; its `sent` is False only when no connection was at hand, so that
        nothing can have been written. A kept-alive connection that turns out dead counts as sent.
        """
        wire = _Wire()
        proxy = self._route.proxy
        if proxy is not None and request.scheme == "http":
            message = f"{request.host}: the upstream proxy is asked to CONNECT only, so use https"
            raise UpstreamError(message, sent=False, status=502, kind="proxy_configuration_error")
        try:
            self._route.check(request.host, request.port)
            response = await self._session.request(
                request.method,
                _url(request),
                data=body,
                # Expect was answered at the front door; sent on, it would make the body wait.
                headers=[field for field in request.headers if field[0].lower() != "expect"],
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy.authorization if proxy else None,
                trace_request_ctx=wire,
            )
        except FOREIGN as error:
            raise no_answer(error, request.host, sent=wire.connected) from error
        try:
            if response.status == SWITCHING_PROTOCOLS:
                message = f"{request.host} changed the protocol, unasked"
                raise UpstreamError(message, sent=True, status=502, kind="http_upgrade_failed")
            yield Answer(response, request.host)
        finally:
            _let_go(response)

    async def dial(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection for a blind tunnel, under the same rules. Raises UpstreamError."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                self._route.check(host, port)
                if (proxy := self._route.proxy) is not None:
                    return await self._dial_through_proxy(proxy, host, port)
                return await self._dial_any(await self._route.endpoints(host, port))
        except FOREIGN as error:
            raise no_answer(error, host, sent=False) from error

    async def close(self) -> None:
        """Close every connection, those in use too."""
        await self._session.close()

    async def _dial_any(self, endpoints: list[Endpoint]) -> _Streams:
        """Connect to the first address that answers, each given an equal share of the time."""
        *others, last = endpoints
        for address, port in others:
            try:
                async with asyncio.timeout(self._connect_timeout_s / len(endpoints)):
                    return await self._dial_one(address, port)
            except OSError:
                continue
        return await self._dial_one(*last)

    async def _dial_one(self, address: str, port: int) -> _Streams:
        self._route.dialled.check(address, port)
        return await asyncio.open_connection(address, port, limit=PROXY_HEAD_BYTES)

    async def _dial_through_proxy(self, proxy: Proxy, host: str, port: int) -> _Streams:
        endpoints = await self._route.endpoints(proxy.host, proxy.port)
        reader, writer = await self._dial_any(endpoints)
        fields = {"Host": authority(host, port), **proxy.authorization}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"CONNECT {authority(host, port)} HTTP/1.1\r\n{head}\r\n".encode())
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
        except (EOFError, asyncio.LimitOverrunError):
            answer = b""
        except BaseException:
            writer.transport.abort()
            raise
        if not CONNECTED.match(answer):
            writer.transport.abort()
            raise OSError(errno.ECONNREFUSED, "the upstream proxy did not open the tunnel")
        return reader, writer

    def _socket(self, address: tuple[Any, ...]) -> socket.socket:
        """Make the socket for one address. The last look: nothing is dialled that is not here."""
        family, kind, protocol, _, endpoint = address
        self._route.dialled.check(endpoint[0], endpoint[1])
        return socket.socket(family, kind, protocol)


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
        except OSError as error:  # SSLError is one: a file without a certificate
            said = error.strerror or "it holds no certificate"
            raise ConfigError(f"upstream.ca_file: {ca_file} cannot be used: {said}") from error
    return context


@dataclass(slots=True)
class _Wire:
    """Whether one request has a connection: until it has, nothing of it can be written."""

    connected: bool = False


def _connection_trace() -> aiohttp.TraceConfig:
    """Return the hooks that aiohttp calls once a request was given a connection.

    That is after the handshake of TLS, and before the first byte of the request.
    """

    async def connected(_: object, context: SimpleNamespace, __: object) -> None:
        context.trace_request_ctx.connected = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(connected)
    return trace


class _CheckedResolver(AbstractResolver):
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


def _url(request: Request) -> URL:
    """Return the address of a request, its target byte for byte. Raises UpstreamError."""
    origin = f"{request.scheme}://{authority(request.host, request.port)}"
    url = URL(origin + request.target, encoded=True)
    if url.raw_path_qs != request.target:
        message = "the target would change on its way: it has a fragment, or an empty query"
        raise UpstreamError(message, sent=False, status=400, kind="http_request_error")
    return url


def _let_go(response: aiohttp.ClientResponse) -> None:
    """Drop the connection unless the answer was read to its end: never drain what is left.

    Aborted, not closed: closing TLS would wait for the platform's farewell and read on meanwhile.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()
