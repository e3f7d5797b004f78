"""One scripted origin and a client for it: what the tests of the upstream begin with.

Every name resolves to loopback, by a resolver of our own: nothing can leave the machine.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any

import pytest

from governor.errors import UpstreamError
from governor.exchange import Request
from governor.upstream import HttpUpstream, Route
from tests.fakes.origin import Line, Origin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.exchange import Headers
    from tests.fakes.origin import Script
    from tests.fakes.tls import TinyAuthority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HOST = "api.x.test"
LOOPBACK = ("127.0.0.0/8",)


async def to_loopback(_host: str, _port: int) -> list[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


class Way:
    """One origin, and a client for it."""

    def __init__(self, origin: Origin, upstream: HttpUpstream, scheme: str) -> None:
        self.origin = origin
        self.upstream = upstream
        self._scheme = scheme

    def request(
        self,
        target: str = "/2/tweets",
        *,
        method: str = "GET",
        headers: Headers = (),
        host: str = HOST,
        has_body: bool = False,
    ) -> Request:
        return Request(
            method,
            "https" if self._scheme == "https" else "http",
            host,
            self.origin.port,
            target,
            headers,
            job="default",
            way="forward",
            has_body=has_body,
        )

    async def fetch(
        self, request: Request | None = None, body: AsyncIterator[bytes] | None = None
    ) -> tuple[int, Headers, list[bytes]]:
        """Ask, and read the answer to its end."""
        async with (
            self.upstream.ask(request or self.request(), body) as answer,
            aclosing(answer.chunks()) as chunks,
        ):
            return answer.status, answer.headers, [chunk async for chunk in chunks]

    async def mishap(self, request: Request | None = None) -> UpstreamError:
        """Ask, and return the error that this must end in."""
        with pytest.raises(UpstreamError) as caught:
            await self.fetch(request)
        return caught.value


async def begin(
    opened: AsyncExitStack,
    script: Script,
    *,
    authority: TinyAuthority | None = None,
    served_as: str = HOST,
    route: Route | None = None,
    **settings: Any,  # noqa: ANN401  # passed on as they are
) -> Way:
    """Serve a script, over TLS if there is an authority, and return a client for it."""
    tls = authority.leaf(served_as) if authority else None
    origin = await opened.enter_async_context(Origin.serving(script, tls))
    route = route or Route.of(allow_addresses=LOOPBACK, resolve=to_loopback)
    upstream = HttpUpstream(route, **settings)
    opened.push_async_callback(upstream.close)
    return Way(origin, upstream, "https" if authority else "http")


async def silent(line: Line) -> None:
    """Accept, and say nothing."""
    await line.closed()
