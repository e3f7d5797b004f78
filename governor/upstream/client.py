"""One wire request per ask, counted by nobody else: the platform's side of an exchange.

aiohttp's session is used with its helps switched off: it follows no redirect, keeps no cookie,
decodes no body, reads no environment, and never sends a request a second time. That last switch
is private (`_retry_connection`): when a kept-alive connection drops, aiohttp sends an idempotent
request again, and two requests asked become three on the wire. Its existence is asserted, its
effect is tested against a server that counts.

Connections are kept alive and shared by all jobs. That is safe in HTTP/1.1 as the platforms use
it: a request carries its own credentials, and no state is left in a connection. (A scheme that
authenticates connections, NTLM, would break this rule of HTTP itself: RFC 9110, 11.6.2.)

A stream (`Request.flows`) has a connection of its own, and our end of it contains little unread:
what is there may count already, and nobody has seen it. The kernel's buffer is fixed, and reading
from it is paused after each piece until the next is asked for; what TLS had taken out of it by then
is the only other place (`STREAM_RECEIVE_BYTES`).

Rejected: a hand-written HTTP client on h11 (slower, and ours to keep safe); an own `Connection`
subclass of aiohttp (private state).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from governor.core.leading import UNREAD_BYTES
from governor.errors import UpstreamError
from governor.upstream.connecting import Wire, client_context, connector, sending_trace
from governor.upstream.fields import from_wire, phrase
from governor.upstream.mishaps import FOREIGN, broken_off, no_answer
from governor.upstream.route import authority
from governor.upstream.tunnel import dial

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from pathlib import Path

    from governor.exchange import Headers, Request
    from governor.upstream.route import Route
    from governor.upstream.tunnel import Streams

CHUNK_BYTES = 65_536  # the most that is passed on at once
LINE_BYTES = 65_536  # a status line or field: cookies and GraphQL addresses pass 8 KB
# What may be unread: a kernel's buffer, as much again that TLS took out of it as reading paused,
# and the record of TLS that had come in part by then. Linux doubles the number that it is given,
# and lets no more than that arrive.
TLS_RECORD_BYTES = 16_384 + 256 + 5  # the largest (RFC 8446, 5.2)
STREAM_RECEIVE_BYTES = (UNREAD_BYTES - TLS_RECORD_BYTES) // 4
STREAM_PIECE_BYTES = UNREAD_BYTES  # more than arrives at once: aiohttp keeps no rest of its own
SWITCHING_PROTOCOLS = 101
CARRYING = frozenset({200, 201, 202, 203, 206})  # statuses of answers that can hold posts
UNASKED_FIELDS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Answer:
    """An answer whose head was read; its fields are end-to-end, as the platform sent them."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        self.status: int = response.status
        self.reason: str = phrase(response.reason)
        self.headers: Headers = from_wire(response.raw_headers)
        self._content = response.content
        self._host = host
        self._needs_body = _may_be_cut(response)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives, at most 64 KiB at once, in the coding of the wire.

        Ends only where the framing says that the body ends. Raises UpstreamError otherwise.
        """
        empty = True
        try:
            async for chunk in self._content.iter_chunked(CHUNK_BYTES):
                empty = False
                yield chunk
        except FOREIGN as error:
            raise broken_off(error, self._host) from error
        if empty and self._needs_body:
            raise broken_off(EOFError(), self._host)


class Stream(Answer):
    """An endless answer: nothing is taken from its socket while no next piece is asked for."""

    def __init__(self, response: aiohttp.ClientResponse, host: str) -> None:
        super().__init__(response, host)
        connection = response.connection
        self._protocol = None if connection is None else connection.protocol
        transport = None if connection is None else connection.transport
        if response.url.scheme == "https" and transport is not None:
            # Of asyncio's TLS: stop taking from the socket as soon as a byte waits to be decoded.
            transport.set_read_buffer_limits(high=1, low=0)  # type: ignore[attr-defined]  # of TLS
        self._pause()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives, as `Answer` does, and read nothing between two pieces.

        A connection that just ends is no proper end: lines that are missing after it do not show.
        """
        try:
            while True:
                self._resume()
                chunk = await self._content.readany()
                self._pause()
                # Reading anything lets aiohttp's parser go on with what it had been given before.
                while rest := self._content.read_nowait():
                    chunk += rest
                    self._pause()
                if not chunk:
                    break
                yield chunk
        except FOREIGN as error:
            raise broken_off(error, self._host) from error
        if self._needs_body:
            raise broken_off(EOFError(), self._host)

    def _pause(self) -> None:
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.pause_reading()

    def _resume(self) -> None:
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.resume_reading()


class HttpUpstream:
    """The platforms, over HTTP/1.1. Made within a running event loop; `close` it at the end.

    Every server is verified against the public roots and `ca_file`; there is no switch for it.
    `connect_timeout_ms` covers the name, the connection and TLS; `read_timeout_ms` is the longest
    silence before or within an answer, and the longest that a platform may leave a body unread.
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
        self._read_timeout_ms = read_timeout_ms
        self._context = client_context(ca_file)
        self._session = self._open(None, CHUNK_BYTES)
        self._streams: aiohttp.ClientSession | None = None  # opened by the first stream

    def _open(self, receive_bytes: int | None, piece_bytes: int) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=connector(
                self._route,
                self._context,
                send_timeout_ms=self._read_timeout_ms,
                receive_bytes=receive_bytes,
            ),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=self._connect_timeout_s, sock_read=self._read_timeout_ms / 1000
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=UNASKED_FIELDS,
            auto_decompress=False,
            trust_env=False,
            read_bufsize=piece_bytes,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            trace_configs=[sending_trace()],
        )
        assert session._retry_connection is True  # noqa: SLF001  # see the module's docstring
        session._retry_connection = False  # noqa: SLF001  # there is no public switch
        return session

    def _session_for(self, request: Request) -> aiohttp.ClientSession:
        if not request.flows:
            return self._session
        if self._streams is None:
            self._streams = self._open(STREAM_RECEIVE_BYTES, STREAM_PIECE_BYTES)
        return self._streams

    @asynccontextmanager
    async def ask(
        self,
        request: Request,
        body: AsyncIterator[bytes] | None,
        sending: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[Answer]:
        """Send one wire request and give its answer; leaving early closes the connection at once.

        `sending` is called just before the first byte is written, and what it raises comes out.

        Raises UpstreamError; its `sent` is False only when no connection was at hand, so that
        nothing can have been written. A kept-alive connection that turns out dead counts as sent.
        """
        wire = Wire(sending)
        proxy = self._route.proxy
        if proxy is not None and request.scheme == "http":
            message = f"{request.host}: the upstream proxy is asked to CONNECT only, so use https"
            raise UpstreamError(message, sent=False, status=502, kind="proxy_configuration_error")
        try:
            self._route.check(request.host, request.port)
            response = await self._session_for(request).request(
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
            raise no_answer(error, request.host, sent=wire.sent) from error
        try:
            if response.status == SWITCHING_PROTOCOLS:
                message = f"{request.host} changed the protocol, unasked"
                raise UpstreamError(message, sent=True, status=502, kind="http_upgrade_failed")
            kind = Stream if request.flows else Answer
            yield kind(response, request.host)
        finally:
            _let_go(response)

    async def dial(self, host: str, port: int) -> Streams:
        """Open a connection for a blind tunnel, under the same rules. Raises UpstreamError."""
        return await dial(self._route, host, port, timeout_s=self._connect_timeout_s)

    async def close(self) -> None:
        """Close every connection, those in use too."""
        await self._session.close()
        if self._streams is not None:
            await self._streams.close()


def _url(request: Request) -> URL:
    """Return the address of a request, its target byte for byte. Raises UpstreamError."""
    origin = f"{request.scheme}://{authority(request.host, request.port)}"
    url = URL(origin + request.target, encoded=True)
    if url.raw_path_qs != request.target:
        message = "the target would change on its way: it has a fragment, or an empty query"
        raise UpstreamError(message, sent=False, status=400, kind="http_request_error")
    return url


def _may_be_cut(response: aiohttp.ClientResponse) -> bool:
    """Whether an empty body may be one that was cut: nothing but the connection's end ends it.

    A body that is there and was cut so shows it itself, for then it is no JSON.
    """
    framed = any(name in response.headers for name in ("Content-Length", "Transfer-Encoding"))
    return response.status in CARRYING and response.method != "HEAD" and not framed


def _let_go(response: aiohttp.ClientResponse) -> None:
    """Drop the connection unless the answer was read to its end: never drain what is left.

    Aborted, not closed: closing TLS would wait for the platform's farewell and read on meanwhile.
    """
    connection = response.connection
    if connection is not None and connection.transport is not None:
        connection.transport.abort()
    response.close()
