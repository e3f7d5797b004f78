"""A refusal carries what each platform's own clients look for, and everything else as ever.

The expected fields and members are written out here as literals; beside them stands how each client
reads them, after its source, because a field that is there and cannot be read is worse than none.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governor.core.dialects import DIALECTS, Dialect, Refused, tell
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
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOW_MS = 1_795_455_279_000  # 2026-11-23T17:34:39Z
NOW_S = NOW_MS // 1000
STANDING = Standing("demo-5m", 3_000, 300_000, headroom=0, next_free_ms=NOW_MS + 40_000)
REQUEST = Request("demo", asked=100, price=300, decision_id="01JD", now_ms=NOW_MS)
CAUSES: tuple[Cause, ...] = (
    Spent(40_000),
    Spent(86_400_000),
    Spent(None),
    AboveLimit(),
    InDoubt("unreachable"),
    NotServed("batch", "it hides calls"),
    Expired("elections", NOW_MS - 1_000),
    Draining(),
)
STANDARD = {
    *("content-type", "content-length", "ratelimit-policy", "ratelimit", "proxy-status"),
    *("via", "cache-control"),
}
PROBLEM = {
    *("type", "title", "status", "detail", "violated-policies", "contract", "limit"),
    *("asked", "price", "headroom", "unit", "decision_id"),
}
DETAIL = "demo-5m allows 3000 posts in any 5 min and has 0 left; this request may return 300. "


def fields(notice: Notice) -> dict[str, str]:
    """Return an answer's fields by lower-case name; none may stand there twice."""
    by_name = {name.lower(): value for name, value in notice.headers}
    assert len(by_name) == len(notice.headers)
    return by_name


OWN: dict[Dialect, tuple[dict[str, str], dict[str, Any]]] = {
    "plain": ({}, {}),
    "x": (
        {
            "x-rate-limit-limit": "3000",
            "x-rate-limit-remaining": "0",
            "x-rate-limit-reset": "1795455319",
        },
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
    ),
    "reddit": (
        {"x-ratelimit-remaining": "0", "x-ratelimit-used": "3000", "x-ratelimit-reset": "40"},
        {"message": "Too Many Requests", "error": 429},
    ),
    "bluesky": (
        {
            "ratelimit-limit": "3000",
            "ratelimit-remaining": "0",
            "ratelimit-reset": "1795455319",
        },
        {"error": "RateLimitExceeded", "message": DETAIL + "Retry in 40 s."},
    ),
    "mastodon": (
        {
            "x-ratelimit-limit": "3000",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "2026-11-23T17:35:19.000000Z",
        },
        {"error": DETAIL + "Retry in 40 s."},
    ),
    "youtube": (
        {},
        {
            "error": {
                "code": 429,
                "message": DETAIL + "Retry in 40 s.",
                "errors": [
                    {
                        "message": DETAIL + "Retry in 40 s.",
                        "domain": "usageLimits",
                        "reason": "rateLimitExceeded",
                    }
                ],
                "status": "RESOURCE_EXHAUSTED",
            }
        },
    ),
    "tiktok": (
        {},
        {
            "data": {},
            "error": {
                "code": "rate_limit_exceeded",
                "message": DETAIL + "Retry in 40 s.",
                "log_id": "01JD",
            },
        },
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_has_its_own_words(dialect: Dialect) -> None:
    """What is added to the standard form is exactly what the platform itself would say."""
    own_fields, own_members = OWN[dialect]
    notice = refuse(Spent(40_000), REQUEST, STANDING, dialect)
    found, body = fields(notice), json.loads(notice.body)

    assert {name: found[name] for name in found.keys() - STANDARD - {"retry-after"}} == own_fields
    assert {name: body[name] for name in body.keys() - PROBLEM - {"retry_at"}} == own_members


@pytest.mark.parametrize("cause", CAUSES, ids=repr)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_standard_form_stands_in_every_dialect(dialect: Dialect, cause: Cause) -> None:
    """429, JSON, a problem document and the standard fields, for doubt and what never fits too."""
    notice = refuse(cause, REQUEST, STANDING, dialect)
    plain = refuse(cause, REQUEST, STANDING, "plain")
    found, expected = fields(notice), fields(plain)
    body, problem = json.loads(notice.body), json.loads(plain.body)

    assert notice.status == 429
    assert found.keys() >= STANDARD
    assert found["content-type"] in {"application/json", "application/problem+json"}
    assert int(found["content-length"]) == len(notice.body)
    for name in ("ratelimit", "proxy-status", "via", "cache-control", "retry-after"):
        assert found.get(name) == expected.get(name)
    assert found["ratelimit-policy"].endswith(expected["ratelimit-policy"])
    assert {name: body[name] for name in problem} == problem
    assert all(value.isascii() and value.isprintable() for value in found.values())


def test_two_drafts_share_one_field() -> None:
    """Bluesky's RateLimit-Policy is an older draft's item; ours follows it in the same list.

    So it is in an answer of Bluesky's that passed through: its own line, and then ours.
    """
    found = fields(refuse(Spent(40_000), REQUEST, STANDING, "bluesky"))

    assert found["ratelimit-policy"] == ('3000;w=300, "demo-5m";q=3000;w=300;governor-unit="posts"')
    assert found["ratelimit"] == '"demo-5m";r=0;t=40'


# How the clients read a refusal: what they wait for, in seconds from now, as their source has it.


def _prawcore(notice: Notice) -> float:
    """Read as prawcore 4.0 does, rate_limit.py and exceptions.py (TooManyRequests)."""
    found = fields(notice)
    float(found.get("retry-after", "0"))
    assert int(float(found["x-ratelimit-remaining"])) == 0
    int(found["x-ratelimit-used"])
    return int(found["x-ratelimit-reset"])


def _mastodon_py(notice: Notice) -> float:
    """Read as Mastodon.py 2.3 does, internals.py: a number if it is one, else a date."""
    found = fields(notice)
    assert int(found["x-ratelimit-remaining"]) == 0
    int(found["x-ratelimit-limit"])
    with pytest.raises(ValueError, match="invalid literal"):
        int(found["x-ratelimit-reset"])
    assert isinstance(json.loads(notice.body)["error"], str)
    return datetime.fromisoformat(found["x-ratelimit-reset"]).timestamp() - NOW_S


def _lex_client(notice: Notice) -> float:
    """Read as Bluesky's TypeScript client does, lex-client errors.ts and xrpc.ts."""
    found, body = fields(notice), json.loads(notice.body)
    assert found["content-type"] == "application/json"
    assert " " not in body["error"]
    assert isinstance(body["message"], str)
    return int(found["ratelimit-reset"]) - NOW_S


def _twarc(notice: Notice) -> float:
    """Read as twarc 2.14 does, decorators2.py."""
    found = fields(notice)
    assert int(found["x-rate-limit-remaining"]) == 0
    return int(found["x-rate-limit-reset"]) - NOW_S


@pytest.mark.parametrize("cause", CAUSES, ids=repr)
@pytest.mark.parametrize(
    ("dialect", "read"),
    [("reddit", _prawcore), ("mastodon", _mastodon_py), ("bluesky", _lex_client), ("x", _twarc)],
)
def test_each_client_finds_when_to_ask_again(
    dialect: Dialect, read: Callable[[Notice], float], cause: Cause
) -> None:
    """After now, and within a quarter of an hour: what frees early reaches whoever sleeps."""
    assert 0 < read(refuse(cause, REQUEST, STANDING, dialect)) <= 895


def test_google_s_client_finds_its_reason() -> None:
    """google-api-python-client 2.202 errors.py and http.py: `error` is a table with these three."""
    error = json.loads(refuse(Spent(40_000), REQUEST, STANDING, "youtube").body)["error"]

    assert error["message"].strip()
    assert error["errors"][0]["reason"] in {"rateLimitExceeded", "userRateLimitExceeded"}


def test_a_dialect_s_time_is_whole_and_later_than_now() -> None:
    """Reddit counts seconds from now, Mastodon writes a date: both name the same instant."""
    refused = Refused(most=10, window_s=60, now_s=NOW_S, reset_s=NOW_S + 7, detail="no", id="01JD")
    reddit, mastodon = (dict(tell(name, refused).headers) for name in ("reddit", "mastodon"))

    written = datetime.fromisoformat(mastodon["X-RateLimit-Reset"])
    assert reddit["x-ratelimit-reset"] == "7"
    assert written == datetime.fromtimestamp(NOW_S, written.tzinfo) + timedelta(seconds=7)
