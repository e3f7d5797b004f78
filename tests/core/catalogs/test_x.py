"""What X serves besides v2, v1.1 and GraphQL: enterprise, streams, sites, refusals.

Numbers are written out a second time, as X's documents and the recorded bodies have them, so that a
slip in the catalog shows up as a difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog import Body
from governor.core.counting import Counted, Counter
from tests.core.catalogs.platforms import catalog, counted, json_body, recommended
from tests.fakes.posts import v1_1_status

if TYPE_CHECKING:
    from pathlib import Path

    from governor.core.catalog import Quote

X = catalog("x")
EMPTY = Body("", b"")
API = "api.x.com"


def quote(target: str, method: str = "GET", host: str = API, body: Body | None = EMPTY) -> Quote:
    return X.quote(method, host, target, body)


def test_the_recommended_contract_has_the_terms_limit_and_the_monthly_one(tmp_path: Path) -> None:
    limits = {each.name: (each.most, each.unit) for each in recommended("x", tmp_path).limits}

    assert limits == {"x-24h": (1_000_000, "posts"), "x-month": (3_000_000, "posts")}


# --- The web client before GraphQL, and sites ----------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        *("/2/notifications/all.json", "/2/notifications/device_follow.json", "/2/guide.json"),
        *("/2/search/adaptive.json", "/2/timeline/home.json", "/2/timeline/profile/7.json"),
        *("/2/live_event/timeline/7.json", "/1.1/live_event/1/7/timeline.json"),
    ],
)
def test_timelines_with_global_objects_are_held_and_counted_by_id(path: str) -> None:
    answer = {
        "globalObjects": {"tweets": {"1": v1_1_status(1), "2": v1_1_status(2)}, "users": {"7": {}}},
        "timeline": {"id": "x", "instructions": []},
    }
    for host, base in (("x.com", "/i/api"), ("twitter.com", "/i/api"), (API, "")):
        found = quote(f"{base}{path}?count=20", host=host)

        assert (found.kind, found.asked, found.has_ceiling) == ("posts", 20, False)
        assert found.price >= 100
        assert quote(f"{base}{path}", host=host).asked == 20
        assert quote(f"{base}{path}?count=9999", host=host).asked == 100
        assert counted(found, answer) == 2


def test_a_post_by_syndication_comes_with_the_quoted_and_the_answered_one() -> None:
    found = quote("/tweet-result?id=20&token=a", host="cdn.syndication.twimg.com")
    answer = v1_1_status(1, quoted_tweet=v1_1_status(2), parent=v1_1_status(3))

    assert (found.asked, found.ids, found.price) == (1, 1, 3)
    assert counted(found, answer) == 3


def test_oembed_is_one_post_inside_html_and_a_stub_none() -> None:
    post = {"url": "https://x.com/a/status/1", "author_url": "https://x.com/a", "html": "<p>x</p>"}
    for host in ("publish.x.com", "publish.twitter.com"):
        found = quote("/oembed?url=https%3A%2F%2Fx.com%2Fa%2Fstatus%2F1", host=host)

        assert (found.kind, found.asked, found.price) == ("posts", 1, 2)
        assert counted(found, post) == 1
        assert counted(found, {"url": "https://x.com/a", "html": "<a>Tweets by a</a>"}) == 0
    assert quote("/1.1/statuses/oembed.json?id=20").price == 2


STATE = '{"entities":{"tweets":{"entities":{"1":%s}}}}'
TEXT = '{"id_str":"1","created_at":"now","full_text":"x"}'


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/",
            "/home",
            "/jack",
            "/jack/status/20",
            "/i/web/status/20",
            "/search?q=x",
            "/jack/media",
        ),
        *("/hashtag/x", "/i/bookmarks", "/i/lists/7", "/i/communities/7", "/jack/with_replies"),
    ],
)
def test_a_page_is_held_and_counted_in_the_state_that_it_embeds(target: str) -> None:
    (found,) = {quote(target, host=host) for host in ("x.com", "twitter.com", "mobile.x.com")}
    page = f"<script>window.__INITIAL_STATE__={STATE % TEXT};window.a=1</script>"

    named = int("/status/" in target)
    assert (found.asked, found.ids) == (named, named)  # charged even if only its head shows it
    assert (found.kind, found.price, found.has_ceiling) == ("posts", 20, False)
    assert on_page(found, page) == Counted(1)


def test_a_page_whose_state_cannot_be_read_is_never_taken_for_none() -> None:
    """It costs its hold, or the posts whose marks are seen where they are more."""
    page = f"<script>window.__INITIAL_STATE__=decode({TEXT})</script>"
    found = on_page(quote("/jack", host="x.com"), page)

    assert not isinstance(found, Counted)
    assert found.at_least == 1


def test_a_timeline_by_syndication_is_a_page_too() -> None:
    found = quote("/srv/timeline-profile/screen-name/jack", host="syndication.twitter.com")
    page = (
        f'<script id="__NEXT_DATA__" type="application/json">{{"entries":[{TEXT},{TEXT}]}}</script>'
    )

    assert (found.kind, found.price, found.has_ceiling) == ("posts", 400, False)
    assert on_page(found, page) == Counted(2)


def on_page(found: Quote, page: str) -> Any:  # noqa: ANN401  # counted or unreadable
    counter = Counter("", "text/html; charset=utf-8", found.counting)
    counter.feed(page.encode())
    return counter.finish()


# --- Enterprise ----------------------------------------------------------------------------------

NOTE = {"objectType": "note", "id": "object:search.twitter.com,2005:1", "summary": "x"}
ACTIVITY = {"objectType": "activity", "verb": "post", "body": "x", "object": NOTE}
SHARE = {"objectType": "activity", "verb": "share", "body": "RT", "object": ACTIVITY}
QUOTE = {**ACTIVITY, "twitter_quoted_status": ACTIVITY}
DELETED = {"objectType": "activity", "verb": "delete", "object": {"id": "tag:1"}}


def test_an_enterprise_search_asks_in_its_query_or_in_json() -> None:
    for archive in ("30day", "fullarchive"):
        path = f"/search/{archive}/accounts/acme/prod.json"
        for host in ("gnip-api.x.com", "gnip-api.twitter.com"):
            for found, asked in (
                (quote(path, host=host), 100),
                (quote(f"{path}?maxResults=500", host=host), 500),
                (quote(f"{path}?maxResults=5", host=host), 500),
                (quote(path, "POST", host, json_body({"query": "x", "maxResults": 50})), 50),
                (quote(path, "POST", host, json_body({"query": "x"})), 100),
                (quote(path, "POST", host, None), 500),
            ):
                assert (found.kind, found.asked, found.price) == ("posts", asked, 4 * asked)
            assert quote(path.replace(".json", "/counts.json"), host=host).kind == "free"


@given(st.lists(st.sampled_from([(ACTIVITY, 1), (SHARE, 2), (QUOTE, 2), (DELETED, 0)])))
def test_activities_are_counted_with_what_they_share_and_quote(
    items: list[tuple[dict[str, object], int]],
) -> None:
    found = quote("/search/30day/accounts/acme/prod.json", host="gnip-api.x.com")

    assert counted(found, {"results": [item for item, _ in items]}) == sum(n for _, n in items)


# --- Streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "path", "rate", "record_bytes", "each"),
    [
        (API, "/2/tweets/search/stream", 250, 138, 1),
        (API, "/2/tweets/search/stream?expansions=referenced_tweets.id", 250, 138, 3),
        (API, "/2/tweets/search/stream?expansions=author_id,edit_history_tweet_ids", 250, 138, 7),
        (API, "/2/tweets/search/stream?backfill_minutes=5&expansions=new", 250, 138, 13),
        (API, "/2/tweets/sample/stream", 200, 138, 1),
        (API, "/2/tweets/sample10/stream?partition=1", 2000, 138, 1),
        (API, "/2/tweets/firehose/stream", 10_000, 138, 1),
        (API, "/2/tweets/firehose/stream/lang/ja", 10_000, 138, 1),
        (API, "/2/likes/firehose/stream?expansions=liked_tweet_id", 10_000, 138, 1),
        (API, "/2/activity/stream", 250, 138, 13),
        (API, "/2/powerstream", 1000, 500, 4),
        ("stream.twitter.com", "/1.1/statuses/filter.json", 200, 2264, 4),
        ("stream.twitter.com", "/1.1/statuses/sample.json", 200, 2264, 4),
        (
            "gnip-stream.x.com",
            "/stream/powertrack/accounts/acme/publishers/twitter/prod.json",
            *(2000, 500, 4),
        ),
        (
            "gnip-stream.twitter.com",
            "/stream/sample10/accounts/acme/publishers/twitter/prod.json",
            *(2000, 500, 4),
        ),
    ],
)
def test_what_bounds_a_stream(
    host: str, path: str, rate: int, record_bytes: int, each: int
) -> None:
    found = quote(path, host=host)

    assert (found.kind, found.asked, found.price) == ("stream", 0, 0)
    assert found.flow is not None
    flow = (found.flow.rate, found.flow.record_bytes, found.flow.each)
    assert flow == (rate, record_bytes, each)


# --- Refused, free, and not governed -------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2/webhooks"),
        ("PUT", "/2/webhooks/7"),
        ("POST", "/2/webhooks/replay"),
        ("POST", "/2/tweets/search/webhooks/7"),
        ("POST", "/2/activity/subscriptions"),
        ("PUT", "/2/activity/subscriptions/7"),
        ("POST", "/2/account_activity/webhooks/7/subscriptions/all"),
        ("POST", "/2/account_activity/replay/webhooks/7/subscriptions/all"),
        ("POST", "/1.1/account_activity/all/prod/webhooks.json"),
        ("POST", "/1.1/account_activity/all/prod/subscriptions.json"),
        ("POST", "/1.1/account_activity/webhooks/7/subscriptions/all.json"),
    ],
)
def test_nothing_makes_x_push_posts_past_us_and_what_ends_a_push_is_free(
    method: str, path: str
) -> None:
    assert quote(path, method).kind == "refused"
    assert "past Governor" in quote(path, method).reason
    for undo in ("/2/webhooks/7", "/2/tweets/search/webhooks/7", "/2/activity/subscriptions/7"):
        assert quote(undo, "DELETE").kind == "free"


def test_posts_inside_another_protocol_are_refused() -> None:
    """The Model Context Protocol wraps an answer of the API into a text."""
    assert quote("/mcp", "POST").kind == quote("/mcp").kind == "refused"


@pytest.mark.parametrize(
    ("method", "host", "path"),
    [
        ("POST", API, "/1.1/guest/activate.json"),
        ("POST", API, "/1.1/onboarding/task.json"),
        ("POST", "x.com", "/i/api/1.1/onboarding/task.json"),
        ("GET", "x.com", "/i/flow/login"),
        ("GET", "twitter.com", "/i/oauth2/authorize"),
        ("POST", "api.twitter.com", "/oauth2/token"),
        ("POST", "upload.x.com", "/1.1/media/upload.json"),
        ("POST", "upload.twitter.com", "/i/media/upload.json"),
        ("POST", API, "/2/media/upload/7/append"),
    ],
)
def test_signing_in_and_uploads_are_free(method: str, host: str, path: str) -> None:
    found = quote(path, method, host)

    assert found.kind == "free"
    assert found.reason


@pytest.mark.parametrize(
    "host",
    [
        *("pbs.twimg.com", "video.twimg.com", "abs.twimg.com", "abs-0.twimg.com", "ton.twimg.com"),
        *("platform.x.com", "platform.twitter.com", "docs.x.com", "developer.x.com", "help.x.com"),
    ],
)
def test_hosts_of_files_and_documents_are_not_governed_one_by_one(host: str) -> None:
    assert not X.governs(host)
    assert X.governs(f"new-{host}")


def test_a_message_in_the_chat_of_a_broadcast_is_no_post() -> None:
    found = quote("/2/broadcasts/1ynKOZVRyOwxR/chat")
    message = {"id": "1", "text": "hi", "broadcast_id": "1ynKOZVRyOwxR", "author_id": "7"}

    assert counted(found, {"data": [message]}) == 0
