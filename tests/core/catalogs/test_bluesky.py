"""Bluesky's catalog against the lexicons of the AT Protocol and the AppView's own limits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from atproto_client.namespaces import sync_ns  # type: ignore[import-untyped]  # it has no types

from tests.core.catalogs.platforms import catalog, counted, json_body, recommended

if TYPE_CHECKING:
    from governor.core.catalog import Quote

BLUESKY = catalog("bluesky")
HOSTS = ("public.api.bsky.app", "bsky.social", "morel.us-east.host.bsky.network")

# method of the lexicon, page by default, objects of one item
PAGES = [
    ("app.bsky.feed.searchPosts", 25, 3),
    ("app.bsky.feed.searchPostsV2", 25, 3),
    ("app.bsky.feed.getQuotes", 50, 3),
    ("app.bsky.bookmark.getBookmarks", 50, 3),
    ("app.bsky.notification.listNotifications", 50, 3),
    ("app.bsky.feed.getAuthorFeed", 50, 9),
    ("app.bsky.feed.getTimeline", 50, 9),
    ("app.bsky.feed.getFeed", 50, 9),
    ("app.bsky.feed.getListFeed", 50, 9),
    ("app.bsky.feed.getActorLikes", 50, 9),
    ("com.atproto.repo.listRecords", 50, 1),
    ("app.bsky.notification.getGroupedNotifications", 50, 30),
]
THREADS = ["app.bsky.feed.getPostThread", "app.bsky.unspecced.getPostThreadV2"]
WITHOUT = [
    *("app.bsky.actor.getProfile", "app.bsky.actor.searchActors", "app.bsky.feed.getLikes"),
    *("app.bsky.feed.getRepostedBy", "app.bsky.graph.getFollowers", "app.bsky.graph.getFollows"),
    *("app.bsky.labeler.getServices", "app.bsky.notification.getUnreadCount"),
    *("app.bsky.unspecced.getTrends", "app.bsky.unspecced.searchPostsSkeleton"),
    *("com.atproto.identity.resolveHandle", "com.atproto.repo.describeRepo"),
    *("com.atproto.sync.listRepos", "com.atproto.server.getSession", "app.bsky.draft.getDrafts"),
    *("app.bsky.unspecced.getTrendsSkeleton", "com.atproto.server.checkAccountStatus"),
    "network.bsky.jetstream.listSegments",
]
CHATS = ["chat.bsky.convo.getMessages", "chat.bsky.convo.listConvos"]
WRITES = [("createRecord", 3), ("putRecord", 3), ("deleteRecord", 1), ("applyWrites", 600)]

AUTHOR = {"did": "did:plc:a", "handle": "a.example", "viewer": {}, "labels": []}
TEXT = {"$type": "app.bsky.feed.post", "text": "t", "createdAt": "2026-11-24T00:00:00Z"}
URI = "at://did:plc:a/app.bsky.feed.post/3k"


def view_record(*embeds: dict[str, Any]) -> dict[str, Any]:
    """Return a post as another one quotes it (app.bsky.embed.record#viewRecord)."""
    return {
        "$type": "app.bsky.embed.record#viewRecord",
        "uri": URI,
        "cid": "c",
        "author": AUTHOR,
        "value": TEXT,
        "indexedAt": "2026",
        "embeds": list(embeds),
    }


def quoting(record: dict[str, Any]) -> dict[str, Any]:
    return {"$type": "app.bsky.embed.record#view", "record": record}


def quoting_with_media(record: dict[str, Any]) -> dict[str, Any]:
    media = {"$type": "app.bsky.embed.images#view", "images": [{"thumb": "u", "alt": "t"}]}
    return {
        "$type": "app.bsky.embed.recordWithMedia#view",
        "record": {"record": record},
        "media": media,
    }


def view(embed: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a post of a page (app.bsky.feed.defs#postView)."""
    post = {"uri": URI, "cid": "c", "author": AUTHOR, "record": TEXT, "indexedAt": "2026"}
    return {**post, "likeCount": 1, "embed": embed} if embed else post


FULL = view(quoting_with_media(view_record(quoting(view_record()))))
GONE = {"$type": "app.bsky.feed.defs#notFoundPost", "uri": URI, "notFound": True}
BLOCKED = {
    "$type": "app.bsky.feed.defs#blockedPost",
    "uri": URI,
    "blocked": True,
    "author": {"did": "did:plc:b"},
}


def get(method: str, query: str = "") -> Quote:
    """Return the quote of a query; the same at each host."""
    quotes = [BLUESKY.quote("GET", host, f"/xrpc/{method}{query}") for host in HOSTS]
    assert all(each == quotes[0] for each in quotes)
    return quotes[0]


@pytest.mark.parametrize(("method", "default", "objects"), PAGES)
def test_a_page(method: str, default: int, objects: int) -> None:
    most = 50 if objects == 30 else 100
    for query, asked in (("", default), ("?limit=1", 1), ("?limit=100", most), ("?limit=0", most)):
        quote = get(method, query)
        assert (quote.kind, quote.asked, quote.price) == ("posts", asked, objects * asked)


def test_posts_by_their_uris() -> None:
    assert get("app.bsky.feed.getPosts").price == 75
    for uris in (1, 2, 25):
        for uri in (URI, URI.replace(":", "%3A").replace("/", "%2F")):
            quote = get("app.bsky.feed.getPosts", "?" + "&".join([f"uris={uri}"] * uris))
            assert (quote.asked, quote.ids, quote.price) == (uris, uris, 3 * uris)


@pytest.mark.parametrize("method", [*THREADS, "app.bsky.unspecced.getPostThreadOtherV2"])
def test_a_thread_has_no_ceiling(method: str) -> None:
    quote = get(method, f"?uri={URI}&depth=1000")
    assert (quote.asked, quote.price, quote.has_ceiling) == (1, 600, False)


def test_a_repository_may_hold_other_things_than_posts() -> None:
    """The request says of which collection; only what is certain to be no post costs nothing."""
    for collection, price in (
        ("app.bsky.feed.post", 100),
        ("app.bsky.graph.follow", 0),
        ("app.bsky.feed.like", 0),
        ("app.bsky.graph.follow&collection=app.bsky.feed.post", 100),
    ):
        quote = get("com.atproto.repo.listRecords", f"?limit=100&collection={collection}")
        assert quote.price == price
    assert get("com.atproto.repo.getRecord", "?collection=app.bsky.feed.post").price == 1


def test_a_repository_as_a_file_costs_what_it_is_held_at() -> None:
    for method, price in (("getRepo", 10_000), ("getBlocks", 100)):
        quote = get(f"com.atproto.sync.{method}", "?did=did:plc:a")
        assert (quote.price, quote.has_ceiling) == (price, False)


@pytest.mark.parametrize("method", WITHOUT)
def test_an_answer_without_posts_is_a_request_and_no_more(method: str) -> None:
    quote = get(method, "?limit=100")
    assert (quote.kind, quote.asked, quote.price, quote.costs) == ("posts", 0, 0, ())


@pytest.mark.parametrize("method", CHATS)
def test_a_message_may_show_a_post(method: str) -> None:
    quote = get(method, "?limit=10")
    assert (quote.asked, quote.price) == (10, 30)

    told = {"id": "3k", "rev": "3l", "text": "t", "sender": {"did": "d"}, "sentAt": "2026"}
    messages = [told, {**told, "embed": quoting(view_record(quoting(view_record())))}]
    assert counted(quote, {"messages": messages * 5}) == 10 <= quote.price


@pytest.mark.parametrize(("method", "points"), WRITES)
def test_a_write_costs_points(method: str, points: int) -> None:
    """Of many writes in one call the body tells; it costs what 200 of the dearest would."""
    quote = BLUESKY.quote("POST", HOSTS[1], f"/xrpc/com.atproto.repo.{method}", json_body({}))
    assert (quote.kind, quote.price, quote.costs) == ("posts", 0, (("points", points),))


@pytest.mark.parametrize("path", ["/xrpc/com.atproto.sync.subscribeRepos", "/subscribe?cursor=1"])
def test_what_only_a_websocket_serves_is_refused(path: str) -> None:
    quote = BLUESKY.quote("GET", "jetstream2.us-east.bsky.network", path)
    assert quote.kind == "refused"
    assert "WebSocket" in quote.reason


def test_an_archive_of_everybody_s_posts_is_refused() -> None:
    for method in ("getSegment", "getBlock"):
        assert get(f"network.bsky.jetstream.{method}", "?name=seg_0.jss").kind == "refused"


def test_what_is_unknown_costs_points_only_where_records_are_written() -> None:
    """At a server of accounts it may write; at the AppView and the relay it cannot."""
    for host, costs in (
        ("bsky.social", (("points", 600),)),
        ("morel.us-east.host.bsky.network", (("points", 600),)),
        ("public.api.bsky.app", ()),
        ("relay1.us-west.bsky.network", ()),
    ):
        quote = BLUESKY.quote("GET", host, "/xrpc/app.bsky.feed.somethingNew")
        assert (quote.kind, quote.costs) == ("unknown", costs)


# Of the administration of servers and of what needs no record: see the head of the catalog.
LEFT_UNKNOWN = re.compile(
    r"tools\.ozone\.|chat\.bsky\.(actor|convo|group|moderation|notification)\.|internal\."
    r"|com\.atproto\.(admin|temp)\.|com\.atproto\.repo\.importRepo"
    r"|app\.bsky\.unspecced\.getAtmosphere"
)


def test_every_method_that_the_sdk_knows_is_catalogued() -> None:
    """A newer SDK with a method that is not here fails this test: then it wants a row."""
    calls = Path(sync_ns.__file__).read_text(encoding="utf-8")
    methods = re.findall(r"invoke_(query|procedure)\(\s*'([\w.]+)'", calls)
    unknown = [
        method
        for kind, method in methods
        if BLUESKY.quote(
            "GET" if kind == "query" else "POST", "bsky.social", f"/xrpc/{method}"
        ).kind
        == "unknown"
    ]

    assert len(methods) > 300
    assert [each for each in unknown if not LEFT_UNKNOWN.match(each)] == []


def test_images_and_videos_are_not_governed() -> None:
    assert not BLUESKY.governs("cdn.bsky.app")
    assert BLUESKY.governs("bsky.app")
    assert not BLUESKY.governs("pds.example.org")


def test_quotes_of_quotes_hold_no_more_than_the_price() -> None:
    """The AppView goes two deep: a post, the one it quotes, and the one that one quotes."""
    quote = get("app.bsky.feed.searchPosts", "?q=rain&limit=100")

    assert counted(quote, {"hitsTotal": 9, "posts": [FULL] * 100}) == 300 == quote.price
    assert counted(quote, {"posts": [view()] * 100}) == 100


def test_a_feed_brings_parents_and_roots() -> None:
    """What is gone or blocked has no text, and is no post."""
    replied = {"post": FULL, "reply": {"root": FULL, "parent": FULL}}
    broken = {"post": view(), "reply": {"root": GONE, "parent": BLOCKED}}
    reposted = {
        "post": view(),
        "reason": {
            "$type": "app.bsky.feed.defs#reasonRepost",
            "by": AUTHOR,
            "uri": URI,
            "cid": "c",
        },
    }
    quote = get("app.bsky.feed.getAuthorFeed", "?limit=100")

    assert counted(quote, {"feed": [replied] * 100, "cursor": "c"}) == 900 == quote.price
    assert counted(quote, {"feed": [broken, reposted]}) == 2


def test_a_thread_is_counted_in_both_its_forms() -> None:
    nested: dict[str, Any] = {"post": view(), "parent": {"post": view()}, "replies": []}
    for _ in range(50):
        nested = {"post": FULL, "replies": [nested, GONE, BLOCKED]}
    flat = [
        {"uri": URI, "depth": depth, "value": {"post": view(), "moreReplies": 0}}
        for depth in range(20)
    ]

    assert counted(get(THREADS[0]), {"thread": nested}) == 152
    assert counted(get(THREADS[1]), {"thread": flat, "hasOtherReplies": False}) == 20


def test_records_are_counted_by_their_text() -> None:
    follow = {"$type": "app.bsky.graph.follow", "subject": "did:plc:b", "createdAt": "2026"}
    records = [{"uri": URI, "cid": "c", "value": TEXT}, {"uri": URI, "cid": "c", "value": follow}]
    quote = get("com.atproto.repo.listRecords", "?limit=100")

    assert counted(quote, {"records": records * 50}) == 50 <= quote.price


def test_a_notification_holds_the_record_that_it_tells_of() -> None:
    told = {"uri": URI, "cid": "c", "author": AUTHOR, "reason": "reply", "record": TEXT}
    quote = get("app.bsky.notification.listNotifications", "?limit=100")

    assert counted(quote, {"notifications": [told] * 100}) == 100 <= quote.price


def test_feeds_and_lists_are_no_posts() -> None:
    feed = {"uri": URI, "cid": "c", "did": "d", "creator": AUTHOR, "displayName": "f"}
    quote = get("app.bsky.feed.searchPosts")

    assert counted(quote, {"posts": [view(quoting(feed))]}) == 1


def test_every_operation_has_a_case_here() -> None:
    reads = [method for method, *_ in PAGES]
    reads += [*THREADS, *WITHOUT, *CHATS, "app.bsky.feed.getPosts", "com.atproto.repo.getRecord"]
    reads += ["com.atproto.sync.getRepo", "com.atproto.sync.getBlocks"]
    seen = {get(method).operation for method in reads}
    seen |= {
        BLUESKY.quote("POST", HOSTS[1], f"/xrpc/com.atproto.repo.{method}").operation
        for method in (*dict(WRITES), "uploadBlob")
    }

    assert seen | {"subscribe", "archive", "oauth", "chat_write"} == set(BLUESKY.operations)


def test_the_recommended_contract_is_in_units_of_the_catalog(tmp_path: Path) -> None:
    contract = recommended("bluesky", tmp_path)

    assert [(limit.most, limit.unit, limit.window_ms) for limit in contract.limits] == [
        (3_000, "requests", 300_000),
        (5_000, "points", 3_600_000),
        (35_000, "points", 86_400_000),
    ]
    assert {limit.unit for limit in contract.limits} <= set(BLUESKY.units)
    assert (BLUESKY.counts, BLUESKY.dialect) == ("posts", "bluesky")
