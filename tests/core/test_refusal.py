"""A refusal is read by crawlers that crash, spin or lose data when one field is not as it must be.

The fields are read back by a strict parser of structured fields (RFC 9651) that shares no code
with what wrote them.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.refusal import (
    AboveLimit,
    Cause,
    Draining,
    Expired,
    InDoubt,
    Notice,
    NotServed,
    Request,
    Spent,
    Standing,
    passing_headers,
    problem,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW_MS = 1_795_455_279_000  # 2026-11-23T17:34:39Z
DAY_MS = 86_400_000
STANDING = Standing("x-24h", 1_000_000, DAY_MS, headroom=0, next_free_ms=NOW_MS + 37_000)
REQUEST = Request("x", asked=100, price=300, decision_id="01JD", now_ms=NOW_MS, jitter_s=17)
FOREVER: tuple[Cause, ...] = (
    AboveLimit(),
    NotServed("x.compliance", "it changes what X keeps"),
    Expired("elections", NOW_MS - 1_000),
)
CAUSES: tuple[Cause, ...] = (
    Spent(5_421_000),
    Spent(1),
    Spent(None),
    InDoubt("unreachable"),
    Draining(),
    *FOREVER,
)

Value = str | int
Item = tuple[Value, "Mapping[str, Value]"]


def fields(notice: Notice) -> dict[str, str]:
    """Return the header fields of an answer by lower-case name; each occurs once."""
    by_name = {name.lower(): value for name, value in notice.headers}
    assert len(by_name) == len(notice.headers)
    return by_name


def items(text: str) -> list[Item]:
    """Parse a List of Items with Parameters. Raises ValueError at the first deviation."""
    found: list[Item] = []
    while True:
        value, text = bare_item(text)
        parameters: dict[str, Value] = {}
        while text.startswith(";"):
            key = re.match(r"; *([a-z*][a-z0-9_.*-]*)=", text)
            if key is None:
                raise ValueError(f"no parameter: {text!r}")
            parameters[key[1]], text = bare_item(text[key.end() :])
        found.append((value, parameters))
        if not text:
            return found
        comma = re.match(r"[ \t]*,[ \t]*(?=.)", text)
        if comma is None:
            raise ValueError(f"no list: {text!r}")
        text = text[comma.end() :]


def bare_item(text: str) -> tuple[Value, str]:
    """Parse a String, Integer or Token at the start of a text and return it with the rest."""
    if string := re.match(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', text):
        return re.sub(r"\\(.)", r"\1", string[1]), text[string.end() :]
    if integer := re.match(r"-?\d{1,15}(?![\d.])", text):
        return int(integer[0]), text[integer.end() :]
    if token := re.match(r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*", text):
        return token[0], text[token.end() :]
    raise ValueError(f"no item: {text!r}")


def test_the_wire_form_of_a_spent_limit() -> None:
    """Every field and every byte of it, as every crawler we tried survives it."""
    body = (
        b'{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded",'
        b'"title":"Too Many Requests","status":429,'
        b'"detail":"x-24h allows 1000000 posts in any 24 h and has 0 left; this request may return'
        b' 300. Retry in 5421 s.",'
        b'"violated-policies":["x-24h"],"errors":[{"code":88,"message":"Rate limit exceeded"}],'
        b'"contract":"x","limit":"x-24h","asked":100,"price":300,"headroom":0,"unit":"posts",'
        b'"decision_id":"01JD","retry_at":"2026-11-23T19:05:00Z"}'
    )
    headers = (
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("x-rate-limit-limit", "1000000"),
        ("x-rate-limit-remaining", "0"),
        ("x-rate-limit-reset", "1795456160"),
        ("Retry-After", "5421"),
        ("RateLimit-Policy", '"x-24h";q=1000000;w=86400;governor-unit="posts"'),
        ("RateLimit", '"x-24h";r=0;t=37'),
        ("Proxy-Status", 'governor; error=http_request_denied; details="x-24h allowance"'),
        ("Via", "1.1 governor"),
        ("Cache-Control", "no-store"),
    )

    expected = Notice(429, "Too Many Requests", headers, body)

    assert expected == refuse(Spent(5_421_000), REQUEST, STANDING, "x")


@pytest.mark.parametrize("cause", CAUSES, ids=repr)
def test_whatever_the_cause_crawlers_find_what_they_read(cause: Cause) -> None:
    """429, JSON, error 88, and remaining 0: without any one of them a crawler goes wrong.

    Remaining is 0 also where a smaller request would still fit.
    """
    notice = refuse(cause, REQUEST, replace(STANDING, headroom=250), "x")
    found = fields(notice)
    body = json.loads(notice.body)

    assert notice.status == body["status"] == 429
    assert found["content-type"] == "application/problem+json"
    assert found["x-rate-limit-limit"] == "1000000"
    assert found["x-rate-limit-remaining"] == "0"
    assert body["errors"] == [{"code": 88, "message": "Rate limit exceeded"}]
    assert body["violated-policies"] == [body["limit"]] == ["x-24h"]
    assert items(found["proxy-status"])[0][0] == "governor"
    assert items(found["ratelimit-policy"]) == [
        ("x-24h", {"q": 1_000_000, "w": 86_400, "governor-unit": "posts"})
    ]


@pytest.mark.parametrize("cause", FOREVER, ids=repr)
def test_what_is_never_served_names_no_time_but_keeps_sleepers_asleep(cause: Cause) -> None:
    """No Retry-After and no `retry_at`; yet the reset is there, as far ahead as crawlers trust."""
    notice = refuse(cause, REQUEST, STANDING, "x")
    found = fields(notice)

    assert "retry-after" not in found
    assert "retry_at" not in json.loads(notice.body)
    assert items(found["ratelimit"]) == [("x-24h", {"r": 0})]
    assert 800 < int(found["x-rate-limit-reset"]) - NOW_MS // 1000 <= 895


def test_each_cause_has_its_own_problem_type() -> None:
    """So that a crawler's author can tell them apart."""
    types = {json.loads(refuse(cause, REQUEST, STANDING, "x").body)["type"] for cause in CAUSES}

    assert len(types) == 6
    assert "https://governor.internal/problems/price-above-limit" in types


def test_doubt_is_asked_about_again_in_a_minute() -> None:
    found = fields(refuse(InDoubt("missing"), REQUEST, STANDING, "x"))

    assert found["x-rate-limit-reset"] == str(NOW_MS // 1000 + 60)
    assert found["retry-after"] == "60"
    assert 'details="ledger in doubt"' in found["proxy-status"]


def test_a_job_that_used_up_its_share_is_told_so() -> None:
    share = Standing("x-24h/elections", 300_000, DAY_MS, headroom=40)
    notice = refuse(Spent(9_001), REQUEST, share, "x")
    found = fields(notice)

    assert found["x-rate-limit-limit"] == "300000"
    assert items(found["ratelimit"]) == [("x-24h/elections", {"r": 0, "t": 10})]
    assert found["retry-after"] == "10"
    assert json.loads(notice.body)["headroom"] == 40


@given(
    now_ms=st.integers(0, 2**43),
    wait_ms=st.one_of(st.none(), st.integers(0, 3), st.integers(0, 40 * DAY_MS)),
    free_ms=st.one_of(st.none(), st.integers(-DAY_MS, 40 * DAY_MS)),
    jitter_s=st.integers(0, 30),
    cause=st.sampled_from((None, *CAUSES)),
)
def test_times_are_whole_true_and_in_reach(
    now_ms: int, wait_ms: int | None, free_ms: int | None, jitter_s: int, cause: Cause | None
) -> None:
    """Now < reset <= now + 895; Retry-After >= 1, never earlier than the wait; t <= Retry-After."""
    request = Request("x", asked=1, price=1, decision_id="", now_ms=now_ms, jitter_s=jitter_s)
    next_free_ms = None if free_ms is None else now_ms + free_ms
    standing = Standing("x-24h", 10, DAY_MS, 0, next_free_ms)
    found = fields(refuse(cause or Spent(wait_ms), request, standing, "x"))

    ahead_ms = int(found["x-rate-limit-reset"]) * 1000 - now_ms
    assert 0 < ahead_ms <= 895_000
    if "retry-after" in found:
        retry_s = int(found["retry-after"])
        assert retry_s >= 1
        assert 1 <= int(dict(items(found["ratelimit"]))["x-24h"]["t"]) <= retry_s
        assert ahead_ms >= min(retry_s, 864) * 1000
    if cause is None and wait_ms is not None:
        assert max(0, wait_ms - 1) / 1000 < int(found["retry-after"]) < wait_ms / 1000 + 1.001


def test_sleepers_of_one_limit_do_not_wake_together() -> None:
    """Jitter moves the reset, also where it is cut to what crawlers trust."""
    for wait_ms, jitters in product((1_000, 5_421_000), pairwise(range(31))):
        first, second = (
            int(
                fields(
                    refuse(
                        Spent(wait_ms),
                        Request("x", 1, 1, decision_id="", now_ms=NOW_MS, jitter_s=jitter_s),
                        STANDING,
                        "x",
                    )
                )["x-rate-limit-reset"]
            )
            for jitter_s in jitters
        )
        assert second == first + 1


@pytest.mark.parametrize("jitter_s", [-1, 31])
def test_jitter_beyond_its_bounds_is_a_mistake(jitter_s: int) -> None:
    with pytest.raises(ValueError, match="jitter is 0 to 30 s"):
        Request("x", 1, 1, decision_id="", now_ms=NOW_MS, jitter_s=jitter_s)


@given(st.text(max_size=40))
def test_no_name_breaks_out_of_its_field(name: str) -> None:
    """Quotes, line ends and letters beyond ASCII in a name leave every field well formed."""
    standing = Standing(name, 10, DAY_MS, 0)
    notice = refuse(Spent(1_000), REQUEST, standing, "x")

    written = "".join(each if " " <= each <= "~" else "?" for each in name)
    assert items(fields(notice)["ratelimit"])[0][0] == written
    assert items(fields(notice)["ratelimit-policy"])[0][0] == written
    assert items(fields(notice)["proxy-status"])[0][1]["details"] == f"{written} allowance"
    assert all(value.isascii() and value.isprintable() for _, value in notice.headers)
    assert json.loads(notice.body)["limit"] == name


def test_an_answer_that_passes_tells_where_each_limit_stands() -> None:
    """In the order of the contract, with no error in Proxy-Status."""
    hour = Standing("x-1h", 50, 3_600_000, headroom=-3, next_free_ms=NOW_MS - 5)
    fresh = Standing("x-7d", 9, 7 * DAY_MS, headroom=9)

    expected = (
        (
            "RateLimit-Policy",
            '"x-1h";q=50;w=3600;governor-unit="posts", "x-7d";q=9;w=604800;governor-unit="posts"',
        ),
        ("RateLimit", '"x-1h";r=0;t=0, "x-7d";r=9'),
        ("Proxy-Status", "governor"),
        ("Via", "1.1 governor"),
    )

    assert expected == passing_headers((hour, fresh), NOW_MS)
    assert items(expected[1][1]) == [("x-1h", {"r": 0, "t": 0}), ("x-7d", {"r": 9})]


def test_a_problem_of_the_way_is_no_rate_limit() -> None:
    """No x-rate-limit field and no `errors`: crawlers that find one lock an account or wait."""
    notice = problem(504, "Gateway Timeout", 'api.x.com said "no"', "connection_timeout")
    found = fields(notice)

    assert (notice.status, notice.reason) == (504, "Gateway Timeout")
    assert json.loads(notice.body) == {
        "type": "about:blank",
        "title": "Gateway Timeout",
        "status": 504,
        "detail": 'api.x.com said "no"',
    }
    assert items(found["proxy-status"]) == [
        ("governor", {"error": "connection_timeout", "details": 'api.x.com said "no"'})
    ]
    assert not [name for name in found if name.startswith(("x-rate", "ratelimit", "retry"))]


@pytest.mark.parametrize(
    ("window_ms", "span"),
    [(DAY_MS, "24 h"), (90 * 60_000, "90 min"), (10_000, "10 s"), (1_500, "1500 ms")],
)
def test_a_window_is_named_in_its_largest_whole_unit(window_ms: int, span: str) -> None:
    standing = Standing("demo", 10, window_ms, 0)
    body = json.loads(refuse(Spent(1_000), REQUEST, standing, "x").body)

    assert f"10 posts in any {span} and" in body["detail"]


def test_a_limit_on_requests_is_told_in_requests() -> None:
    """The crawler sees why, and its fields count what the limit counts."""
    standing = Standing("x-15m", 300, 900_000, headroom=0, unit="requests")
    notice = refuse(Spent(35_000), REQUEST, standing, "x")
    body, fields = json.loads(notice.body), dict(notice.headers)

    assert body["detail"] == (
        "x-15m allows 300 requests in any 15 min and has 0 left; this request is one more. "
        "Retry in 35 s."
    )
    assert (body["limit"], body["unit"], body["headroom"]) == ("x-15m", "requests", 0)
    assert fields["x-rate-limit-limit"] == "300"
    assert fields["RateLimit-Policy"] == '"x-15m";q=300;w=900;governor-unit="requests"'
    assert fields["RateLimit"] == '"x-15m";r=0;t=35'


def test_a_limit_by_calendar_is_told_by_its_period() -> None:
    """Which period it is, and when the next one begins: nothing of this one frees before."""
    standing = Standing(
        *("youtube-units", 10_000, 90_000_000),
        headroom=40,
        next_free_ms=NOW_MS + 3_600_000,
        unit="units",
        calendar="this day (America/Los_Angeles)",
        needs=50,
    )
    notice = refuse(Spent(3_600_000), REQUEST, standing, "x")
    body = json.loads(notice.body)

    assert body["detail"] == (
        "youtube-units allows 10000 units this day (America/Los_Angeles) and has 40 left; this "
        "request needs 50. The next one begins at 2026-11-23T18:34:39Z. Retry in 3600 s."
    )
    assert (body["unit"], body["headroom"]) == ("units", 40)
    assert fields(notice)["ratelimit-policy"] == (
        '"youtube-units";q=10000;w=90000;governor-unit="units"'
    )
    assert fields(notice)["ratelimit"] == '"youtube-units";r=0;t=3600'


def test_a_turn_that_nobody_knows_is_not_told() -> None:
    standing = Standing(
        *("x-month", 3_000_000, 31 * DAY_MS), headroom=0, calendar="this month (UTC, from day 7)"
    )

    assert json.loads(refuse(Spent(None), REQUEST, standing, "x").body)["detail"] == (
        "x-month allows 3000000 posts this month (UTC, from day 7) and has 0 left; this request "
        "may return 300. Retry in 10 s."
    )


@pytest.mark.parametrize(
    ("unit", "needs", "told"),
    [
        ("posts", 300, "may return 300"),
        ("records", 100, "needs 100"),
        ("units", 0, "needs more"),
        ("requests", 1, "is one more"),
    ],
)
def test_what_never_fits_is_told_in_the_limit_s_own_unit(unit: str, needs: int, told: str) -> None:
    standing = Standing("demo", 50, DAY_MS, headroom=50, unit=unit, needs=needs)

    assert json.loads(refuse(AboveLimit(), REQUEST, standing, "x").body)["detail"] == (
        f"demo allows 50 {unit} in any 24 h; this request {told}, so it never fits. "
        f"Ask for fewer {unit}."
    )
