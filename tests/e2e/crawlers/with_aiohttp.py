"""A crawler on `aiohttp`, told to trust the environment: two searches beside each other."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus

import aiohttp

URL = "https://api.twitter.com/2/tweets/search/recent"


async def search(session: aiohttp.ClientSession, word: str, pages: int) -> tuple[int, int]:
    query = {"query": word, "max_results": "50"}
    posts = refused = 0
    while pages:
        async with session.get(URL, params=query) as answer:
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                refused += 1
                await asyncio.sleep(int(answer.headers["Retry-After"]))
                continue
            answer.raise_for_status()
            page = await answer.json()
        posts += len(page["data"])
        query["next_token"] = page["meta"]["next_token"]
        pages -= 1
    return posts, refused


async def main(pages: int) -> None:
    async with aiohttp.ClientSession(trust_env=True) as session:
        found = await asyncio.gather(*(search(session, word, pages) for word in ("rain", "snow")))
    sys.stdout.write(f"{sum(one[0] for one in found)} {sum(one[1] for one in found)}\n")


asyncio.run(main(int(sys.argv[1])))
