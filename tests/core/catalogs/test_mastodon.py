"""Mastodon's catalog against its documentation, for whichever servers a contract names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mastodon
import pytest

from governor.core.counting import Records
from tests.core.catalogs.platforms import catalog, counted, recommended

if TYPE_CHECKING:
    from governor.core.catalog import Quote

HOST = "mastodon.social"
MASTODON = catalog("mastodon").on((HOST, "example.social"))

ACCOUNT = {"id": "1", "username": "a", "acct": "a", "uri": "u", "note": "n", "created_at": "2026"}
STATUS: dict[str, Any] = {
    "id": "7",
    "uri": "u",
    "created_at": "2026",
    "content": "<p>t</p>",
    "spoiler_text": "",
    "account": ACCOUNT,
    "reblog": None,
    "card": {"url": "u", "title": "t"},
    "mentions": [],
}
SHALLOW = {**STATUS, "quote": {"state": "accepted", "quoted_status_id": "9"}}
QUOTING = {**STATUS, "quote": {"state": "accepted", "quoted_status": SHALLOW}}
REBLOG = {**STATUS, "reblog": QUOTING}

TIMELINES = [
    *(f"/api/v1/timelines/{name}" for name in ("public", "home", "link", "direct")),
    *("/api/v1/timelines/tag/rain", "/api/v1/timelines/list/7", "/api/v1/accounts/7/statuses"),
    *("/api/v1/bookmarks", "/api/v1/favourites", "/api/v1/trends/statuses"),
    "/api/v1/statuses/7/quotes",
]
INSIDE = [  # page by default, and at most
    ("/api/v2/search", 20, 40),
    ("/api/v1/search", 20, 40),
    ("/api/v1/conversations", 20, 40),
    ("/api/v1/notifications", 40, 80),
    ("/api/v2/notifications", 40, 80),
    ("/api/v1/notifications/requests", 40, 80),
]
ONE = [
    ("GET", "/api/v1/notifications/7"),
    ("GET", "/api/v1/notifications/requests/7"),
    ("GET", "/api/v2/notifications/favourite-7-1"),
    ("POST", "/api/v1/conversations/7/read"),
    ("POST", "/api/v1/statuses"),
    ("PUT", "/api/v1/statuses/7"),
    ("POST", "/api/v1/statuses/7/favourite"),
]
HELD = [
    ("/api/v1/statuses/7/context", 400),
    ("/api/v1/statuses/7/history", 20),
    ("/api/v1/annual_reports", 40),
]
WITHOUT = [
    *("/api/v1/accounts/7", "/api/v1/accounts/7/followers", "/api/v1/statuses/7/favourited_by"),
    *("/api/v1/polls/7", "/api/v1/tags/rain", "/api/v1/trends/tags", "/api/v1/lists"),
    *("/api/v1/blocks", "/api/v2/instance", "/api/v1/custom_emojis", "/oauth/authorize"),
    *("/api/v1/media/7", "/api/v1/collections/7", "/api/v2/filters/7"),
]


def get(path: str) -> Quote:
    return MASTODON.quote("GET", HOST, path)


@pytest.mark.parametrize("path", TIMELINES)
def test_a_page_of_statuses(path: str) -> None:
    """Twenty, or what limit says up to forty; each may repeat one, and both may quote one."""
    for query, asked in (("", 20), ("?limit=5", 5), ("?limit=40", 40), ("?limit=0", 40)):
        quote = get(path + query)
        assert (quote.kind, quote.asked, quote.price) == ("posts", asked, 4 * asked)

    quote = get(f"{path}?limit=40")
    assert counted(quote, [STATUS] * 40) == 40
    assert counted(quote, [QUOTING] * 40) == 80
    assert counted(quote, [REBLOG] * 40) == 120 <= quote.price


@pytest.mark.parametrize(("path", "default", "most"), INSIDE)
def test_statuses_inside_other_things(path: str, default: int, most: int) -> None:
    for query, asked in (("", default), (f"?limit={most}", most), ("?limit=999", most)):
        quote = get(path + query)
        assert (quote.kind, quote.asked, quote.price) == ("posts", asked, 4 * asked)


@pytest.mark.parametrize(("method", "path"), ONE)
def test_one_status_comes_back(method: str, path: str) -> None:
    quote = MASTODON.quote(method, HOST, path)
    assert (quote.kind, quote.asked, quote.price) == ("posts", 1, 4)


def test_statuses_by_id() -> None:
    assert (get("/api/v1/statuses/7").ids, get("/api/v1/statuses/7").price) == (1, 4)
    for ids in ("id[]=1&id[]=2", "id%5B%5D=1&id%5B%5D=2"):
        quote = get(f"/api/v1/statuses?{ids}")
        assert (quote.asked, quote.ids, quote.price) == (2, 2, 8)
    assert get("/api/v1/statuses?id=1").price == 4 * 341


@pytest.mark.parametrize(("path", "price"), HELD)
def test_what_has_no_ceiling(path: str, price: int) -> None:
    quote = get(path)
    assert (quote.asked, quote.price, quote.has_ceiling) == (1, price, False)


@pytest.mark.parametrize("form", ["translate", "source"])
def test_the_text_of_a_status_in_another_form_is_one_post(form: str) -> None:
    method = "POST" if form == "translate" else "GET"
    quote = MASTODON.quote(method, HOST, f"/api/v1/statuses/7/{form}")
    assert (quote.asked, quote.ids, quote.price) == (1, 1, 1)


@pytest.mark.parametrize("path", WITHOUT)
def test_an_answer_without_statuses_is_a_request_and_no_more(path: str) -> None:
    quote = get(path)
    assert (quote.kind, quote.asked, quote.price) == ("posts", 0, 0)


@pytest.mark.parametrize("kind", ["accounts", "hashtags", "statuses"])
def test_a_search_brings_statuses_unless_it_is_for_something_else(kind: str) -> None:
    found = {"accounts": [ACCOUNT] * 40, "statuses": [], "hashtags": [{"name": "n", "url": "u"}]}
    quote = get(f"/api/v2/search?q=rain&limit=40&type={kind}")

    assert quote.price == (160 if kind == "statuses" else 0)
    assert counted(quote, found) == 0
    if kind == "statuses":
        assert counted(quote, {**found, "statuses": [REBLOG] * 40}) == 120


def test_a_thread_is_counted_on_both_sides() -> None:
    quote = get("/api/v1/statuses/7/context")

    assert counted(quote, {"ancestors": [QUOTING] * 40, "descendants": [STATUS] * 60}) == 140


def test_notifications_are_counted_in_both_their_forms() -> None:
    plain = {"id": "1", "type": "mention", "created_at": "2026", "account": ACCOUNT}
    groups = {"accounts": [ACCOUNT], "statuses": [STATUS] * 80, "notification_groups": []}

    mentions = [{**plain, "status": STATUS}, {**plain, "type": "follow"}]
    assert counted(get("/api/v1/notifications"), mentions) == 1
    assert counted(get("/api/v2/notifications?limit=80"), groups) == 80


def test_earlier_versions_count() -> None:
    edit = {"content": "t", "spoiler_text": "", "account": ACCOUNT, "created_at": "2026"}

    assert counted(get("/api/v1/statuses/7/history"), [edit] * 3) == 3


def test_a_stream_tells_what_bounds_it() -> None:
    quote = get("/api/v1/streaming/public/local")

    assert (quote.kind, quote.price) == ("stream", 0)
    assert quote.flow is not None
    assert quote.flow.each == 4
    assert get("/api/v1/streaming?stream=public").kind == "refused"


def test_no_status_of_a_stream_is_missed() -> None:
    """Its events are lines of which only some end in JSON: more is counted, and never less."""
    told = b"data: " + json.dumps(QUOTING).encode() + b"\n"
    stream = b":)\n" + (b"event: update\n" + told + b"\n") * 5 + b":thump\n"
    records = Records("", get("/api/v1/streaming/public").counting)

    lines = list(records.feed(stream))

    assert b"".join(line for line, _ in lines) == stream
    assert sum(posts for line, posts in lines if line == told) >= 2 * 5
    assert sum(posts for _, posts in lines if posts) <= 2 * 5 + 5 + 2


def test_only_the_contract_s_servers_are_governed() -> None:
    assert MASTODON.governs("mastodon.social")
    assert MASTODON.governs("streaming.mastodon.social")
    assert not MASTODON.governs("mastodon.online")
    assert MASTODON.quote("GET", "mastodon.online", TIMELINES[0]).kind != "free"


def test_every_operation_has_a_case_here() -> None:
    paths = [*TIMELINES, *WITHOUT, *(row[0] for row in INSIDE), *(row[0] for row in HELD)]
    paths += ["/api/v1/statuses", "/api/v1/statuses/7", "/api/v1/statuses/7/source"]
    seen = {get(path).operation for path in paths}
    seen |= {MASTODON.quote(method, HOST, path).operation for method, path in ONE}
    seen |= {"own_writes", "accounts_act", "statuses_translate", "streaming", "streaming_websocket"}

    assert seen == set(MASTODON.operations)


# What only administrators call, and a pattern for what is called by name elsewhere.
LEFT_UNKNOWN = re.compile(r"/api/v[12]/admin/|/api/v1/timelines/7$|/api/v1/reports$")
CALLED = re.compile(r"__api_request\(\s*'([A-Z]+)',\s*f?['\"](/[^'\"]+)['\"]")


def test_every_call_of_mastodon_py_is_catalogued() -> None:
    """A newer client with a call that is not here fails this test: then it wants a row."""
    sources = Path(mastodon.__file__).parent.glob("*.py")
    calls = [
        (method, re.sub(r"\{[^}]*\}", "7", path))
        for source in sources
        for method, path in CALLED.findall(source.read_text(encoding="utf-8"))
    ]
    unknown = {
        (method, path)
        for method, path in calls
        if MASTODON.quote(method, HOST, path).kind == "unknown"
    }

    assert len(calls) > 200
    assert [call for call in sorted(unknown) if not LEFT_UNKNOWN.search(call[1])] == []


def test_the_recommended_contract_names_its_server(tmp_path: Path) -> None:
    contract = recommended("mastodon", tmp_path)
    (limit,) = contract.limits

    assert (limit.most, limit.unit, limit.window_ms) == (300, "requests", 300_000)
    assert contract.domains == ("mastodon.social",)
    assert limit.unit in MASTODON.units
    assert (MASTODON.counts, MASTODON.dialect) == ("posts", "mastodon")
