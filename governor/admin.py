"""The admin port: what Prometheus, an orchestrator and a person ask a running Governor.

It answers four GETs and knows nothing of what it shows: each answer is a callable that it is given.
Nothing here changes anything, and no body is read, so a request cannot do harm (reliability S20).
It is a listener of its own, never a path of the proxy, so that no crawler can reach it by proxy.

The token is asked for everything but `/live` and `/ready`: orchestrators probe without one, and
learn only that a Governor is there and whether it serves. That a port beyond loopback has a token
is a rule of the configuration.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import json
import socket
from typing import TYPE_CHECKING, Any, Final

from aiohttp import hdrs, web

from governor.errors import AddressError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OPEN_PATHS: Final = frozenset({"/live", "/ready"})
KEEP_S: Final = 75  # Prometheus scrapes every 15 to 60 s, and keeps its connection
CLOSE_S: Final = 1  # no answer here takes longer
BEARER: Final = b"Bearer "
TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
FIELDS: Final = {
    hdrs.CACHE_CONTROL: "no-store",  # every answer is of this moment
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_REMEDY: Final = {
    errno.EADDRINUSE: "is in use: stop the other process or set listen.admin to a free port",
    errno.EACCES: "is not permitted: ports below 1024 need the right to bind them",
    errno.EADDRNOTAVAIL: "is not an address of this machine: correct listen.admin",
}


class Admin:
    """The admin port's four answers.

    `metrics` takes an Accept field and returns a media type and a body. `live` says by returning
    that the process works. `ready` returns whether a request would be served, and why or why not,
    in words that anybody may read. `status` returns what JSON can say.
    """

    def __init__(
        self,
        *,
        metrics: Callable[[str], Awaitable[tuple[str, bytes]]],
        live: Callable[[], Awaitable[None]],
        ready: Callable[[], Awaitable[tuple[bool, str]]],
        status: Callable[[], dict[str, Any]],
        admin_token: str | None,
    ) -> None:
        self._metrics, self._live, self._ready, self._status = metrics, live, ready, status
        self._expected = None if admin_token is None else BEARER + admin_token.encode()
        self._answers = {
            "/metrics": self._show_metrics,
            "/live": self._show_live,
            "/ready": self._show_ready,
            "/status": self._show_status,
        }
        self._server = web.Server(self._serve)
        self._listening: list[asyncio.Server] = []

    async def listen(self, host: str, port: int) -> int:
        """Answer on `host:port`, IPv4 or IPv6; return the port. Port 0 takes a free one.

        Raises AddressError, which says what is wrong with the address and how to mend it.
        """
        try:
            server = await asyncio.get_running_loop().create_server(self._connection, host, port)
        except socket.gaierror as error:
            raise AddressError(
                f"{host} has no address on this machine: correct listen.admin."
            ) from error
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            reason = _REMEDY.get(number or 0, f"cannot be listened on: {error}")
            raise AddressError(f"{host}:{port} {reason}.") from error
        self._listening.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Accept no more, and end what is open."""
        for server in self._listening:
            server.close()
        self._listening.clear()
        await self._server.shutdown(timeout=CLOSE_S)

    def _connection(self) -> Connection:
        return Connection(self._server)

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        if request.path not in OPEN_PATHS and not self._admits(request):
            refused = _say(401, "This needs the admin token: Authorization: Bearer TOKEN.")
            refused.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
            return refused
        answer = self._answers.get(request.path)
        if answer is None or request.method != hdrs.METH_GET:
            known = ", ".join(self._answers)
            return _say(404, f"There is nothing here. GET answers at {known}.")
        return await answer(request)

    def _admits(self, request: web.BaseRequest) -> bool:
        """Say whether the token was given, in a time that does not tell how much of it was right.

        Field bytes that are not UTF-8 come from aiohttp as surrogates; they go back as they came.
        """
        if self._expected is None:
            return True
        given = request.headers.get(hdrs.AUTHORIZATION, "").encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._expected)

    async def _show_metrics(self, request: web.BaseRequest) -> web.Response:
        accept = ",".join(request.headers.getall(hdrs.ACCEPT, ()))
        media_type, body = await self._metrics(accept)
        answer = _answer(200, media_type, body)
        answer.enable_compression()  # if Prometheus accepts it, and in a thread
        return answer

    async def _show_live(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002  # all answers are alike
        await self._live()
        return _answer(200, TEXT, b"alive\n")

    async def _show_ready(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002  # all answers are alike
        ready, reason = await self._ready()
        return _answer(200 if ready else 503, TEXT, f"{reason}\n".encode())

    async def _show_status(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002  # all answers are alike
        return _answer(200, JSON, json.dumps(self._status(), indent=2).encode())


class Connection(web.RequestHandler):
    """One connection: aiohttp's, but it does not wait for bodies, and does not say what it is."""

    def __init__(self, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # aiohttp's own way to have none
            keepalive_timeout=KEEP_S,
            lingering_time=0,  # a body that is not read ends the connection
            auto_decompress=False,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be read, or a defect of ours, without a word of its cause."""
        if status >= 500:  # noqa: PLR2004  # what is the client's fault needs no traceback
            super().handle_error(request, status, exc, message)
            answer = _say(500, "A defect in Governor; its log has more.")
        else:
            answer = _say(400, "This is not HTTP/1.1 that can be read in one way.")
        answer.force_close()
        return answer


class Answer(web.Response):
    """A response that does not say which server gave it."""

    async def _prepare_headers(self) -> None:
        # A private name of aiohttp, and its only seam for this; a test fails should it be renamed.
        await super()._prepare_headers()
        self.headers.popall(hdrs.SERVER, None)


def _answer(status: int, media_type: str, body: bytes) -> web.Response:
    return Answer(status=status, body=body, headers={**FIELDS, hdrs.CONTENT_TYPE: media_type})


def _say(status: int, detail: str) -> web.Response:
    body = json.dumps({"status": status, "detail": detail}).encode()
    return _answer(status, JSON, body)
