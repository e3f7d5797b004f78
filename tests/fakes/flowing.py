"""A platform whose answers flow: with no ceiling, with no end, asked for in a body, metered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from governor.core.catalog import Catalog
from governor.core.leading import lead
from tests.fakes.scripted import get, post

CATALOG: Final = Catalog.parse("""
name = "flowing"
domains = ["x.com"]

[walkers.post]
has = ["id", "text"]
mark = "text"

[[group]]
title = "posts"
kind = "posts"
hosts = ["api.x.com"]
walkers = ["post"]
each = 1

[[group.operations]]
name = "timeline"
request = "GET /timeline"
items = 20
hold = 100
costs = { units = 3 }
source = "made up"

[[group.operations]]
name = "page"
request = "GET /page"
page = { param = "n", min = 1, default = 10, max = 100 }
source = "made up"

[[group.operations]]
name = "lookup"
request = "POST /lookup"
asks = ["query", "form"]
ids = { param = "ids", max = 100 }
source = "made up"

[[group]]
title = "streams"
kind = "stream"
hosts = ["api.x.com"]
walkers = ["post"]
each = 1
rate = 10
record_bytes = 6_554
operations = [{ name = "stream", request = "GET /stream", source = "made up" }]
""")
LEAD: Final = 20  # of the stream: ten records fit unread, and ten come in a second
TIMELINE, PAGE, STREAM = get("/timeline"), get("/page"), get("/stream")
LOOKUP: Final = replace(
    post("/lookup"), headers=(("Content-Type", "application/x-www-form-urlencoded"),)
)
_flow = CATALOG.quote("GET", "api.x.com", "/stream").flow
assert _flow is not None
assert lead(_flow) == LEAD


def records(posts: int, first: int = 1) -> bytes:
    """Return so many posts, each a line."""
    return b"".join(
        json.dumps({"id": str(number), "text": "x"}).encode() + b"\r\n"
        for number in range(first, first + posts)
    )


def timeline(posts: int) -> bytes:
    """Return an answer that ends, with so many posts."""
    return json.dumps([{"id": str(number), "text": "x"} for number in range(posts)]).encode()
