"""What `governor explain` says is what the proxy would do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.cli.explain import Told, body_of, explain
from governor.cli.exports import proxy_url
from governor.errors import UsageError
from tests.shell.cli.conftest import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.shell.cli.conftest import Configure

SEARCH = "https://api.x.com/2/tweets/search/recent?query=rain&max%5Fresults=100"


@pytest.fixture
def told(configure: Configure) -> Told:
    return explain(configure(), "get", SEARCH, None)


def test_a_request_is_shown_as_it_would_be_sent(told: Told) -> None:
    assert told.request == (
        "GET https://api.x.com/2/tweets/search/recent?query=rain&max_results=100"
    )


def test_it_names_operation_row_numbers_reasons_and_limits(told: Told) -> None:
    found = told.as_json()

    assert found["served"]
    assert (found["contract"], found["jobs"]) == ("x", ["default"])
    assert (found["operation"], found["asked"], found["price"]) == (
        "tweets_search_recent",
        100,
        100,
    )
    assert found["row"] == "GET /2/tweets/search/recent"
    assert found["source"]
    assert len(found["why"]) > 3
    assert found["limits"] == [
        {"name": "x-24h", "most": 1000, "unit": "posts", "span": "in any 24h", "takes": 100}
    ]


def test_a_person_reads_the_same(told: Told) -> None:
    said = "\n".join(told.lines())

    assert all(f"  why        {why}" in said for why in told.as_json()["why"])
    assert "x-24h: 1,000 posts in any 24h; this takes 100" in said
    assert said.endswith("served     if its limits allow")


@pytest.mark.parametrize(("body", "asked"), [("", 2), ("id=3", 1), (None, 100)])
def test_an_empty_body_asks_for_nothing_and_an_unknown_one_for_the_most(
    configure: Configure, body: str | None, asked: int
) -> None:
    """As the proxy reads it: without a body, nothing but the query says what is asked for."""
    url = "https://api.x.com/1.1/statuses/lookup.json" + ("" if body == "id=3" else "?id=1,2")
    told = explain(configure(), "POST", url, body_of(body, None))

    assert told.as_json()["asked"] == asked


def test_the_price_of_a_stream_is_what_is_held_ahead_of_it(configure: Configure) -> None:
    told = explain(configure(), "GET", "https://api.x.com/2/tweets/search/stream", None)
    (line,) = (each for each in told.lines() if each.startswith("  price"))
    found = told.as_json()

    assert line == "  price      725, and grows"
    assert (found["price"], found["has_ceiling"]) == (725, False)
    assert found["limits"][0]["takes"] == 725


NEVER = {
    "no canonical form": ("GET", "https://api.x.com/2/../tweets", "with 400"),
    "an odd host": ("GET", "https://api.x.com:0443/2/tweets", "with 400"),
    "a long URL": ("GET", f"https://api.x.com/2/tweets?ids={'1,' * 32_768}1", "at most 64 KiB"),
    "a fragment": ("GET", "https://api.x.com/2/tweets#a", "with 400"),
    "a hidden method": ("POST", "https://api.x.com/2/tweets?_method=GET", "with 400"),
    "a price above the limit": ("GET", "https://api.x.com/2/nothing", "above the limit x-24h"),
}


@pytest.mark.parametrize("case", NEVER)
def test_what_is_never_served_is_said_to_be(configure: Configure, case: str) -> None:
    method, url, words = NEVER[case]

    told = explain(configure(), method, url, None)

    assert words in told.refused
    assert not told.as_json()["served"]
    assert told.lines()[-1] == f"  refused    {told.refused}"


@pytest.mark.parametrize(
    ("old", "new", "url", "words"),
    [
        ("[[contract]]\n", '[[contract]]\nunknown = "refuse"\n', "/2/nothing", "unknown"),
        ("[[contract]]\n", '[[contract]]\nmode = "shadow"\n', "/2/nothing", ""),
        ("1000", "1_000_000", "/2/nothing", ""),
        ("posts = 1000", "requests = 1", "/2/nothing", ""),
        ("1000", "10", "/2/tweets/counts/recent", ""),
        ("1000", "10", "/2/tweets/search/stream", ""),
    ],
)
def test_the_terms_of_the_contract_are_kept(
    configure: Configure, old: str, new: str, url: str, words: str
) -> None:
    contract = CONTRACT.replace(old, new, 1)

    told = explain(configure(contract=contract), "GET", f"https://api.x.com{url}", None)

    assert (bool(told.refused), words in told.refused) == (bool(words), True)


def test_a_refused_operation_says_why(configure: Configure) -> None:
    told = explain(configure(), "POST", "https://api.x.com/2/tweets/search/webhooks/1", None)

    assert told.explained is not None
    assert told.refused == told.explained.quote.reason != ""


def test_a_url_of_the_gateway_is_explained_as_where_it_leads(configure: Configure) -> None:
    gateway = f"{proxy_url(configure())}/gateway/api.x.com/2/tweets?ids=1"

    found = explain(configure(), "GET", gateway, None)

    assert (found.contract, found.request) == ("x", "GET https://api.x.com/2/tweets?ids=1")


def test_a_host_that_nobody_governs_is_passed_on_or_not(configure: Configure) -> None:
    passed = explain(configure(), "GET", "https://example.org/", None)
    refused = explain(
        configure('[upstream]\nother_hosts = "refuse"\n'), "GET", "https://example.org/", None
    )

    assert (passed.refused, passed.lines()[-1].split()[:2]) == ("", ["passed", "on"])
    assert "example.org" in refused.refused


def test_jobs_and_their_caps_are_named(configure: Configure) -> None:
    jobs = (
        f'[[job]]\nname = "a"\ntoken_sha256 = "{"0" * 64}"\nposts = 50\n',
        f'[[job]]\nname = "b"\ntoken_sha256 = "{"1" * 64}"\nposts = 150\n',
    )
    one, both = (explain(configure(*some), "GET", SEARCH, None) for some in (jobs[:1], jobs))

    assert one.refused == "its price is above every job's cap"
    assert (both.refused, both.jobs) == ("", ("a (at most 50 posts)", "b (at most 150 posts)"))


def test_a_body_is_a_text_or_a_file(configure: Configure, tmp_path: Path) -> None:
    url = "https://x.com/i/api/graphql/abc/SearchTimeline"
    content = '{"variables": {"count": 20}}'
    (tmp_path / "body.json").write_text(content, encoding="utf-8")
    asked = []
    for said in (content, f"@{tmp_path / 'body.json'}", None):
        told = explain(configure(), "POST", url, body_of(said, None))
        assert told.explained is not None
        asked.append(told.explained.quote.asked)

    assert asked[:2] == [20, 20]
    assert asked[2] > 20  # nobody knows: the most


def test_a_body_is_checked_as_the_proxy_checks_it(configure: Configure) -> None:
    hidden = explain(
        configure(), "POST", "https://api.x.com/2/tweets", body_of("_method=GET", None)
    )
    on_get = explain(configure(), "GET", SEARCH, body_of("a=b", None))

    assert "method" in hidden.refused
    assert "no body" in on_get.refused


@pytest.mark.parametrize(
    ("text", "content_type", "found"),
    [
        ("a=b", None, "application/x-www-form-urlencoded"),
        (" [1]", None, "application/json"),
        ("a=b", "text/plain", "text/plain"),
    ],
)
def test_a_body_has_the_type_that_it_looks_like(
    text: str, content_type: str | None, found: str
) -> None:
    body = body_of(text, content_type)

    assert body is not None
    assert (body.content_type, body.content) == (found, text.encode())


@pytest.mark.parametrize(("method", "url"), [("GET", "/2/tweets"), ("G T", SEARCH), ("GET", "x")])
def test_what_is_no_request_is_wrong_usage(configure: Configure, method: str, url: str) -> None:
    with pytest.raises(UsageError, match="governor explain GET"):
        explain(configure(), method, url, None)


def test_a_body_that_cannot_be_read_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        body_of(f"@{tmp_path / 'nothing'}", None)
