"""Three crawlers of different habits, for the demo: one searches, one looks ids up, one follows.

They are ordinary aiohttp programs that know a proxy and a certificate bundle and nothing else of
Governor. Each does what a well-behaved crawler does when it is told 429: it waits as long as
Retry-After says, and asks again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

LOOK_UP_FROM = 1_850_000_000_000_000_000
LONGEST_PAUSE_S = 5  # the demo is short; a crawler that asks early costs one local refusal
GIVE_UP_S = 60


@dataclass(slots=True)
class Crawler:
    """One crawler and what it has lived through so far."""

    name: str
    habit: str
    answered: int = 0
    refused: int = 0
    failed: int = 0
    state: str = "starting"

    def targets(self) -> Iterator[str]:
        """Yield the URLs it wants, without end."""
        page = 0
        while True:
            yield HABITS[self.habit].format(page=page, ids=_ids(page))
            page += 1

    async def crawl(self, proxy_url: str, context: ssl.SSLContext) -> None:
        """Collect until cancelled."""
        timeout = aiohttp.ClientTimeout(total=GIVE_UP_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for url in self.targets():
                self.state = "asking"
                while pause_s := await self._ask(session, url, proxy_url, context):
                    self.state = f"waiting {pause_s} s"
                    await asyncio.sleep(pause_s)
                    self.state = "asking"

    async def _ask(
        self, session: aiohttp.ClientSession, url: str, proxy_url: str, context: ssl.SSLContext
    ) -> int:
        """Ask once; return the seconds to wait before asking the same again, 0 when answered."""
        try:
            async with session.get(url, proxy=proxy_url, ssl=context) as answer:
                await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            self.failed += 1
            return 1
        if answer.status == HTTPStatus.OK:
            self.answered += 1
            return 0
        self.refused += 1
        return min(int(answer.headers.get("Retry-After", "1")), LONGEST_PAUSE_S)


HABITS = {
    "searches": "https://api.x.com/2/tweets/search/recent"
    "?query=rain&max_results=20&next_token=page{page}",
    "looks up ids": "https://api.x.com/2/tweets?ids={ids}",
    "follows a list": "https://api.twitter.com/2/lists/7/tweets"
    "?max_results=30&pagination_token=page{page}",
}


def _ids(page: int, count: int = 25) -> str:
    first = LOOK_UP_FROM - page * count
    return ",".join(str(first - place) for place in range(count))


def crawlers() -> tuple[Crawler, ...]:
    """Return one crawler of each habit."""
    names = ("ada", "grace", "joan")
    return tuple(Crawler(name, habit) for name, habit in zip(names, HABITS, strict=True))
