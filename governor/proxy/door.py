"""The door: one request, checked, located, identified, and given to whom it is for.

The order matters. Framing is checked before any field is believed, the place before the job, and
the canonical form only where a contract governs: everybody else's paths are none of our business.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from governor.errors import ClientError
from governor.proxy.canonical import canonical
from governor.proxy.connection import HEAD, Connection, Deadlines, make_server
from governor.proxy.downstream import Crawler
from governor.proxy.forms import check_form, typed
from governor.proxy.problems import Problem, unidentified, unidentified_gateway
from governor.proxy.requests import (
    Place,
    admit,
    check_framing,
    check_plain,
    check_rewritable,
    locate,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from governor.exchange import Downstream, Request
    from governor.proxy.requests import Head, Origin

INTERNAL: Final = "governor.internal"
_CUT_S: Final = 0.1  # the drain has been given its time already
_RESOLVED_S: Final = 5.0  # for what is cut to be resolved: one commit, on a disk in trouble


class Service(Protocol):
    """Whoever answers admitted requests. Returns when the exchange is over."""

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Answer one request; an answer that is not finished is cut off."""
        ...


class Door:
    """All HTTP conversations of one proxy.

    `exchange` answers for governed hosts, `relay` for the others, `internal` for
    http://governor.internal/. `identify` turns Basic credentials into a job's name, or None.
    """

    def __init__(  # keyword-only, and each is one of the parts
        self,
        *,
        exchange: Service,
        relay: Service,
        internal: Service,
        governs: Callable[[str], bool],
        identify: Callable[[str | None], str | None],
        others_refused: bool,
        deadlines: Deadlines,
    ) -> None:
        self._exchange = exchange
        self._relay = relay
        self._internal = internal
        self._governs = governs
        self._identify = identify
        self._others_refused = others_refused
        self._deadlines = deadlines
        self._server = make_server(self._serve)
        self._busy: set[Crawler] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False

    def connection(self, origin: Origin | None = None) -> Connection:
        """Return a protocol for a new conversation, inside a tunnel when `origin` says so."""
        return Connection(self._server, self._deadlines, origin)

    async def drain(self, drain_s: float) -> None:
        """Close idle connections and wait up to `drain_s` seconds for running exchanges.

        aiohttp's own shutdown was rejected: from its first moment on it ignores what crawlers
        send, so that uploads in flight would never end.
        """
        self._closing = True
        busy = {crawler.connection for crawler in self._busy}
        for crawler in self._busy:
            crawler.last()
        for connection in self._server.connections:
            if connection not in busy:
                connection.force_close()
        await self._all_ended(drain_s)

    async def _all_ended(self, within_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._idle.wait()

    async def close(self) -> None:
        """Cut every conversation, and wait until what was cut is resolved.

        An exchange that is cancelled first makes its charge durable, and the ledger must be told
        of it before whoever closes us closes the ledger.
        """
        await self._server.shutdown(timeout=_CUT_S)
        await self._all_ended(_RESOLVED_S)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        crawler = Crawler(request)
        crawler.connection.heard()
        if self._closing:
            crawler.last()
        self._busy.add(crawler)
        self._idle.clear()
        try:
            await self._route(request[HEAD], crawler)
        except ClientError as error:
            if not crawler.started:
                crawler.last()  # after a broken head nobody knows where the next one starts
                await Problem(error.status, str(error)).answer(crawler)
        finally:
            self._busy.discard(crawler)
            if not self._busy:
                self._idle.set()
        return crawler.result()

    async def _route(self, head: Head, crawler: Crawler) -> None:
        check_framing(head)
        place = refusal(head) or locate(head, crawler.connection.origin)
        if isinstance(place, Problem):
            crawler.last()
            return await place.answer(crawler)
        job = self._job(head, place, crawler.connection.origin)
        if isinstance(job, Problem):
            return await job.answer(crawler)
        if self._governs(place.authority.host):
            check_plain(head)
            place = _in_one_form(head, place)
            await check_form(head, crawler)
            return await self._exchange.run(typed(admit(head, place, job)), crawler)
        service = self._ungoverned(place)
        if isinstance(service, Problem):
            return await service.answer(crawler)
        return await service.run(admit(head, place, job), crawler)

    def _job(self, head: Head, place: Place, origin: Origin | None) -> str | Problem:
        if origin is not None:
            return origin.job
        if place.way == "gateway":
            return self._identify(head.first(b"x-governor-authorization")) or unidentified_gateway()
        return self._identify(head.first(b"proxy-authorization")) or unidentified()

    def _ungoverned(self, place: Place) -> Service | Problem:
        host = place.authority.host
        if place.way == "gateway":
            return Problem(404, f"The gateway leads to governed hosts only, and {host} is not one.")
        if host == INTERNAL:
            return self._internal
        if self._others_refused:
            return Problem(403, f'No contract governs {host}, and other_hosts is "refuse".')
        if place.authority.literal:  # it may be a governed host's, as for a tunnel
            return Problem(403, "No request leads to an IP address: name the host.")
        return self._relay


def _in_one_form(head: Head, place: Place) -> Place:
    target = canonical(place.target)
    if target == place.target:
        return place
    check_rewritable(head, place.target, target)
    return replace(place, target=target)
