"""Every operation of X's specification is catalogued, and priced as the specification bounds it.

The list is `governor/catalogs/x-spec.csv`; `spec.py` beside this file made it. Put an operation
into it, and this fails until the catalog has it too.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from governor import catalogs
from governor.core.catalog import Body, Explanation
from tests.core.catalogs.platforms import catalog
from tests.core.catalogs.spec import Listed, read, reduced

FACTS = os.environ.get("GOVERNOR_FACTS")
X = catalog("x")
HOSTS = ("api.x.com", "api.twitter.com")
OPERATIONS = read(files(catalogs).joinpath("x-spec.csv").read_text(encoding="utf-8"))

# What stands for a {placeholder}, by what it is called; 7 for all others.
SAMPLES = {"username": "jack", "media_key": "3_7", "media_hash_key": "a7", "resource_id": "a.jpg"}

# How expansions begin that bring posts. Other operations share `includes`, and offer none of these.
BRINGS = ("referenced_", "edit_history_", "attachments.media_source_", "pinned_", "most_recent_")
# The one post that a schema does not call one: the echo of what was made.
ECHO = "createPosts"


def target(operation: Listed) -> str:
    """Return a path of the operation."""
    return "/".join(
        SAMPLES.get(segment.strip("{}"), "7") if segment.startswith("{") else segment
        for segment in operation.path.split("/")
    )


def expands(operation: Listed) -> bool:
    """Say whether the operation offers an expansion that brings posts."""
    return any(each.startswith(BRINGS) for each in operation.expansions.split())


def explained(operation: Listed, query: str = "") -> Explanation:
    """Return the quote that it has, the same at both names of the host."""
    path = f"{target(operation)}?{query}" if query else target(operation)
    first, second = (X.explain(operation.method, host, path, Body("", b"")) for host in HOSTS)
    assert first == second
    return first


def classified(operation: Listed) -> str:
    """Return what the catalog takes an operation for; "" if it is not catalogued as it should be.

    A row must name the operation's own id as its source: so another's template never covers it.
    """
    found = explained(operation)
    quote = found.quote
    if operation.operation not in re.findall(r"\w+", found.source):
        return ""
    if operation.post and operation.stream:
        return "stream" if quote.kind == "stream" else ""
    if operation.post or operation.operation == ECHO:
        if quote.kind != "posts":
            return ""
        if not quote.asked and expands(operation):
            return "only by expansion"
        return "posts" if quote.asked else "counted, and none expected"
    if quote.kind in ("free", "refused"):
        return quote.kind if quote.reason else ""
    return ""


def test_every_operation_of_the_specification_is_catalogued() -> None:
    """As posts, only by expansion, stream, free with the reason, or refused with the reason."""
    found = Counter(classified(each) for each in OPERATIONS)
    told = ", ".join(f"{kind or 'not catalogued'} {number}" for kind, number in found.items())
    catalogued = found.total() - found[""]
    print(f"operations catalogued: {catalogued} / {len(OPERATIONS)}: {told}")  # noqa: T201  # a figure

    assert [each for each in OPERATIONS if not classified(each)] == []
    assert found == {
        "posts": 16,
        "only by expansion": 20,
        "counted, and none expected": 13,
        "stream": 11,
        "free": 111,
        "refused": 7,
    }


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        ("getPostsNew", "/2/tweets/new"),
        ("getUsersNew", "/2/users/{id}/new"),
        ("getPostsById", "/3/tweets/{id}"),
        ("getPostsByWord", "/2/tweets/{id}"),
    ],
)
def test_an_operation_that_is_added_to_the_list_is_missed(operation: str, path: str) -> None:
    """Also one that an old row would take for its own, because its source does not name it."""
    made_up = replace(OPERATIONS[0], method="GET", operation=operation, path=path)

    assert classified(made_up) == ""


@pytest.mark.parametrize("operation", ["getPostsById", "streamPosts", "getPostsCountsAll"])
def test_an_operation_that_begins_to_bring_posts_is_missed(operation: str) -> None:
    """What its schema says decides how it must be catalogued, not what the catalog says."""
    (listed,) = (each for each in OPERATIONS if each.operation == operation)
    other = replace(listed, post="" if listed.post else "post")

    assert classified(listed)
    assert not classified(other)


PAGES = [each for each in OPERATIONS if each.page and each.post and expands(each)]


@pytest.mark.parametrize("operation", PAGES, ids=lambda each: each.operation)
def test_a_page_is_as_large_as_the_specification_says(operation: Listed) -> None:
    """What its default and its maximum are; without a default, the maximum is taken."""
    least, default, most = operation.page.split("/")
    everything = "expansions=all"
    each = explained(operation, f"max_results={least}&{everything}").quote.price // int(least)

    assert each > 0
    for query, items in ((everything, default or most), (f"max_results={most}&{everything}", most)):
        assert explained(operation, query).quote.price == each * int(items)


IDS = [each for each in OPERATIONS if each.ids and each.post and expands(each)]


@pytest.mark.parametrize("operation", IDS, ids=lambda each: each.operation)
def test_a_list_of_ids_is_as_long_as_the_specification_says(operation: Listed) -> None:
    assert explained(operation).quote.items == int(operation.ids)


OFFERED = sorted(
    {(each.operation, name) for each in OPERATIONS if each.post for name in each.expansions.split()}
)


def test_every_expansion_that_the_specification_offers_is_priced_by_its_name() -> None:
    """One that names posts adds to the price, every other adds nothing: none is unknown to us."""
    by_operation = {each.operation: each for each in OPERATIONS}
    for name, expansion in OFFERED:
        operation = by_operation[name]
        found = explained(operation, f"expansions={expansion}").quote
        if found.kind == "stream":
            assert found.flow is not None
            plain = explained(operation).quote.flow
            assert plain is not None
            gained = found.flow.each - plain.each
        else:
            gained = found.price - explained(operation).quote.price
        brings = expansion.startswith(BRINGS)

        assert (gained > 0) == brings, (name, expansion)


@pytest.mark.skipif(not FACTS, reason="GOVERNOR_FACTS names no specification to compare with")
def test_the_list_is_what_the_specification_says() -> None:
    document = json.loads((Path(FACTS or "") / "x-openapi.json").read_text(encoding="utf-8"))

    assert reduced(document) == OPERATIONS
