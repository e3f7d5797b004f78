"""A request is one of the rows, spelled plainly, or unknown; and unknown is never free."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.catalogs import text
from governor.core.catalog import Body, Catalog
from governor.core.catalog.matching import GUARDED
from governor.errors import ConfigError
from tests.fakes.catalogs import operations, row

X = Catalog.parse(text("x"))
API = "api.x.com"


def most_at(host: str) -> int:
    """Return the largest price that a row of a host can have."""
    return max(row.operation.most for row in X.rows if row.hosts.rank(host) is not None)


def test_a_catalog_knows_the_hash_of_its_text() -> None:
    assert X.sha256 == sha256(text("x").encode()).hexdigest()


@pytest.mark.parametrize(
    "host",
    [
        *("x.com", "api.x.com", "API.X.COM", "api.x.com.", "api.x.com..", "new.thing.x.com"),
        *("twitter.com", "mobile.twitter.com", "stream.twitter.com", "publish.twitter.com"),
        *("cdn.syndication.twimg.com", "new.twimg.com", "twimg.com"),
        *("api。x.com", "ａｐｉ.x.com", "api.\N{LATIN SMALL LETTER LONG S}.x.com"),  # noqa: RUF001  # look-alikes are the point
        "a..\N{LATIN SMALL LETTER E WITH ACUTE}.example",
    ],
)
def test_every_host_below_a_domain_is_governed_under_any_spelling(host: str) -> None:
    assert X.governs(host)


@pytest.mark.parametrize(
    "host",
    [
        *("example.com", "notx.com", "x.com.example.org", "com", "", "xcom", "t.co"),
        *("pbs.twimg.com", "video.twimg.com", "PBS.twimg.com.", "storage.googleapis.com"),
    ],
)
def test_other_hosts_and_those_named_one_by_one_are_not_governed(host: str) -> None:
    assert not X.governs(host)


@pytest.mark.parametrize(
    ("method", "target", "operation"),
    [
        ("GET", "/2/tweets?ids=1", "tweets"),
        ("GET", "/2/Tweets?ids=1", "tweets"),
        ("GET", "/2/%74weets?ids=1", "tweets"),
        ("GET", "/2/tweets/20", "tweets_id"),
        ("GET", "/2/users/me", "users_me"),
        ("GET", "/2/users/7", "users_id"),
        ("GET", "/2/spaces/search", "spaces_search"),
        ("GET", "/2/spaces/1ynKOZVRyOwxR", "spaces_id"),
        ("POST", "/2/tweets", "tweets_create"),
        ("POST", "/2/oauth2/token", "oauth2_token"),
    ],
)
def test_a_plain_request_is_its_row(method: str, target: str, operation: str) -> None:
    for host in (API, "API.twitter.com", "api.twitter.com."):
        assert X.quote(method, host, target).operation == operation


UNKNOWN_PATHS = [
    *("/2/tweets/", "//2/tweets", "/2//tweets", "/2/./tweets", "/x/../2/tweets", "/2/tweets/."),
    *("/2/tweets;x=1", "/2;x/tweets", "/2/tweets.json", "/2/tweets/20.json", "/2/tweets%00"),
    *(
        "/2%2Ftweets",
        "/2/%2574weets",
        "/2/tweets%3Fids=1",
        "/2/tweets%",
        "/2\\tweets",
        "/2/tweets ",
    ),
    *(
        "/2/tweet\u017f",
        "/2/users/7/boo\u212amarks",
        "/2/tweet%C5%BF",
        "/2/tweets/\u0662\u0660",
        "/2/tweets/new_thing",
        "/2/users/7/new",
    ),
    *("/1.1/statuses/lookup", "/1.1/statuses/new_timeline.json", "/graphql/abc"),
    *("/oauth2/token/", "/2/oauth2/token.json", "/2/tweets/counts/recent/", "", "*", "2/tweets"),
]


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_spelled_plainly_is_unknown_and_never_free(method: str, path: str) -> None:
    quoted = X.quote(method, API, f"{path}?ids=1&max_results=10")

    assert (quoted.operation, quoted.kind, quoted.asked, quoted.ids) == ("unknown", "unknown", 0, 0)
    assert quoted.price == most_at(API) > 0
    assert quoted.counting.own == X.walkers


@pytest.mark.parametrize("method", ["get", "OPTIONS", "PUT", "DELETE", "BREW", ""])
def test_another_method_is_unknown(method: str) -> None:
    assert X.quote(method, API, "/2/tweets?ids=1").kind == "unknown"


@pytest.mark.parametrize(
    "path",
    [
        "/2/tweets/search/stream",
        "/2/tweets/search/stream/",
        "/2/tweets/search/stream.json",
        "//2/tweets/search/./x/../stream",
        "/2/tweets/search%2Fstream",
        "/2/tweets/search/%2573tream",
        "/2/tweets/search;a=b/stream;c",
        "/2/TWEETS/search/stream%3Fq",
        "\\2\\tweets\\search\\stream",
    ],
)
def test_a_stream_is_one_under_every_spelling(path: str) -> None:
    quoted = X.quote("GET", API, path)

    assert (quoted.operation, quoted.price) == ("tweets_search_stream", 0)
    assert quoted.kind in GUARDED


@given(st.text(alphabet="/%.;2tweshuoa0\\{}?#é", max_size=24))
def test_no_path_crashes_and_none_but_the_named_is_free(path: str) -> None:
    quoted = X.quote("POST", API, "/" + path)

    assert quoted.kind != "free" or path.lower().partition("?")[0] == "oauth2/token"


Y = Catalog.parse(
    """
name = "y"
counts = "records"
dialect = "reddit"
domains = ["y.test"]
[segments]
word = "[a-z]+"
[walkers.post]
has = ["id", "text"]
[[group]]
title = "posts"
kind = "posts"
hosts = ["api.y.test"]
walkers = ["post"]
each = 1
page_param = "count"
"""
    + operations(
        row("search", "page = { max = 50 }", "costs = { units = 2 }", request="GET /search"),
        row("query", 'asks = ["json"]', "page = { default = 5, max = 100 }", request="POST /query"),
        row(
            "graph",
            'hosts = ["*"]',
            'asks = ["variables"]',
            "page = { default = 20, max = 1000 }",
            request="GET /**/graphql/{word}/Timeline | POST /**/graphql/{word}/Timeline",
        ),
        row(
            "graph_other",
            'hosts = ["*.y.test"]',
            "items = 7",
            "costs = { units = 100 }",
            request="GET /**/graphql/{word}/{word}",
        ),
        row("filter", 'kind = "stream"', 'hosts = ["stream.y.test"]', request="GET /filter.json"),
        row("hook", 'kind = "refused"', 'reason = "pushes"', request="POST /hooks/{word}"),
        row("hooks", 'kind = "free"', request="GET /hooks/{word}"),
        row("head", 'kind = "free"', request="HEAD /count"),
        row("counted", "items = 1", request="GET /count"),
        row("options", 'kind = "free"', request="OPTIONS /search"),
    )
)
Y_API = "api.y.test"


def test_a_catalog_says_how_its_platform_counts_and_speaks() -> None:
    assert (Y.counts, Y.dialect) == ("records", "reddit")
    assert Y.units == ("requests", "records", "units")
    assert X.units == ("requests", "posts")


@pytest.mark.parametrize(
    ("method", "host", "target", "operation"),
    [
        ("GET", Y_API, "/graphql/abc/Timeline", "graph"),
        ("GET", "y.test", "/i/api/graphql/abc/timeline", "graph"),
        ("POST", "new.y.test", "/graphql/graphql/graphql/timeline?x", "graph"),
        ("GET", Y_API, "/i/api/graphql/abc/Other", "graph_other"),
        ("GET", "y.test", "/graphql/abc/Other", "unknown"),
        ("GET", Y_API, "/i/api/graphql/7/timeline", "unknown"),
        ("GET", "other.y.test", "/search", "unknown"),
        ("HEAD", Y_API, "/search", "search"),
        ("HEAD", Y_API, "/count", "head"),
        ("GET", Y_API, "/count", "counted"),
        ("OPTIONS", Y_API, "/search", "options"),
        ("OPTIONS", Y_API, "/query", "unknown"),
        ("GET", Y_API, "/hooks/a", "hooks"),
    ],
)
def test_hosts_prefixes_and_methods(method: str, host: str, target: str, operation: str) -> None:
    """A HEAD is the GET it stands for, and an OPTIONS is nothing without a row of its own."""
    assert Y.quote(method, host, target).operation == operation


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "get", "PURGE"])
@pytest.mark.parametrize("host", ["stream.y.test", Y_API, "new.y.test"])
@pytest.mark.parametrize(
    "path",
    [
        "/filter.json",
        "/filter",
        "//filter",
        "/FILTER/",
        "/filter;a.json",
        "/%2566ilter",
        "/x/../filter",
    ],
)
def test_no_spelling_host_or_method_makes_an_endless_answer_an_unknown_one(
    method: str, host: str, path: str
) -> None:
    """An unknown answer is held at a price; a stream would never end to be charged."""
    quoted = Y.quote(method, host, path)

    assert (quoted.kind, quoted.operation) == ("stream", "filter")
    assert quoted.flow is not None


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_what_is_refused_is_refused_by_every_method_that_has_no_row(method: str) -> None:
    """A server that honours a method override makes a POST of any of them."""
    assert Y.quote(method, "y.test", "/hooks/a").kind == "refused"


def test_a_body_is_read_where_it_could_change_the_quote() -> None:
    """Where nobody should look for parameters too: then it costs the maximum."""
    for method, target, reads in (
        ("POST", "/query", True),
        ("GET", "/graphql/a/timeline", True),
        ("POST", "/x/graphql/a/timeline?variables=%7B%7D", True),
        ("GET", "/search", True),
        ("GET", "/count", False),
        ("GET", "/i/graphql/a/other", False),
        ("POST", "/hooks/a", False),
        ("POST", "/new", False),
    ):
        assert Y.reads_body(method, Y_API, target) is reads


def test_a_body_says_what_is_asked_for() -> None:
    assert Y.quote("GET", Y_API, "/search?count=7", Body("text/plain", b"count=50")).asked == 50
    for body, asked in (
        (b'{"count": 7}', 7),
        (b"{}", 5),
        (b"", 5),
        (b'{"count": 7, "count": 70}', 70),
        (b'{"count": "7 "}', 100),
        (b"count=7", 100),
        (None, 100),
    ):
        quoted = Y.quote("POST", Y_API, "/query", Body("application/json", body))
        assert (quoted.asked, quoted.price) == (asked, asked)
    assert Y.quote("POST", Y_API, "/query").asked == 100


def test_a_get_that_brings_no_body_has_none() -> None:
    """So what it asks for is in its query alone; a POST's body may only not be known."""
    target = "/graphql/a/timeline?variables=%7B%22count%22%3A7%7D"

    assert [Y.quote(method, Y_API, target).asked for method in ("GET", "HEAD")] == [7, 7]
    assert Y.quote("POST", Y_API, target).asked == 1000
    assert Y.quote("GET", Y_API, target, Body("text/plain", b"count=70")).asked == 1000
    assert Y.quote("GET", Y_API, target, Body("", None)).asked == 1000


def test_an_unknown_request_costs_the_most_of_its_host_in_every_unit() -> None:
    quoted = Y.quote("GET", Y_API, "/new")

    assert (quoted.kind, quoted.price, quoted.costs) == ("unknown", 1000, (("units", 100),))
    assert quoted.counting.own == quoted.counting.every == Y.walkers


def test_a_contract_names_the_domains_of_a_platform_with_many_hosts() -> None:
    many = Catalog.parse(
        """
        name = "m"
        domains = []
        domains_from = "contract"
        [walkers.post]
        has = ["id"]
        [[group]]
        title = "g"
        kind = "free"
        hosts = ["*"]
        operations = [{ name = "a", request = "GET /a", source = "docs" }]
        """
    )
    with pytest.raises(ConfigError, match="the contract must say which"):
        many.on(())
    with pytest.raises(ConfigError, match="domains of its own"):
        Y.on(("y.test",))

    one = many.on(("Social.example",))

    assert not many.governs("social.example")
    assert one.governs("api.social.example")
    assert one.quote("GET", "social.example", "/a").kind == "free"
    assert Y.on(()) is Y
