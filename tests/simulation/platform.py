"""A platform that keeps the truth, and a judge of it that believes nobody.

The platform may count a request at any instant from its first byte to its last; if its answer was
not read to the last byte, up to a linger after the connection was closed (design, invariant 5).
The judge draws no instants: each window is charged with every request that can have been counted
in it, which is worse than any platform, and exactly what the promise allows for.

Nothing here imports anything of Governor's but the face of its upstream.
"""

from __future__ import annotations

import heapq
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from governor.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable

    from governor.exchange import Headers, Request
    from tests.simulation.loop import Process, VirtualLoop

LINGER_MS: Final = 120_000
JSON: Final = (("Content-Type", "application/json"),)


@dataclass(slots=True)
class Span:
    """When one request can be counted, in true time, and with how many posts at most.

    `last_ms` is None while nobody knows.
    """

    first_ms: int
    posts: int
    last_ms: int | None = None


def worst_window(spans: Iterable[Span], window_ms: int) -> int:
    """Return the most posts that any closed window of that length can have been charged with.

    A window that ends at e holds all spans with first <= e and last >= e - window.
    """
    edges: list[tuple[int, int, int]] = []
    for span in spans:
        edges.append((span.first_ms, 0, span.posts))
        if span.last_ms is not None:
            edges.append((span.last_ms + window_ms, 1, -span.posts))
    worst = held = 0
    for _, _, posts in sorted(edges):
        held += posts
        worst = max(worst, held)
    return worst


@dataclass(frozen=True, slots=True)
class Manner:
    """How the platform treats one request. The answer's bytes come over `answers_ms`."""

    begins_ms: int
    answers_ms: int
    received: int
    status: int = 200
    connects: bool = True
    breaks: bool = False
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What one request of the crawlers asks for: a target, and its numbers by X's documents."""

    target: str
    asked: int
    price: int


PLAIN: Final = Page("/2/tweets/search/recent?query=a&max_results=100", 100, 100)
NESTED: Final = Page(
    "/2/tweets/search/recent?query=a&max_results=100&expansions=referenced_tweets.id", 100, 300
)
WIDE: Final = Page("/2/tweets/search/all?query=a&max_results=500", 500, 500)
PAGES: Final = {page.target: page for page in (PLAIN, NESTED, WIDE)}


class Platform:
    """Every request that ever reached it, as spans."""

    def __init__(self, loop: VirtualLoop, window_ms: int) -> None:
        self.spans: list[Span] = []
        self.loop: Final = loop
        self.linger_ms: Final = min(LINGER_MS, window_ms)
        self._window_ms: Final = window_ms
        self._countable = 0
        self._ended: list[tuple[int, int]] = []

    def begin(self, price: int) -> Span:
        """Note the first byte of a request, which may be counted for its price at once."""
        span = Span(self.loop.now_ms, price)
        self.spans.append(span)
        self._countable += price
        return span

    def end(self, span: Span, posts: int, last_ms: int) -> None:
        """Note until when a request can be counted, and for how much."""
        if span.last_ms is None:
            self._countable += posts - span.posts
            span.posts, span.last_ms = posts, last_ms
            heapq.heappush(self._ended, (last_ms, posts))

    def countable(self) -> int:
        """Return the posts that can have been counted in the window that ends now."""
        while self._ended and self._ended[0][0] < self.loop.now_ms - self._window_ms:
            self._countable -= heapq.heappop(self._ended)[1]
        return self._countable


class SimulatedUpstream:
    """One process's way to the platform (`governor.exchange.parts.Upstream`)."""

    def __init__(
        self, platform: Platform, process: Process, manner: Callable[[Page], Manner]
    ) -> None:
        self._platform, self._process, self._manner = platform, process, manner

    @asynccontextmanager
    async def ask(
        self,
        request: Request,
        body: AsyncIterator[bytes] | None,  # noqa: ARG002  # pages are asked for without one
        sending: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[SimulatedAnswer]:
        page = PAGES[request.target]
        manner = self._manner(page)
        loop = self._platform.loop
        await loop.sleep_ms(5)
        self._process.require_alive()
        if not manner.connects:
            raise broken(sent=False)
        sending()
        span = self._platform.begin(page.price)
        answer = SimulatedAnswer(page, manner, span, self._platform)
        try:
            await loop.sleep_ms(manner.begins_ms)
            yield answer
        finally:
            self._platform.end(span, page.price, loop.now_ms + self._platform.linger_ms)


class SimulatedAnswer:
    """One answer, whose last byte is on its way when the platform says so."""

    reason = "OK"
    headers: Headers = JSON

    def __init__(self, page: Page, manner: Manner, span: Span, platform: Platform) -> None:
        self.status = manner.status
        self._page, self._manner, self._span = page, manner, span
        self._platform = platform

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        manner, loop = self._manner, self._platform.loop
        body = page_of(manner.received) if manner.status == 200 else b'{"title":"Sorry"}'
        half = len(body) // 2
        await loop.sleep_ms(manner.answers_ms // 2)
        yield body[:half]
        await loop.sleep_ms(manner.answers_ms - manner.answers_ms // 2)
        if manner.breaks:
            raise broken(sent=True)
        self._platform.end(self._span, self._counted(), loop.now_ms)
        yield body[half:-1] if manner.unreadable else body[half:]

    def _counted(self) -> int:
        """Return what an answer that was sent whole counts for: an error counts as its page."""
        if self._manner.unreadable:
            return self._page.price
        if self.status in range(400, 500):
            return 0
        received = self._manner.received if self.status == 200 else 0
        return max(self._page.asked, received)


def broken(*, sent: bool) -> UpstreamError:
    return UpstreamError("the platform is gone", sent=sent, status=502, kind="connection_refused")


@cache
def page_of(posts: int) -> bytes:
    """Return an answer that holds so many posts."""
    return json.dumps(
        {"data": [{"id": str(number), "text": ""} for number in range(posts)]}
    ).encode()
