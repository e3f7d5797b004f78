"""YouTube's catalog against the API's own description and its page of costs, written out again."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.catalogs.platforms import catalog, counted, recommended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

YOUTUBE = catalog("youtube")
HOSTS = ("youtube.googleapis.com", "www.googleapis.com")

# path, items by default, at most, objects of one, units
LISTS = [
    ("activities", 5, 50, 1, 1),
    ("comments", 100, 100, 1, 1),
    ("commentThreads", 100, 100, 7, 1),
    ("playlistItems", 50, 50, 1, 1),
    ("playlists", 50, 50, 1, 1),
    ("playlistImages", 50, 50, 1, 50),
    ("subscriptions", 50, 50, 1, 1),
    ("members", 5, 1000, 1, 1),
    ("liveBroadcasts", 50, 50, 1, 50),
    ("liveStreams", 50, 50, 1, 50),
    ("liveChat/moderators", 5, 50, 1, 50),
    ("liveChat/messages", 500, 2000, 1, 50),
    ("superChatEvents", 5, 50, 1, 50),
]
UNBOUNDED = [  # no parameter bounds them
    ("channelSections", 50, 1),
    ("membershipsLevels", 50, 1),
    ("videoCategories", 50, 1),
    ("videoAbuseReportReasons", 50, 1),
    ("i18nLanguages", 100, 1),
    ("i18nRegions", 200, 1),
    ("captions", 200, 50),
    ("thirdPartyLinks", 50, 50),
]
WITHOUT = [  # no resource comes back
    ("videos/getRating", 1),
    ("videos:batchGetStats", 50),
    ("videoTrainability", 50),
    ("captions/AUieDaZ", 200),
]
WRITES = [
    ("PUT", "channels", 50),
    ("POST", "channelBanners/insert", 50),
    *((method, "channelSections", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "comments", 50) for method in ("POST", "PUT", "DELETE")),
    ("POST", "comments/setModerationStatus", 50),
    ("POST", "comments/markAsSpam", 50),
    *((method, "commentThreads", 50) for method in ("POST", "PUT")),
    *((method, "playlistItems", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "playlists", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "playlistImages", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "subscriptions", 50) for method in ("POST", "DELETE")),
    ("POST", "thumbnails/set", 50),
    *((method, "videos", 50) for method in ("PUT", "DELETE")),
    *(("POST", f"videos/{verb}", 50) for verb in ("rate", "reportAbuse")),
    *(("POST", f"watermarks/{verb}", 50) for verb in ("set", "unset")),
    ("POST", "abuseReports", 50),
    *((method, "thirdPartyLinks", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "liveBroadcasts", 50) for method in ("POST", "PUT", "DELETE")),
    *(("POST", f"liveBroadcasts/{verb}", 50) for verb in ("bind", "cuepoint", "transition")),
    *((method, "liveStreams", 50) for method in ("POST", "PUT", "DELETE")),
    *((method, "liveChat/bans", 50) for method in ("POST", "DELETE")),
    *((method, "liveChat/messages", 50) for method in ("POST", "DELETE")),
    ("POST", "liveChat/messages/transition", 50),
    *((method, "liveChat/moderators", 50) for method in ("POST", "DELETE")),
    ("POST", "tests", 50),
    ("POST", "captions", 400),
    ("PUT", "captions", 450),
    ("DELETE", "captions", 50),
]
UPLOADED = [
    "channelBanners/insert",
    "playlistImages",
    "thumbnails/set",
    "watermarks/set",
    "captions",
]


def quoted(method: str, path: str) -> tuple[str, int, int, dict[str, int]]:
    """Return kind, asked, price and costs; the same at both hosts."""
    first, second = (YOUTUBE.quote(method, host, f"/youtube/v3/{path}") for host in HOSTS)
    assert first == second
    return first.kind, first.asked, first.price, dict(first.costs)


@pytest.mark.parametrize(("path", "default", "most", "objects", "units"), LISTS)
def test_a_page_of_resources(path: str, default: int, most: int, objects: int, units: int) -> None:
    costs = {"units": units}
    for query, asked in (("", default), (f"maxResults={most}", most), ("maxResults=9999", most)):
        assert quoted("GET", f"{path}?{query}") == ("posts", asked, objects * asked, costs)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        *(("comments", 100), ("commentThreads", 700), ("playlistItems", 50), ("playlists", 50)),
        *(("subscriptions", 50), ("liveBroadcasts", 50), ("liveStreams", 50)),
    ],
)
def test_what_is_chosen_by_id_is_not_bounded_by_a_page(path: str, most: int) -> None:
    assert quoted("GET", f"{path}?maxResults=1&id=a,b")[2] == most


@pytest.mark.parametrize(("path", "most", "units"), UNBOUNDED)
def test_a_list_without_pages(path: str, most: int, units: int) -> None:
    assert quoted("GET", f"{path}?part=snippet") == ("posts", most, most, {"units": units})


@pytest.mark.parametrize("path", ["videos", "channels"])
def test_resources_by_id(path: str) -> None:
    """Fifty by id, or fifty of a chart or an account: fifty at most, for one unit."""
    assert quoted("GET", f"{path}?id=a_1,b2,c3") == ("posts", 3, 3, {"units": 1})
    assert quoted("GET", f"{path}?chart=mostPopular") == ("posts", 50, 50, {"units": 1})


@pytest.mark.parametrize(("path", "units"), WITHOUT)
def test_an_answer_without_resources(path: str, units: int) -> None:
    assert quoted("GET", path) == ("posts", 0, 0, {"units": units})


def test_a_search_has_a_limit_of_its_own() -> None:
    """And costs no units: not the 100 that it cost before, and not the one of an invalid call."""
    assert quoted("GET", "search?part=snippet&q=rain") == ("posts", 5, 5, {"searches": 1})
    assert quoted("GET", "search?maxResults=50") == ("posts", 50, 50, {"searches": 1})


def test_an_upload_has_a_limit_of_its_own() -> None:
    for path in (
        "/youtube/v3/videos",
        "/upload/youtube/v3/videos",
        "/resumable/upload/youtube/v3/videos",
    ):
        assert dict(YOUTUBE.quote("POST", HOSTS[0], path).costs) == {"uploads": 1}
    part = YOUTUBE.quote("PUT", HOSTS[0], "/upload/youtube/v3/videos?upload_id=7")
    assert dict(part.costs) == {"uploads": 1}


@pytest.mark.parametrize(("method", "path", "units"), WRITES)
def test_a_write(method: str, path: str, units: int) -> None:
    kind, _, _, costs = quoted(method, path)
    assert (kind, costs) == ("posts", {"units": units})
    if method == "POST" and path in UPLOADED:
        assert YOUTUBE.quote(method, HOSTS[0], f"/upload/youtube/v3/{path}").costs == tuple(
            costs.items()
        )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/batch"),
        ("POST", "/batch/youtube/v3"),
        ("GET", "/youtube/v3/liveChat/messages/stream"),
    ],
)
def test_what_hides_its_cost_is_refused(method: str, path: str) -> None:
    quote = YOUTUBE.quote(method, HOSTS[1], path)
    assert quote.kind == "refused"
    assert quote.reason


@pytest.mark.parametrize(
    "path", ["/$discovery/rest?version=v3", "/discovery/v1/apis/youtube/v3/rest"]
)
def test_the_description_of_the_api_is_free(path: str) -> None:
    assert YOUTUBE.quote("GET", HOSTS[0], path).kind == "free"


def test_every_operation_has_a_case_here() -> None:
    seen = {
        YOUTUBE.quote(method, HOSTS[0], f"/youtube/v3/{path}").operation
        for method, path in [
            *(("GET", path) for path, *_ in (*LISTS, *UNBOUNDED, *WITHOUT)),
            *(("GET", path) for path in ("videos", "channels", "search")),
            *((method, path) for method, path, _ in WRITES),
            ("POST", "videos"),
            ("GET", "liveChat/messages/stream"),
        ]
    }
    assert seen | {"videos_insert_part", "batch", "discovery"} == set(YOUTUBE.operations)


def methods(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the methods of the API's description, those of resources within too."""
    for each in resource.get("resources", {}).values():
        yield from methods(each)
    yield from resource.get("methods", {}).values()


def test_every_method_of_the_api_s_description_is_catalogued() -> None:
    """At its path and where it uploads; a newer description with a further one fails this test."""
    documents = files("googleapiclient.discovery_cache").joinpath("documents")
    described = json.loads(documents.joinpath("youtube.v3.json").read_text("utf-8"))
    asked = []
    for method in methods(described):
        protocols = method.get("mediaUpload", {}).get("protocols", {})
        for path in (f"/{method['path']}", *(each["path"] for each in protocols.values())):
            quote = YOUTUBE.quote(method["httpMethod"], HOSTS[0], path.replace("{id}", "7"))
            asked.append(quote)
            assert quote.kind in {"posts", "refused"}, method["id"]
            assert quote.kind == "refused" or sum(dict(quote.costs).values()) >= 1, method["id"]

    assert len(asked) > 80


def test_the_recommended_contract_is_in_units_of_the_catalog(tmp_path: Path) -> None:
    """A day begins at midnight in California: 10,000 units, 100 searches, 100 uploads."""
    contract = recommended("youtube", tmp_path)

    assert [(limit.most, limit.unit, limit.calendar) for limit in contract.limits] == [
        (10_000, "units", "day America/Los_Angeles"),
        (100, "searches", "day America/Los_Angeles"),
        (100, "uploads", "day America/Los_Angeles"),
    ]
    assert {limit.unit for limit in contract.limits} <= set(YOUTUBE.units)
    assert (YOUTUBE.counts, YOUTUBE.dialect) == ("items", "youtube")


def resource(kind: str, **more: object) -> dict[str, Any]:
    return {"kind": f"youtube#{kind}", "etag": "e", "id": "i", **more}


def envelope(kind: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    page = {"totalResults": 1_000_000, "resultsPerPage": len(items)}
    return {"kind": f"youtube#{kind}ListResponse", "etag": "e", "pageInfo": page, "items": items}


def test_a_page_of_threads_holds_no_more_than_its_price() -> None:
    """Each thread with its first comment and five replies: seven resources."""
    comment = resource("comment", snippet={"textDisplay": "t", "authorChannelId": {"value": "c"}})
    thread = resource(
        "commentThread",
        snippet={"topLevelComment": comment, "totalReplyCount": 9},
        replies={"comments": [comment] * 5},
    )
    quote = YOUTUBE.quote("GET", HOSTS[0], "/youtube/v3/commentThreads?maxResults=100")

    assert counted(quote, envelope("commentThread", [thread] * 100)) == 700 == quote.price


def test_a_search_result_is_one_item_whatever_its_id_names() -> None:
    results = [
        {
            "kind": "youtube#searchResult",
            "etag": "e",
            "id": {"kind": "youtube#video", "videoId": "v"},
        }
    ] * 50
    quote = YOUTUBE.quote("GET", HOSTS[0], "/youtube/v3/search?maxResults=50")

    assert counted(quote, envelope("search", results)) == 50 == quote.price


def test_videos_with_all_their_parts_are_one_item_each() -> None:
    video = resource(
        "video",
        snippet={"title": "t", "thumbnails": {"default": {"url": "u"}}},
        statistics={"viewCount": "1"},
        contentDetails={"duration": "PT1S"},
    )
    quote = YOUTUBE.quote("GET", HOSTS[0], "/youtube/v3/videos?id=" + ",".join(["i"] * 50))

    assert counted(quote, envelope("video", [video] * 50)) == 50 == quote.price
