"""Crawlers: they want more than there is, and come back when they were told to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from governor.exchange import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.exchange import Headers
    from tests.simulation.loop import VirtualLoop
    from tests.simulation.sites import Site
    from tests.simulation.world import World

AWAY_MS: Final = 5_000  # how long a crawler waits whose proxy is not there
EARLY: Final = 3 / 4  # of its patience: it is in line before posts free


class Downstream:
    """The crawler's side of one exchange (`governor.exchange.parts.Downstream`)."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.status = 0
        self.retry_s: int | None = None
        self._left: asyncio.Future[None] = loop.create_future()

    def leave(self) -> None:
        """Hang up."""
        if not self._left.done():
            self._left.set_result(None)

    async def body(self) -> AsyncIterator[bytes]:
        for chunk in tuple[bytes, ...]():  # a page is asked for without one
            yield chunk

    async def start(self, status: int, _reason: str, headers: Headers) -> None:
        self._require_there()
        self.status = status
        for name, value in headers:
            if name == "Retry-After":
                self.retry_s = int(value)

    async def write(self, _chunk: bytes) -> None:
        self._require_there()

    async def finish(self) -> None:
        self._require_there()

    async def gone(self) -> None:
        await asyncio.shield(self._left)

    def _require_there(self) -> None:
        if self._left.done():
            raise ConnectionResetError


async def crawl(world: World, site: Site) -> None:
    """Ask for one page after the other through this site's governor, for ever."""
    random, loop, plan = world.random, world.loop, world.plan
    while not site.gone:
        governor = site.governor
        if governor is None or governor.exchange is None or governor.dead:
            await loop.sleep_ms(AWAY_MS)
            continue
        page = plan.pages[world.is_trouble()]
        seen = Downstream(loop)
        if world.is_trouble():
            loop.at(loop.now_ms + random.randint(0, 4_000), seen.leave)
        asked = governor.start(governor.exchange.run(request(page.target), seen))
        await asyncio.wait((asked,))
        if seen.status == 200:
            await loop.sleep_ms(random.choice((0, 0, 100, 1_000)))
        else:
            told_ms = (seen.retry_s or 0) * 1_000
            early_ms = int(plan.patience_ms * EARLY)
            await loop.sleep_ms(max(plan.rests_ms, told_ms // 2, told_ms - early_ms))


def request(target: str) -> Request:
    """Return a page's request as the front door lets it in."""
    return Request(
        "GET", "https", "api.x.com", 443, target, (), "default", "gateway", has_body=False
    )
