"""One HTTP/1 conversation with a crawler, on aiohttp's low-level server.

aiohttp parses and frames; this subclass changes what a proxy must change: it knows the tunnel it
came through, says when the crawler is gone, bounds the wait for a first request, and answers a
parse error as problem+json without a traceback in the log. A `web.Server` per authority, cached,
was the prototype; since the connection itself knows its tunnel there is one server and no cache.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yarl
from aiohttp import web
from aiohttp.http import HttpProcessingError, RawRequestMessage
from aiohttp.http_exceptions import LineTooLong

from governor.proxy.problems import Problem
from governor.proxy.requests import LINE_MAX, TOO_LONG, Head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.streams import StreamReader

    from governor.proxy.requests import Origin

HEAD: Final = web.RequestKey("head", Head)
_LINGER_S: Final = 2  # a crawler still sending its body can read a refusal before it is cut off
_NOWHERE: Final = yarl.URL("/")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a silent crawler is waited for, in seconds."""

    head_s: float = 10  # a first request, or a byte after CONNECT: slowloris (reliability S16)
    handshake_s: float = 10  # TLS with the crawler, its beginning and its farewell
    idle_s: float = 75  # between two requests, the next head included: nginx's default
    body_s: float = 60  # for the next piece of a body the crawler sends
    write_s: float = 60  # for the crawler to take what waits for it: as long as a read upstream


class Connection(web.RequestHandler):
    """The protocol of one connection; `origin` is the tunnel around it, if any.

    `lost` is set when the crawler has disconnected.
    """

    def __init__(self, server: web.Server, deadlines: Deadlines, origin: Origin | None) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=deadlines.idle_s,
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own way to have none
            max_line_size=LINE_MAX,
            max_field_size=LINE_MAX,
            lingering_time=_LINGER_S,
            auto_decompress=False,
        )
        self.origin = origin
        self.lost = asyncio.Event()
        self.deadlines = deadlines
        self._early = b""
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the conversation; after TLS it is for the caller to call this."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(self.deadlines.head_s, self.force_close)
        if self._early:
            early, self._early = self._early, b""
            self.data_received(early)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the crawler.

        A request that came in one flight with the end of the TLS handshake is delivered before
        `start_tls` has returned, that is before `connection_made`.
        """
        if self.transport is None and not self.lost.is_set():
            self._early += data
            return
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tell whoever waits in `Downstream.gone`."""
        self.lost.set()
        self.heard()
        super().connection_lost(exc)

    def heard(self) -> None:
        """End the wait for a first request: there is one."""
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no request came of: the one place that catches everything.

        A crawler that left is no error; aiohttp closes quietly on ConnectionError.
        """
        self.heard()
        if isinstance(exc, ConnectionError):
            raise exc
        if isinstance(exc, LineTooLong):
            return _plain(Problem(400, TOO_LONG))
        if isinstance(exc, HttpProcessingError):
            return _plain(Problem(400, "The request is not HTTP/1.1 that can be read in one way."))
        super().handle_error(request, status, exc, message)  # logs; raises if already answering
        return _plain(Problem(500, "A defect in Governor: nothing more is sent for this request."))


def _plain(problem: Problem) -> web.Response:
    response = web.Response(status=problem.status, body=problem.body, headers=problem.fields())
    response.force_close()
    return response


def make_server(serve: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> web.Server:
    """Return the server that all connections of one proxy belong to."""
    return web.Server(serve, request_factory=_received)


def _received(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Keep the head as it was on the wire, and nothing that a URL parser made of it.

    `raw_path` of aiohttp 3.14 is the whole URL for absolute-form requests and will be the path
    alone later (aio-libs/aiohttp#13175); `message.path` is the target in both.
    """
    head = Head(message.method, message.path, tuple(message.version), message.raw_headers)
    bare: Any = RawRequestMessage(
        message.method,
        message.path,
        message.version,
        message.headers,
        message.raw_headers,
        message.should_close,
        message.compression,
        message.upgrade,
        message.chunked,
        _NOWHERE,
    )
    loop = asyncio.get_running_loop()
    request = web.BaseRequest(bare, payload, protocol, writer, task, loop)
    request[HEAD] = head
    return request
