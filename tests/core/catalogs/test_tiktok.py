"""TikTok's catalog against the specification of the Research API, written out again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from governor.core.catalog import Body
from tests.core.catalogs.platforms import catalog, counted, json_body, recommended

if TYPE_CHECKING:
    from pathlib import Path

TIKTOK = catalog("tiktok")
HOST = "open.tiktokapis.com"

# path, page by default, the member that lists the records
PAGES = [
    ("/v2/research/video/query/", 20, "videos"),
    ("/v2/research/video/comment/list/", 10, "comments"),
    ("/v2/research/user/liked_videos/", 20, "user_liked_videos"),
    ("/v2/research/user/reposted_videos/", 20, "reposted_videos"),
]
VIDEO: dict[str, Any] = {
    "id": 7,
    "video_description": "t",
    "hashtag_info_list": [{"hashtag_id": 1, "hashtag_name": "h"}],
    "video_label": {"content": "c", "type": 1},
    "sticker_info_list": [{"sticker_id": 2, "sticker_name": "s"}],
}


def answer(member: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "data": {member: records, "cursor": 100, "has_more": True, "search_id": "7"},
        "error": {"code": "ok", "message": "", "log_id": "2026"},
    }


@pytest.mark.parametrize(("path", "default", "member"), PAGES)
def test_a_page_says_in_its_json_body_how_many_records_it_is_to_have(
    path: str, default: int, member: str
) -> None:
    """Read as number or text; whatever is not plain, or was not read, is a page of 100."""
    for body, records in (
        (json_body({"query": {}, "max_count": 7}), 7),
        (json_body({"query": {}, "max_count": "7"}), 7),
        (json_body({"query": {}}), default),
        (json_body({"max_count": 100}), 100),
        (json_body({"max_count": 5_000}), 100),
        (json_body({"max_count": -1}), 100),
        (Body("application/json", None), 100),
        (Body("application/json", b"{"), 100),
        (None, 100),
    ):
        quote = TIKTOK.quote("POST", HOST, f"{path}?fields=id,text", body)
        assert (quote.kind, quote.asked, quote.price) == ("posts", records, records)
        assert quote.costs == (("queries", 1),)
    assert TIKTOK.reads_body("POST", HOST, path)

    quote = TIKTOK.quote("POST", HOST, path, json_body({"max_count": 100}))
    assert counted(quote, answer(member, [VIDEO] * 100)) == 100 == quote.price
    assert counted(quote, answer(member, [])) == 0


def test_a_path_is_the_same_with_and_without_its_last_slash() -> None:
    body = json_body({"max_count": 7})
    for path, *_ in PAGES:
        assert TIKTOK.quote("POST", HOST, path, body) == TIKTOK.quote(
            "POST", HOST, path.rstrip("/"), body
        )


def test_pinned_videos_have_no_pages() -> None:
    quote = TIKTOK.quote("POST", HOST, "/v2/research/user/pinned_videos/", json_body({}))

    assert (quote.asked, quote.price, quote.has_ceiling) == (3, 20, False)
    assert counted(quote, answer("pinned_videos_list", [VIDEO] * 3)) == 3


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("user/info", "queries"),
        ("playlist/info", "queries"),
        ("user/followers", "follows"),
        ("user/following", "follows"),
    ],
)
def test_accounts_are_no_records(path: str, unit: str) -> None:
    """They cost a query, or one of the calls that followers have for themselves."""
    quote = TIKTOK.quote("POST", HOST, f"/v2/research/{path}/", json_body({"max_count": 100}))

    assert (quote.kind, quote.asked, quote.price) == ("posts", 0, 0)
    assert quote.costs == ((unit, 1),)
    accounts = [{"display_name": "d", "username": "u"}] * 100
    assert counted(quote, answer("user_followers", accounts)) == 0


def test_signing_in_is_free() -> None:
    for path in ("/v2/oauth/token/", "/v2/oauth/revoke/"):
        assert TIKTOK.quote("POST", HOST, path).kind == "free"


def test_what_has_limits_that_we_do_not_know_is_unknown() -> None:
    assert TIKTOK.quote("POST", HOST, "/v2/research/adlib/ad/query/").kind == "unknown"


def test_every_operation_has_a_case_here() -> None:
    assert set(TIKTOK.operations) == {
        *("video_query", "video_comments", "user_liked_videos", "user_reposted_videos"),
        *("user_pinned_videos", "user_info", "playlist_info", "user_followers"),
        *("user_following", "oauth"),
    }


def test_the_recommended_contract_is_in_units_of_the_catalog(tmp_path: Path) -> None:
    """1,000 queries with up to 100,000 records a day of UTC, and 20,000 calls for followers."""
    contract = recommended("tiktok", tmp_path)

    assert [(limit.most, limit.unit, limit.calendar) for limit in contract.limits] == [
        (100_000, "records", "day UTC"),
        (1_000, "queries", "day UTC"),
        (20_000, "follows", "day UTC"),
    ]
    assert {limit.unit for limit in contract.limits} <= set(TIKTOK.units)
    assert (TIKTOK.counts, TIKTOK.dialect) == ("records", "tiktok")
