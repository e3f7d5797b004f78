"""Reddit's catalog against PRAW's list of endpoints and the shapes of its listings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from governor.core.catalog import Body
from tests.core.catalogs.platforms import catalog, counted, form_body, recommended

if TYPE_CHECKING:
    from pathlib import Path

REDDIT = catalog("reddit")
HOSTS = ("oauth.reddit.com", "www.reddit.com", "old.reddit.com", "reddit.com")
ENDS = ("", "/", ".json", "/.json")

LINK: dict[str, Any] = {
    "id": "a1",
    "name": "t3_a1",
    "title": "t",
    "permalink": "/r/x/comments/a1/t/",
    "selftext": "s",
    "num_comments": 1,
    "media": {"oembed": {"title": "m"}},
}
CROSSPOST = {**LINK, "crosspost_parent": "t3_b2", "crosspost_parent_list": [LINK]}
COMMENT: dict[str, Any] = {
    "id": "c3",
    "name": "t1_c3",
    "body": "b",
    "link_id": "t3_a1",
    "permalink": "/r/x/comments/a1/t/c3/",
    "replies": "",
}
SUBREDDIT = {"id": "s", "name": "t5_s", "title": "t", "display_name": "x", "url": "/r/x/"}
MORE = {"count": 900, "name": "t1_m", "id": "m", "parent_id": "t3_a1", "children": ["n", "o"]}


def listing(*things: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    children = [{"kind": kind, "data": content} for kind, content in things]
    return {
        "kind": "Listing",
        "data": {"after": "t3_z", "dist": len(children), "children": children},
    }


def tree(comments: int) -> list[dict[str, Any]]:
    """Return a crosspost and a chain of comments below it, with `more` of them at its end."""
    replies: Any = listing(("more", MORE))
    for _ in range(comments):
        replies = listing(("t1", {**COMMENT, "replies": replies}))
    return [listing(("t3", CROSSPOST)), replies]


def quoted(path: str, end: str = "", query: str = "") -> tuple[str, int, int]:
    """Return kind, asked and price; the same at each host."""
    quotes = [REDDIT.quote("GET", host, f"{path}{end}{query}") for host in HOSTS]
    assert all(each == quotes[0] for each in quotes)
    return quotes[0].kind, quotes[0].asked, quotes[0].price


LISTINGS = [
    *(f"/r/python/{sort}" for sort in ("new", "rising", "top", "controversial", "gilded")),
    *("/new", "/top", "/best", "/r/a+b/new", "/user/me/m/news/new", "/domain/example.org/top"),
]
HOT = ["/hot", "/r/python", "/r/python/hot", "/user/me/m/news", "/domain/example.org"]
MIXED = [
    *("/search", "/r/python/search", "/r/python/comments", "/user/spez", "/user/spez/submitted"),
    *("/user/spez/comments", "/user/spez/overview", "/u/spez", "/message/inbox"),
    *("/message/mentions", "/live/abc", "/r/python/about/modqueue"),
    "/r/python/wiki/discussions/index",
]
DUPLICATES = ["/duplicates/a1", "/r/python/duplicates/a1"]
TREES = [
    *("/comments/a1", "/r/python/comments/a1", "/r/python/comments/a1/a_title"),
    *("/comments/a1/a_title/c3", "/r/python/comments/a1/a_title/c3"),
]
WITHOUT = [
    *("/api/v1/me", "/api/v1/me/karma", "/user/spez/about", "/r/python/about"),
    *("/r/python/about/rules", "/r/python/about/moderators", "/subreddits/search"),
    *("/subreddits/popular", "/api/multi/mine", "/r/python/wiki/pages", "/r/python/wiki/index"),
    *("/api/user_data_by_account_ids", "/api/live/happening_now", "/r/python/about/log"),
]
WRITES = {"echo": ("/api/comment/", "/api/submit"), "acts": ("/api/vote/", "/api/subscribe")}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("path", "objects"),
    [
        *((path, 2) for path in (*LISTINGS, *MIXED)),
        *((path, 4) for path in DUPLICATES),
        *((path, 6) for path in HOT),
    ],
)
def test_a_listing_has_25_things_or_what_limit_says_up_to_100(
    path: str, objects: int, end: str
) -> None:
    for query, asked in (("", 25), ("?limit=1", 1), ("?limit=100", 100), ("?limit=1024", 100)):
        assert quoted(path, end, query) == ("posts", asked, objects * asked)


def test_the_front_page_is_a_listing() -> None:
    for path in ("/", "/.json"):
        assert quoted(path) == ("posts", 25, 150)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", TREES)
def test_a_tree_of_comments_has_no_ceiling(path: str, end: str) -> None:
    """It names one link, and is held at the most that a usual one brings."""
    quote = REDDIT.quote("GET", HOSTS[0], f"{path}{end}?limit=2048")

    assert (quote.kind, quote.asked, quote.ids) == ("posts", 1, 1)
    assert (quote.price, quote.has_ceiling) == (502, False)


def test_more_of_a_tree_is_asked_for_in_a_form() -> None:
    for quote in (
        REDDIT.quote("POST", HOSTS[0], "/api/morechildren/", form_body("children=a%2Cb&sort=top")),
        REDDIT.quote("GET", HOSTS[0], "/api/morechildren?children=a,b", Body("", b"")),
    ):
        assert (quote.asked, quote.price, quote.has_ceiling) == (2, 500, False)


def test_things_are_looked_up_by_name() -> None:
    assert quoted("/api/info", query="?id=t3_a1,t1_c3") == ("posts", 2, 4)
    assert quoted("/api/info", query="?url=https://example.org/") == ("posts", 100, 200)
    assert quoted("/api/info", query="?id=t3_a1&url=https://example.org/") == ("posts", 100, 200)
    assert quoted("/by_id/t3_a1,t3_b2") == ("posts", 100, 200)
    assert quoted("/by_id/" + ",".join(["t3_a1"] * 100)) == ("posts", 100, 200)
    assert quoted("/by_id/" + ",".join(["t3_a1"] * 101))[0] == "unknown"


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("path", WITHOUT)
def test_an_answer_without_links_and_comments_is_a_request_and_no_more(path: str, end: str) -> None:
    assert quoted(path, end) == ("posts", 0, 0)


def test_what_is_written_comes_back_once_or_not_at_all() -> None:
    for operation, paths in WRITES.items():
        for path in paths:
            quote = REDDIT.quote("POST", HOSTS[0], path, form_body("api_type=json&text=b"))
            assert (quote.operation, quote.asked) == (operation, int(operation == "echo"))


def test_a_collection_brings_its_links() -> None:
    assert quoted("/api/v1/collections/collection", query="?include_links=true")[1:] == (100, 200)


def test_signing_in_is_a_request_too() -> None:
    quote = REDDIT.quote("POST", "www.reddit.com", "/api/v1/access_token")
    assert (quote.kind, quote.price) == ("posts", 0)


def test_a_search_for_subreddits_brings_no_posts() -> None:
    quote = REDDIT.quote("GET", HOSTS[0], "/search?q=x&type=sr&limit=100")

    assert quote.price == 0
    assert counted(quote, listing(*[("t5", SUBREDDIT)] * 100)) == 0


def test_a_page_of_crossposts_holds_no_more_than_its_price() -> None:
    quote = REDDIT.quote("GET", HOSTS[0], "/r/python/new?limit=100")

    assert counted(quote, listing(*[("t3", CROSSPOST)] * 100)) == 200 == quote.price
    assert counted(quote, listing(*[("t3", LINK)] * 100)) == 100


def test_stickied_links_come_on_top_of_the_page() -> None:
    quote = REDDIT.quote("GET", HOSTS[0], "/r/python/hot?limit=1")

    assert counted(quote, listing(*[("t3", CROSSPOST)] * 3)) == 6 == quote.price


def test_a_link_comes_on_top_of_the_page_of_its_duplicates() -> None:
    quote = REDDIT.quote("GET", HOSTS[0], "/duplicates/a1?limit=1")

    assert counted(quote, [listing(("t3", CROSSPOST))] * 2) == 4 == quote.price


def test_links_and_comments_of_a_user_each_count_once() -> None:
    """A comment tells its link's title there, and is not that link."""
    told = {**COMMENT, "link_title": "t", "link_permalink": "p", "num_comments": 3}
    quote = REDDIT.quote("GET", HOSTS[0], "/user/spez?limit=100")

    assert counted(quote, listing(*[("t3", LINK), ("t1", told)] * 50)) == 100 <= quote.price


def test_a_tree_is_counted_to_its_depth_and_more_is_no_comment() -> None:
    quote = REDDIT.quote("GET", HOSTS[0], "/comments/a1")

    assert counted(quote, tree(100)) == 102 <= quote.price


def test_more_of_a_tree_is_counted() -> None:
    things = [{"kind": "t1", "data": COMMENT}] * 100 + [{"kind": "more", "data": MORE}]
    quote = REDDIT.quote("GET", HOSTS[0], "/api/morechildren?children=a,b", Body("", b""))

    assert counted(quote, {"json": {"errors": [], "data": {"things": things}}}) == 100


def test_every_operation_has_a_case_here() -> None:
    paths = [*LISTINGS, *HOT, *MIXED, *DUPLICATES, *TREES, *WITHOUT, "/api/info", "/by_id/t3_a1"]
    paths.append("/api/v1/collections/collection")
    seen = {REDDIT.quote("GET", HOSTS[0], path).operation for path in paths}

    assert seen | {*WRITES, "more_children", "oauth", "sticky"} == set(REDDIT.operations)


def test_the_recommended_contract_averages_over_ten_minutes(tmp_path: Path) -> None:
    (limit,) = recommended("reddit", tmp_path).limits

    assert (limit.most, limit.unit, limit.window_ms) == (1_000, "requests", 600_000)
    assert limit.unit in REDDIT.units
    assert (REDDIT.counts, REDDIT.dialect) == ("posts", "reddit")
