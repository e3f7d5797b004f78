"""The crawler's side of one exchange, over aiohttp's response.

Status, fields and body pass as they are given: aiohttp's own Server, Date and Content-Type are
taken out again, since a platform's answer must arrive as the platform sent it. An answer that is
not finished is cut off, in a way that the crawler cannot take for its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from governor.proxy.connection import HEAD, Connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from governor.exchange import Headers

_ADDED_BY_AIOHTTP: Final = (hdrs.SERVER, hdrs.DATE, hdrs.CONTENT_TYPE)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
# on, 0 seconds: closing sends RST, which no client takes for the end of an answer
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class Answer(web.StreamResponse):
    """A response with the fields it was given, and those of its framing only."""

    async def _prepare_headers(self) -> None:
        # A private name of aiohttp, and its only seam for this. Should it be renamed, a test of
        # this module fails: the fields come back.
        given = {name for name in _ADDED_BY_AIOHTTP if name in self.headers}
        length = self.headers.get(hdrs.CONTENT_LENGTH)
        await super()._prepare_headers()
        if length is not None and self.status == HTTPStatus.NOT_MODIFIED:
            self.headers[hdrs.CONTENT_LENGTH] = length  # allowed (RFC 9110, 8.6); aiohttp drops it
        for name in _ADDED_BY_AIOHTTP:
            if name not in given:
                self.headers.popall(name, None)


class Crawler:
    """`exchange.Downstream` for one request on a `Connection`."""

    def __init__(self, request: web.BaseRequest) -> None:
        protocol = request.protocol
        assert isinstance(protocol, Connection)
        self._request = request
        self.connection = protocol
        self._head = request[HEAD]
        self._answer: Answer | None = None
        self._finished = False
        self._last = False
        self._ahead = b""
        self._awaits_continue = self._head.expects_continue

    @property
    def started(self) -> bool:
        """Whether the head of an answer has gone out."""
        return self._answer is not None

    def last(self) -> None:
        """Close the connection after this exchange."""
        self._last = True
        if self._answer is not None:
            self._answer.force_close()

    async def read_ahead(self, most_bytes: int) -> bytes | None:
        """Return the whole body, which `body` yields all the same; None if it has more bytes.

        Raises ConnectionError as `body` does.
        """
        pieces: list[bytes] = []
        length = 0
        async for chunk in self.body():
            pieces.append(chunk)
            length += len(chunk)
            if length > most_bytes:
                return None
        self._ahead = b"".join(pieces)
        return self._ahead

    async def body(self) -> AsyncIterator[bytes]:
        """Yield the request's body as it arrives, without its transfer coding.

        Raises ConnectionError when the rest will never come: gone, silent, or badly framed.
        """
        if self._ahead:
            ahead, self._ahead = self._ahead, b""
            yield ahead
        transport = self._request.transport
        if self._awaits_continue and transport is not None and not self.started:
            transport.write(_CONTINUE)
            self._awaits_continue = False
        with self._crawler_gone():
            while True:
                async with asyncio.timeout(self.connection.deadlines.body_s):
                    chunk = await self._request.content.readany()
                if not chunk:
                    return
                yield chunk

    async def start(self, status: int, reason: str, headers: Headers) -> None:
        """Send the head of the answer. Raises ConnectionError when the crawler is gone."""
        assert self._answer is None, "an exchange has one answer"
        self._answer = answer = Answer(status=status, reason=reason, headers=CIMultiDict(headers))
        unread = self._head.has_body and not self._request.content.is_eof()
        # aiohttp 3.14 leaves an HTTP/1.0 keep-alive connection open after a body of unknown
        # length, and the client waits for ever. An error before the body was read ends too: a
        # crawler that waits for 100 Continue may send the body or not, and both are allowed.
        if (
            self._last
            or self._ends_by_close(answer)
            or (unread and status >= HTTPStatus.BAD_REQUEST)
        ):
            answer.force_close()
        with self._crawler_gone():
            await answer.prepare(self._request)

    def _ends_by_close(self, answer: Answer) -> bool:
        return self._head.version == (1, 0) and hdrs.CONTENT_LENGTH not in answer.headers

    async def write(self, chunk: bytes) -> None:
        """Relay bytes; return when the socket takes more. Raises ConnectionError when gone.

        The answer to a HEAD has no body: bytes that describe one are not sent.
        """
        assert self._answer is not None, "an answer begins with its head"
        if self._head.method == "HEAD":
            return
        with self._crawler_gone():
            async with asyncio.timeout(self.connection.deadlines.write_s):
                await self._answer.write(chunk)

    async def finish(self) -> None:
        """End the answer properly."""
        assert self._answer is not None, "an answer begins with its head"
        with self._crawler_gone():
            async with asyncio.timeout(self.connection.deadlines.write_s):
                await self._answer.write_eof()
        self._finished = True

    async def gone(self) -> None:
        """Return when the crawler has disconnected; never before.

        One that closes only its sending side counts as gone, as in most HTTP servers. One that
        leaves behind more of its own body than is being read (128 KiB) is noticed at the next
        read or write: its farewell waits behind those bytes.
        """
        await self.connection.lost.wait()

    def result(self) -> web.StreamResponse:
        """Return what aiohttp expects from a handler, or cut the connection off.

        Raises ConnectionError after an answer that was not finished, or when there is none.
        """
        if self._finished and self._answer is not None:
            return self._answer
        transport = self._request.transport
        if self._answer is not None and transport is not None and self._ends_by_close(self._answer):
            _reset(transport)
        raise ConnectionResetError("the answer was cut off")

    @contextlib.contextmanager
    def _crawler_gone(self) -> Iterator[None]:
        """Translate what aiohttp and the deadlines say into one ConnectionError."""
        try:
            yield
        except TimeoutError as error:
            if (transport := self._request.transport) is not None:
                transport.abort()  # closing would wait for it to take what it does not take
            raise ConnectionResetError("the crawler is silent") from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise ConnectionResetError("the crawler is gone, or its body broke off") from error


def _reset(transport: asyncio.Transport) -> None:
    """Close so that a body which ends by close is seen to be broken, under TLS too."""
    raw: socket.socket | None = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
