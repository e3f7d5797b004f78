"""X's catalog, row by row, against the tables of what X serves.

The tables are written out here a second time, as literal numbers from X's documents, so that a slip
in the catalog shows up as a difference.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.catalogs import names, text
from governor.core.catalog import Catalog, Quote
from governor.core.counting import Counted, Counter
from governor.errors import ConfigError
from tests.fakes.posts import encoded, v1_1_body, v2_body

X = Catalog.parse(text("x"))
HOSTS = ("api.x.com", "api.twitter.com")

# path, smallest page, page when none is said, largest page
PAGES_OF_POSTS = [
    ("/2/tweets/search/recent", 10, 10, 100),
    ("/2/tweets/search/all", 10, 10, 500),
    ("/2/users/7/tweets", 5, 100, 100),
    ("/2/users/7/mentions", 5, 100, 100),
    ("/2/users/7/timelines/reverse_chronological", 1, 100, 100),
    ("/2/users/7/liked_tweets", 5, 100, 100),
    ("/2/users/7/bookmarks", 1, 100, 100),
    ("/2/users/reposts_of_me", 1, 100, 100),
    ("/2/lists/7/tweets", 1, 100, 100),
    ("/2/spaces/1ynKOZVRyOwxR/tweets", 1, 100, 100),
    ("/2/tweets/7/quote_tweets", 10, 10, 100),
    ("/2/tweets/7/retweets", 1, 100, 100),
    ("/2/notes/search/posts_eligible_for_notes", 1, 10, 100),
]
PAGES_OF_USERS = [
    ("/2/users/search", 100, 1000),
    ("/2/users/7/followers", 1000, 1000),
    ("/2/users/7/following", 1000, 1000),
    ("/2/users/7/blocking", 1000, 1000),
    ("/2/users/7/affiliates", 1000, 1000),
    ("/2/users/7/muting", 100, 1000),
    ("/2/tweets/7/liking_users", 100, 100),
    ("/2/tweets/7/retweeted_by", 100, 100),
    ("/2/lists/7/members", 100, 100),
    ("/2/lists/7/followers", 100, 100),
    ("/2/spaces/1ynKOZVRyOwxR/buyers", 100, 100),
]
ONE_USER = ["/2/users/7", "/2/users/by/username/jack", "/2/users/me"]
PAGES_OF_MESSAGES = [
    "/2/dm_events",
    "/2/dm_conversations/1-2/dm_events",
    "/2/dm_conversations/with/7/dm_events",
]
WITHOUT_EXPANSION = [
    *("/2/lists/7", "/2/users/7/owned_lists", "/2/users/7/followed_lists", "/2/spaces"),
    *("/2/users/7/list_memberships", "/2/users/7/pinned_lists", "/2/spaces/1ynKOZVRyOwxR"),
    *("/2/spaces/search", "/2/spaces/by/creator_ids", "/2/chat/conversations"),
    *("/2/chat/conversations/1-2", "/2/broadcasts/1ynKOZVRyOwxR/chat"),
]
STREAMS = [
    *("/2/tweets/search/stream", "/2/tweets/sample/stream", "/2/tweets/sample10/stream"),
    *("/2/tweets/firehose/stream", "/2/likes/firehose/stream", "/2/likes/sample10/stream"),
    *(f"/2/tweets/firehose/stream/lang/{language}" for language in ("en", "ja", "ko", "pt")),
    *("/2/activity/stream", "/2/powerstream"),
]
FREE = [
    *(("GET", f"/2/tweets/counts/{which}") for which in ("recent", "all")),
    ("GET", "/2/users/7/bookmarks/folders/8"),
    *(("GET", path) for path in ("/2/news/search", "/2/news/7", "/2/tweets/analytics")),
    *(("GET", path) for path in ("/2/usage/tweets", "/2/tweets/search/stream/rules")),
    ("POST", "/2/tweets/search/stream/rules"),
    *(("GET", f"/2/{what}/compliance/stream") for what in ("tweets", "users", "likes")),
    *(("GET", path) for path in ("/2/tweets/label/stream", "/2/trends/by/woeid/1")),
    *((method, "/2/compliance/jobs") for method in ("GET", "POST")),
    ("GET", "/2/compliance/jobs/7"),
    *(("POST", path) for path in ("/2/oauth2/token", "/oauth2/token", "/oauth/access_token")),
    *(("GET", path) for path in ("/oauth/authorize", "/oauth/authenticate")),
    *(("POST", path) for path in ("/oauth/request_token", "/1.1/guest/activate.json")),
]
COUNTS = {"posts": 206, "stream": 13, "free": 91, "refused": 8}
V1_1_PAGES = [
    ("/1.1/search/tweets.json", 15, 100),
    ("/1.1/statuses/user_timeline.json", 20, 200),
]


def numbers(method: str, target: str) -> tuple[str, int, int, int]:
    """Return kind, asked, ids and price; the same at both names of the host."""
    first, second = (X.quote(method, host, target) for host in HOSTS)
    assert first == second
    return first.kind, first.asked, first.ids, first.price


@pytest.mark.parametrize(("path", "least", "default", "most"), PAGES_OF_POSTS)
def test_a_page_of_posts(path: str, least: int, default: int, most: int) -> None:
    for query, asked in (
        ("", default),
        (f"max_results={least}", least),
        (f"max_results={least - 1}", most),
        (f"max_results={most}", most),
        (f"max_results={most + 1}", most),
    ):
        assert numbers("GET", f"{path}?{query}") == ("posts", asked, 0, asked)


@pytest.mark.parametrize(
    ("expansions", "objects"),
    [
        ("author_id,geo.place_id,in_reply_to_user_id,attachments.media_keys", 1),
        ("referenced_tweets.id", 3),
        ("referenced_posts", 3),
        ("referenced_tweets.id.author_id", 3),
        ("referenced_tweets.id.attachments.media_keys,author_id", 3),
        ("edit_history_tweet_ids", 7),
        ("edit_history_post_ids", 7),
        ("attachments.media_source_tweet", 5),
        ("referenced_posts,edit_history_post_ids,attachments.media_source_tweet", 13),
        ("something_new", 13),
    ],
)
def test_what_expansions_add_to_a_post(expansions: str, objects: int) -> None:
    """Two references, six versions (itself repeated), four media sources: thirteen objects."""
    for path, _, default, _ in PAGES_OF_POSTS:
        price = numbers("GET", f"{path}?expansions={expansions}")[3]
        assert price == default * objects


def test_posts_looked_up_by_id() -> None:
    assert numbers("GET", "/2/tweets?ids=1,2,3") == ("posts", 3, 3, 3)
    assert numbers("GET", "/2/tweets?ids=1&expansions=referenced_posts") == ("posts", 1, 1, 3)
    assert numbers("GET", "/2/tweets") == ("posts", 100, 100, 100)
    assert numbers("GET", "/2/tweets/20?expansions=referenced_posts") == ("posts", 1, 1, 3)
    assert numbers("POST", "/2/tweets") == ("posts", 1, 0, 1)


@pytest.mark.parametrize(("path", "default", "most"), PAGES_OF_USERS)
def test_a_page_of_users(path: str, default: int, most: int) -> None:
    """Users bring posts by expansion only: their pinned one, their latest one."""
    assert numbers("GET", path) == ("posts", 0, 0, 0)
    for pinned in ("pinned_tweet_id", "pinned_post_id", "most_recent_tweet_id"):
        assert numbers("GET", f"{path}?expansions={pinned}") == ("posts", 0, 0, default)
    both = "expansions=pinned_post_id,most_recent_post_id"
    assert numbers("GET", f"{path}?max_results={most}&{both}") == ("posts", 0, 0, 2 * most)


def test_users_looked_up() -> None:
    for path in ONE_USER:
        assert numbers("GET", path) == ("posts", 0, 0, 0)
        assert numbers("GET", f"{path}?expansions=pinned_tweet_id") == ("posts", 0, 0, 1)
    for query in ("/2/users?ids=1,2", "/2/users/by?usernames=jack,ev"):
        assert numbers("GET", query) == ("posts", 0, 0, 0)
        assert numbers("GET", f"{query}&expansions=all") == ("posts", 0, 0, 4)


def test_messages_bring_the_posts_they_refer_to() -> None:
    for path in PAGES_OF_MESSAGES:
        assert numbers("GET", path) == ("posts", 0, 0, 0)
        assert numbers("GET", f"{path}?expansions=referenced_tweets.id") == ("posts", 0, 0, 100)
    one = "/2/dm_events/7?expansions=referenced_posts"
    assert numbers("GET", one) == ("posts", 0, 0, 1)


@pytest.mark.parametrize("path", WITHOUT_EXPANSION)
def test_no_expansion_brings_posts_to_these_but_they_are_counted(path: str) -> None:
    assert numbers("GET", f"{path}?expansions=referenced_posts") == ("posts", 0, 0, 0)


@pytest.mark.parametrize("path", STREAMS)
def test_a_stream_has_no_price_before_it_flows(path: str) -> None:
    assert numbers("GET", path) == ("stream", 0, 0, 0)


@pytest.mark.parametrize(
    "path",
    [
        *("/2/tweets/search/webhooks/7", "/2/webhooks/replay", "/2/activity/subscriptions"),
        "/2/account_activity/webhooks/7/subscriptions/all",
    ],
)
def test_nothing_may_make_x_push_posts_past_us(path: str) -> None:
    assert numbers("POST", path) == ("refused", 0, 0, 0)


@pytest.mark.parametrize(("method", "path"), FREE)
def test_what_holds_no_posts_is_free(method: str, path: str) -> None:
    assert numbers(method, path) == ("free", 0, 0, 0)


@pytest.mark.parametrize(("path", "default", "most"), V1_1_PAGES)
def test_a_status_brings_up_to_four_objects(path: str, default: int, most: int) -> None:
    assert numbers("GET", path) == ("posts", default, 0, 4 * default)
    assert numbers("GET", f"{path}?count={most}") == ("posts", most, 0, 4 * most)


def test_statuses_looked_up() -> None:
    """The ids of a form are not seen, so the most that it may hold is taken."""
    lookup = "/1.1/statuses/lookup.json"
    assert numbers("GET", f"{lookup}?id=1,2&map=true") == ("posts", 2, 2, 8)
    assert numbers("POST", lookup) == ("posts", 100, 100, 400)
    assert numbers("POST", f"{lookup}?id=1") == ("posts", 100, 100, 400)


def test_every_row_is_in_a_table_of_a_test() -> None:
    """A row added to the catalog without a case in the tests of catalogs is noticed."""
    counts = dict.fromkeys(("posts", "stream", "free", "refused"), 0)
    for name, kind in {(row.operation.name, row.operation.kind) for row in X.rows}:
        assert name.islower()
        counts[kind] += 1

    assert counts == COUNTS


def test_an_unknown_catalog_says_which_are_known() -> None:
    assert names() == ("bluesky", "mastodon", "reddit", "tiktok", "x", "youtube")
    with pytest.raises(ConfigError, match=r"no catalog 'y'; known are: bluesky, .*, youtube"):
        text("y")


EXPANSIONS = [
    *("author_id", "referenced_tweets.id", "referenced_posts", "edit_history_tweet_ids"),
    *("attachments.media_source_tweet", "referenced_tweets.id.author_id"),
]


@given(st.data(), st.integers(5, 100), st.sets(st.sampled_from(EXPANSIONS)))
def test_no_lawful_v2_answer_holds_more_than_its_price(
    data: st.DataObject, size: int, asked: set[str]
) -> None:
    expansions = f"&expansions={','.join(asked)}" if asked else ""
    quoted = X.quote("GET", HOSTS[0], f"/2/users/7/tweets?max_results={size}{expansions}")
    extra = {
        "references": 2 * any(each.startswith("referenced_") for each in asked),
        "versions": 6 * any(each.startswith("edit_history") for each in asked),
        "sources": 4 * any("media_source" in each for each in asked),
    }
    gained = [
        sum(data.draw(st.integers(0, most)) for most in extra.values())
        for _ in range(data.draw(st.integers(0, min(size, 12))))
    ]
    body: dict[str, Any] = v2_body(gained, data.draw(st.sampled_from(["tweets", "posts"])))

    assert count(body, quoted) == len(gained) + sum(gained) <= quoted.price


@given(st.lists(st.sampled_from(["plain", "quote", "retweet", "retweet of a quote"]), max_size=20))
def test_no_lawful_v1_1_answer_holds_more_than_its_price(kinds: list[str]) -> None:
    quoted = X.quote("GET", HOSTS[0], f"/1.1/search/tweets.json?count={max(1, len(kinds))}")

    found = count({"statuses": v1_1_body(kinds), "search_metadata": {}}, quoted)

    assert len(kinds) <= found <= quoted.price


def count(body: object, quoted: Quote) -> int:
    counter = Counter("", "application/json", quoted.counting)
    counter.feed(encoded(body))
    counted = counter.finish()
    assert isinstance(counted, Counted)
    assert counted.drift == ""
    return counted.posts
