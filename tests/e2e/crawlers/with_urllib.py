"""A crawler on nothing but Python's own `urllib`: looks posts up by their ids."""

from __future__ import annotations

import json
import sys
import time
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import urlopen

URL = "https://api.x.com/2/tweets?ids="


def main(pages: int) -> None:
    posts = refused = 0
    for page in range(pages):
        ids = ",".join(str(1_000_000 + page * 100 + place) for place in range(100))
        while True:
            try:
                with urlopen(URL + ids, timeout=60) as answer:  # noqa: S310  # a fixed https URL
                    posts += len(json.load(answer)["data"])
                break
            except HTTPError as error:
                if error.code != HTTPStatus.TOO_MANY_REQUESTS:
                    raise
                refused += 1
                time.sleep(int(error.headers["Retry-After"]))
    sys.stdout.write(f"{posts} {refused}\n")


main(int(sys.argv[1]))
