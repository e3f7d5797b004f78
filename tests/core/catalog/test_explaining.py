"""Why a request is quoted as it is can be told to whoever asks, in sentences."""

from __future__ import annotations

import pytest

from governor.core.catalog import Body, Catalog
from tests.fakes.catalogs import operations, row

Y = Catalog.parse(
    """
name = "y"
domains = ["y.test"]
[segments]
id = "[0-9]+"
[walkers.post]
has = ["id", "text"]
[walkers.old]
has = ["id_str"]
[expansions.post]
param = "expand"
adds = [{ names = ["ref"], posts = 2 }]
[[group]]
title = "posts"
kind = "posts"
hosts = ["y.test"]
walkers = ["post"]
each = 1
expansions = "post"
page_param = "count"
"""
    + operations(
        row("search", "page = { min = 5, default = 10, max = 50 }", request="GET /search"),
        row(
            "lookup",
            'asks = ["query", "json"]',
            'ids = { param = "ids", max = 9 }',
            request="POST /lookup",
        ),
        row("one", 'ids = { param = "{id}", max = 1 }', request="GET /posts/{id}"),
        row(
            "timeline",
            "hold = 200",
            "page = { max = 50 }",
            "costs = { units = 3 }",
            'places = ["data[]", "more[]"]',
            request="GET /**/timeline",
        ),
        row("users", "each = 0", "items = 5", request="GET /users"),
        row(
            "user",
            "items = 1",
            'none_when = { param = "skip", values = ["1"] }',
            request="GET /user",
        ),
        row("stream", 'kind = "stream"', "rate = 250", "record_bytes = 138", request="GET /stream"),
        row("rules", 'kind = "free"', 'reason = "rules only"', request="GET /rules"),
        row("hook", 'kind = "refused"', 'reason = "pushes"', request="POST /hook"),
    )
)


def why(method: str, target: str, body: Body | None = None) -> str:
    return "\n".join(Y.explain(method, "y.test", target, body).why)


def test_an_explanation_has_the_quote_and_the_row() -> None:
    told = Y.explain("GET", "y.test", "/posts/7")

    assert told.quote == Y.quote("GET", "y.test", "/posts/7")
    assert (told.title, told.source, told.request) == ("posts", "docs", "GET /posts/{id}")
    assert told.why[0] == "it is one, by the row 'GET /posts/{id}' of 'posts' (docs)"


@pytest.mark.parametrize(
    ("method", "target", "says"),
    [
        ("GET", "/search", "count is absent: a page of 10"),
        ("GET", "/search?count=20&count=30", "by its dearest reading: a page of 30 (from 5 to 50"),
        ("GET", "/search?count=1e3", "by its dearest reading: a page of 50"),
        ("GET", "/search?Count=20", "count has no one plain reading: a page of the most, 50"),
        ("GET", "/search?expand=ref", "expand adds up to 2 to each item"),
        ("GET", "/search?expand=ref", "its price is 10 x (1 + 2) = 30"),
        ("GET", "/posts/7", "its answers have 1 item, whatever it says"),
        ("GET", "/posts/7", "it names 1 by id, which are charged whatever comes back"),
        ("GET", "/timeline", "nothing bounds its answer: 200 are held at first"),
        ("GET", "/timeline", "it costs 3 units, whatever comes back"),
        ("GET", "/timeline", "and in the 2 places where they stand"),
        ("GET", "/users", "its answers have 5 items, whatever it says"),
        ("GET", "/users", "its items are no posts, so no posts are asked for"),
        ("GET", "/user?skip=1", "skip leaves out the posts that an item brings by itself"),
        ("GET", "/user?skip=1", "its price is 1 x (0 + 0) = 0"),
        ("GET", "/stream", "a record holds up to 1; expected are up to 250 a second"),
        ("GET", "/rules", "it is free: rules only"),
        ("POST", "/hook", "it is refused: pushes"),
        ("GET", "/search", "its posts are counted where they look like post"),
        ("GET", "/new", "no row of the catalog describes this method, host and path"),
        ("GET", "/new", "the largest of any operation at the host: 200"),
        ("GET", "/new", "posts are counted in every shape: post, old"),
    ],
)
def test_every_number_has_its_reason(method: str, target: str, says: str) -> None:
    assert says in why(method, target)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"ids": [1, 2]}', "ids, by its dearest reading: 2 ids (at most 9)"),
        (b'{"ids": [1, 2', "ids has no one plain reading: the most, 9"),
        (b'{"ids": []}', "ids has no one plain reading: the most, 9"),
        (b'{"ids": [1]}', "was looked for in the query, JSON in the body"),
    ],
)
def test_a_body_is_explained_as_a_query_is(body: bytes, says: str) -> None:
    assert says in why("POST", "/lookup", Body("application/json", body))


def test_an_explanation_never_repeats_what_the_request_said() -> None:
    """It may be logged, and what a crawler searches for is nobody's business."""
    for target in ("/search?q=secret&count=secret&expand=secret", "/secret", "/posts/7?secret=1"):
        assert "secret" not in why("GET", target)


def test_what_no_row_describes_has_no_source() -> None:
    told = Y.explain("GET", "y.test", "/new")

    assert (told.title, told.source, told.request) == ("", "", "")
    assert told.quote.kind == "unknown"
