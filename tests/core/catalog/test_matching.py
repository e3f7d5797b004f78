"""A request is one of the rows, spelled plainly, or unknown; and unknown is never free."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.catalogs import text
from governor.core.catalog import Catalog

X = Catalog.parse(text("x"))
API = "api.x.com"


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
    *("/1.1/statuses/lookup", "/1.1/statuses/home_timeline.json", "/graphql/abc/UserTweets"),
    *("/oauth2/token/", "/2/oauth2/token.json", "/2/tweets/counts/recent/", "", "*", "2/tweets"),
]


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_spelled_plainly_is_unknown_and_never_free(method: str, path: str) -> None:
    quoted = X.quote(method, API, f"{path}?ids=1&max_results=10")

    assert (quoted.operation, quoted.kind, quoted.asked, quoted.ids) == ("unknown", "unknown", 0, 0)
    assert quoted.price == X.host_price(API) == 6_500
    assert quoted.walkers == ("v2", "v1.1", "graphql")


@pytest.mark.parametrize("method", ["get", "OPTIONS", "PUT", "DELETE", "BREW", ""])
def test_another_method_is_unknown(method: str) -> None:
    assert X.quote(method, API, "/2/tweets?ids=1").kind == "unknown"


def test_a_host_without_rows_has_the_largest_price_of_all() -> None:
    for host in ("x.com", "new.x.com", "stream.twitter.com"):
        assert X.quote("GET", host, "/i/api/graphql/abc/SearchTimeline").price == 6_500


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
def test_a_stream_is_refused_under_every_spelling(path: str) -> None:
    quoted = X.quote("GET", API, path)

    assert (quoted.kind, quoted.operation, quoted.price) == ("refused", "tweets_search_stream", 0)
    assert "streams are not governed yet" in quoted.reason


@given(st.text(alphabet="/%.;2tweshuoa0\\{}?#é", max_size=24))
def test_no_path_crashes_and_none_but_the_named_is_free(path: str) -> None:
    quoted = X.quote("POST", API, "/" + path)

    assert quoted.kind != "free" or path.lower().partition("?")[0] == "oauth2/token"
