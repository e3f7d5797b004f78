"""A crawler on `requests`: searches page by page, and waits as Retry-After says."""

from __future__ import annotations

import sys
import time

import requests

URL = "https://api.x.com/2/tweets/search/recent"


def main(pages: int) -> None:
    session = requests.Session()
    query = {"query": "rain", "max_results": "100"}
    posts = refused = 0
    while pages:
        answer = session.get(URL, params=query, timeout=60)
        if answer.status_code == requests.codes.too_many_requests:
            refused += 1
            time.sleep(int(answer.headers["Retry-After"]))
            continue
        answer.raise_for_status()
        page = answer.json()
        posts += len(page["data"])
        query["next_token"] = page["meta"]["next_token"]
        pages -= 1
    sys.stdout.write(f"{posts} {refused}\n")


main(int(sys.argv[1]))
