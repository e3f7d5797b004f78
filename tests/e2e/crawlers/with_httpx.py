"""A crawler on `httpx`: follows a user's timeline with the referenced posts expanded."""

from __future__ import annotations

import sys
import time

import httpx

URL = "https://api.x.com/2/users/7/tweets"


def main(pages: int) -> None:
    query = {"max_results": "60", "expansions": "referenced_tweets.id"}
    posts = refused = 0
    with httpx.Client(timeout=60) as client:
        while pages:
            answer = client.get(URL, params=query)
            if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
                refused += 1
                time.sleep(int(answer.headers["Retry-After"]))
                continue
            page = answer.raise_for_status().json()
            posts += len(page["data"]) + len(page["includes"]["tweets"])
            query["pagination_token"] = page["meta"]["next_token"]
            pages -= 1
    sys.stdout.write(f"{posts} {refused}\n")


main(int(sys.argv[1]))
