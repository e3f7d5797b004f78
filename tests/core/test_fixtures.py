"""Recorded bodies of X, each counted by two other methods before: the counts agree.

The recordings are other people's and stay outside; `GOVERNOR_FIXTURES` says where they are.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from governor.catalogs import text
from governor.core.catalog import Catalog, Quote
from governor.core.counting import WALKERS, Counted, Counter

PLACE = os.environ.get("GOVERNOR_FIXTURES")
pytestmark = pytest.mark.skipif(not PLACE, reason="GOVERNOR_FIXTURES names no recorded bodies")

X = Catalog.parse(text("x"))
NO_BODY = "testSetProxy"  # the recorder kept the head of the answer in place of its body


def recordings() -> list[dict[str, Any]]:
    index = json.loads((Path(PLACE or "") / "index.json").read_text(encoding="utf-8"))
    return [each for each in index["fixtures"] if NO_BODY not in each["body"]]


def received(recording: dict[str, Any], walkers: tuple[str, ...]) -> int:
    """Count a body as it would come over the wire: gzip, in chunks."""
    coded = (Path(PLACE or "") / recording["body"]).read_bytes()
    counter = Counter("gzip", "application/json", walkers)
    for start in range(0, len(coded), 4096):
        counter.feed(coded[start : start + 4096])
    counted = counter.finish()
    assert isinstance(counted, Counted), recording["body"]
    return counted.posts


def quoted(recording: dict[str, Any]) -> Quote | None:
    """Price the request that was recorded, or nothing where its URL was not kept."""
    if not recording["url"] or "<" in recording["url"]:
        return None
    url = urlsplit(recording["url"].replace(" ", "%20"))
    target = f"{url.path}?{url.query}" if url.query else url.path
    return X.quote(recording["method"], url.hostname or "", target)


def catalogued() -> list[tuple[dict[str, Any], Quote]]:
    pairs = [(each, quoted(each)) for each in recordings()]
    return [(each, quote) for each, quote in pairs if quote and quote.kind in ("posts", "free")]


def test_every_body_of_a_catalogued_operation_is_counted_exactly() -> None:
    found = catalogued()
    matched = [
        each for each, quote in found if received(each, quote.walkers) == each["post_objects"]
    ]
    with_posts = [each for each, _ in found if each["post_objects"]]
    print(  # noqa: T201  # the figure is the point of the test
        f"catalogued bodies: {len(matched)} / {len(found)} equal, {len(with_posts)} with posts"
    )

    assert matched == [each for each, _ in found]
    assert len(found) >= 53
    assert len(with_posts) >= 41


def test_no_recorded_answer_holds_more_than_its_price() -> None:
    for each, quote in catalogued():
        assert each["post_objects"] <= quote.price, each["url"]


def test_what_is_free_never_held_a_post() -> None:
    free = [each for each, quote in catalogued() if quote.kind == "free"]

    assert len(free) >= 7
    assert all(each["post_objects"] == 0 for each in free)


def test_every_recorded_body_is_counted_exactly_by_its_own_walker() -> None:
    for each in recordings():
        assert received(each, (each["family"],)) == each["post_objects"], each["body"]


def test_every_recorded_body_is_counted_exactly_by_all_walkers_together() -> None:
    """So an answer that the catalog does not know is counted as well as one that it does."""
    found = recordings()
    equal = [each for each in found if received(each, WALKERS) == each["post_objects"]]
    print(f"all bodies by all walkers: {len(equal)} / {len(found)} equal")  # noqa: T201  # a figure

    assert equal == found


def test_an_unknown_request_of_the_recordings_never_held_more_than_its_price() -> None:
    unknown = [
        (each, quote)
        for each in recordings()
        if (quote := quoted(each)) and quote.kind == "unknown"
    ]

    assert unknown
    assert all(each["post_objects"] <= quote.price for each, quote in unknown)
