"""Recorded bodies of X, each counted by two other methods before: the counts agree.

The recordings are other people's and stay outside; `GOVERNOR_FIXTURES` says where they are. Of 210
bodies 158 name the request that they answer; 52 do not, and for these one is found that it may have
been: the simulator's examples say which endpoint they stand for, the rest is known by its family.
"""

from __future__ import annotations

import gzip
import json
import os
from collections import Counter as Tally
from pathlib import Path
from typing import Any
from urllib.parse import quote as escaped
from urllib.parse import urlsplit

import pytest

from governor.catalogs import text
from governor.core.catalog import Body, Catalog, Quote
from governor.core.counting import Counted, Counter, Unreadable

PLACE = os.environ.get("GOVERNOR_FIXTURES")
pytestmark = pytest.mark.skipif(not PLACE, reason="GOVERNOR_FIXTURES names no recorded bodies")

X = Catalog.parse(text("x"))
API = "api.x.com"
# The one miss: its recorder kept the head of the answer ("HTTP/2 200 ...") in place of its body.
NOT_A_BODY = "testSetProxy"
# What a body without a request is taken to answer, by the collection that it came from.
LIKELY = {
    "twarccsv-tweets_compliance": "/2/compliance/jobs/7",
    "twarccsv-users_compliance": "/2/compliance/jobs/7",
    "twarccsv": "/2/tweets/search/all",
    "graphql__twscrape": "/graphql/id/TweetDetail",
}
SIMULATOR = "simulator-examples"  # an array of {endpoint, method, response}, with generated values
# A request sample for each kind of placeholder that the simulator's endpoints have.
SAMPLES = {"username": "jack"}


def recordings() -> list[dict[str, Any]]:
    index = json.loads((Path(PLACE or "") / "index.json").read_text(encoding="utf-8"))
    return [each for each in index["fixtures"] if NOT_A_BODY not in each["body"]]


def coded(recording: dict[str, Any]) -> bytes:
    return Path(PLACE or "", recording["body"]).read_bytes()


def quoted(recording: dict[str, Any]) -> Quote:
    """Price a request as it was recorded; where its variables were not kept, what was is enough."""
    url = urlsplit(recording["url"].replace("<queryId>", "Gb-d6r0vxPOADdG62OEBpQ"))
    query = escaped(url.query, safe="=&%+,:;-._~!*'()/?@$")
    target = f"{url.path}?{query}" if query else url.path
    body = Body("", (recording["request_body"] or "").encode())
    return X.quote(recording["method"], url.hostname or "", target, body)


def counted(coded_body: bytes, quote: Quote) -> Counted | Unreadable:
    """Count a body as it would come over the wire: gzip, in chunks."""
    counter = Counter("gzip", "application/json", quote.counting)
    for start in range(0, len(coded_body), 4096):
        counter.feed(coded_body[start : start + 4096])
    return counter.finish()


def with_request() -> list[tuple[dict[str, Any], Quote]]:
    return [(each, quoted(each)) for each in recordings() if each["url"]]


def without_request() -> list[tuple[dict[str, Any], list[tuple[bytes, Quote]]]]:
    """Return the other bodies, each as one or more answers with what they may have answered."""
    found = []
    for each in recordings():
        if each["url"]:
            continue
        if SIMULATOR in each["body"]:
            examples = json.loads(gzip.decompress(coded(each)))
            answers = [(_answer(example), _endpoint(example)) for example in examples]
        else:
            path = next(LIKELY[key] for key in LIKELY if key in each["body"])
            answers = [(coded(each), X.quote("GET", API, path, Body("", b"")))]
        found.append((each, answers))
    return found


def _answer(example: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(example["response"]).encode())


def _endpoint(example: dict[str, Any]) -> Quote:
    path = "/".join(
        SAMPLES.get(segment.strip("{}"), "7") if segment.startswith("{") else segment
        for segment in example["endpoint"].split("/")
    )
    return X.quote(example["method"], API, path, Body("", b""))


def test_every_body_with_its_request_is_counted_exactly() -> None:
    """No recorded request is unknown, and no count differs from the independent one."""
    found = with_request()
    counts = [counted(coded(each), quote) for each, quote in found]
    wrong = [
        (each["body"], each["post_objects"], count)
        for (each, _), count in zip(found, counts, strict=True)
        if count != Counted(each["post_objects"])
    ]
    with_posts = sum(each["post_objects"] > 0 for each, _ in found)
    posts = sum(each["post_objects"] for each, _ in found)
    print(  # noqa: T201  # the figure is the point of the test
        f"bodies with a request: {len(found) - len(wrong)} / {len(found)} equal and without drift,"
        f" {with_posts} of them with posts, {posts} posts"
    )

    assert wrong == []
    assert [quote.operation for _, quote in found if quote.kind == "unknown"] == []
    assert len(found) == 157
    assert with_posts >= 88


def test_every_body_without_its_request_is_counted_exactly_by_family() -> None:
    matched, total = Tally[str](), Tally[str]()
    for each, answers in without_request():
        counts = [counted(body, quote) for body, quote in answers]
        family = SIMULATOR if SIMULATOR in each["body"] else each["family"]
        total[family] += 1
        if all(isinstance(count, Counted) and not count.drift for count in counts):
            posts = sum(count.posts for count in counts if isinstance(count, Counted))
            matched[family] += posts == each["post_objects"]
    told = ", ".join(f"{family} {matched[family]} / {total[family]}" for family in total)
    print(f"bodies without a request, equal and without drift: {told}")  # noqa: T201  # a figure

    assert matched == total
    assert total == {"graphql": 5, "v2": 9, SIMULATOR: 38}


def test_no_recorded_answer_holds_more_than_its_price_where_one_is_a_ceiling() -> None:
    """Only GraphQL timelines, streams and pages have none; their holds sufficed as well."""
    found = with_request()
    without = {quote.operation for _, quote in found if not quote.has_ceiling}
    sizes = [(each["post_objects"], quote.price) for each, quote in found if quote.has_ceiling]
    tight = [posts for posts, price in sizes if posts and posts == price]
    print(  # noqa: T201  # a figure
        f"prices: {len(sizes)} ceilings hold, {len(tight)} reached;"
        f" {len(found) - len(sizes)} bodies have none: {', '.join(sorted(without))}"
    )

    assert all(posts <= price for posts, price in sizes)
    assert all(each["post_objects"] <= quote.price for each, quote in found)
    assert all(each.startswith("graphql_") for each in without)


def test_what_is_free_never_held_a_post() -> None:
    free = [each for each, quote in with_request() if quote.kind == "free"]

    assert len(free) >= 31
    assert all(each["post_objects"] == 0 for each in free)


def test_every_recorded_body_is_counted_exactly_as_an_unknown_answer() -> None:
    """So an answer that the catalog does not know is counted as well as one that it does."""
    unknown = X.quote("GET", API, "/3/new", Body("", b""))
    found = recordings()
    wrong = [
        each["body"]
        for each in found
        if counted(coded(each), unknown) != Counted(each["post_objects"])
    ]
    print(f"all bodies by all walkers: {len(found) - len(wrong)} / {len(found)} equal")  # noqa: T201  # a figure

    assert wrong == []


def test_the_one_recording_without_a_body_is_unreadable_and_not_taken_for_none() -> None:
    index = json.loads((Path(PLACE or "") / "index.json").read_text(encoding="utf-8"))
    [recording] = [each for each in index["fixtures"] if NOT_A_BODY in each["body"]]

    assert isinstance(counted(coded(recording), quoted(recording)), Unreadable)
    assert len(index["fixtures"]) == len(recordings()) + 1 == 210
