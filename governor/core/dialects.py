"""How a refusal is told on each platform: the fields and members that its own clients read.

A crawler that was written for Reddit waits by Reddit's fields and knows nothing of X's; one that
finds none of its own gives up, spins, or takes the refusal for an answer. So a refusal carries,
beside the standard fields and the problem document, what the platform itself would have said. A
catalog names its dialect; `plain` has nothing of its own, which is right for whatever reads
Retry-After. Rejected: all dialects in every refusal, because the names clash (`errors` is X's and
Google's, `error` a text, a number and a table) and because a Reddit reset is seconds from now
while X's of nearly the same name is a date.

Who reads what, in the sources of the clients (November 2026):

- x: see `refusal`, whose form is what X's crawlers need.
- reddit: prawcore takes int() of -used and -reset (seconds from now) wherever -remaining is there,
  and sleeps until then before its next request (prawcore 4.0 rate_limit.py); minet alike.
- bluesky: the TypeScript client waits by RateLimit-Reset, an epoch (lex-client xrpc.ts), and reads
  `error` only from application/json (errors.ts); the Python one raises with `error` and `message`.
  Bluesky's RateLimit-Policy is an old draft's item, `3000;w=300`, under the new draft's name, so
  both stand in one list, Bluesky's first: as in an answer of Bluesky's that passed through here.
- mastodon: Mastodon.py 2.3 parses X-RateLimit-Reset as a date of ISO 8601 and sleeps until then,
  five minutes at most (internals.py); `error` is a sentence.
- youtube: google-api-python-client reads `error.message` and `error.errors` (errors.py), and with
  `num_retries` it retries every 429 by its own backoff, whatever the fields say (http.py).
- tiktok: `error.code` is a word, also in good answers ("ok"), and clients look into `data`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Dialect = Literal["plain", "x", "reddit", "bluesky", "mastodon", "youtube", "tiktok"]
Headers = tuple[tuple[str, str], ...]

DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Refused:
    """What every dialect tells of one refusal.

    Of `most` in any `window_s` none is left for this request; `reset_s`, whole seconds since 1970
    and after `now_s`, is when to ask again. `detail` is for people and `id` for their questions.
    """

    most: int
    window_s: int
    now_s: int
    reset_s: int
    detail: str
    id: str


@dataclass(frozen=True, slots=True)
class Told:
    """A refusal's own fields and members; `policy` stands first in the list RateLimit-Policy."""

    headers: Headers = ()
    members: Mapping[str, object] = field(default_factory=dict)
    content_type: str = PROBLEM_JSON
    policy: str = ""


def tell(dialect: Dialect, refused: Refused) -> Told:
    """Return what a platform's own refusal would carry. None of the standard fields is in it."""
    return TELLS[dialect](refused)


def _plain(refused: Refused) -> Told:  # noqa: ARG001  # one question to all dialects
    return Told()


def _x(refused: Refused) -> Told:
    return Told(
        headers=(
            ("x-rate-limit-limit", str(refused.most)),
            ("x-rate-limit-remaining", "0"),
            ("x-rate-limit-reset", str(refused.reset_s)),
        ),
        members={"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
    )


def _reddit(refused: Refused) -> Told:
    return Told(
        headers=(
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-used", str(refused.most)),
            ("x-ratelimit-reset", str(refused.reset_s - refused.now_s)),
        ),
        members={"message": "Too Many Requests", "error": 429},
    )


def _bluesky(refused: Refused) -> Told:
    return Told(
        headers=(
            ("RateLimit-Limit", str(refused.most)),
            ("RateLimit-Remaining", "0"),
            ("RateLimit-Reset", str(refused.reset_s)),
        ),
        members={"error": "RateLimitExceeded", "message": refused.detail},
        content_type="application/json",
        policy=f"{refused.most};w={refused.window_s}",
    )


def _mastodon(refused: Refused) -> Told:
    reset = datetime.fromtimestamp(refused.reset_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    return Told(
        headers=(
            ("X-RateLimit-Limit", str(refused.most)),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", reset),
        ),
        members={"error": refused.detail},
    )


def _youtube(refused: Refused) -> Told:
    reason = {
        "message": refused.detail,
        "domain": "usageLimits",
        "reason": "rateLimitExceeded",
    }
    error = {
        "code": 429,
        "message": refused.detail,
        "errors": [reason],
        "status": "RESOURCE_EXHAUSTED",
    }
    return Told(members={"error": error}, content_type="application/json")


def _tiktok(refused: Refused) -> Told:
    error = {"code": "rate_limit_exceeded", "message": refused.detail, "log_id": refused.id}
    return Told(members={"data": {}, "error": error}, content_type="application/json")


TELLS: Final[Mapping[Dialect, Callable[[Refused], Told]]] = {
    "plain": _plain,
    "x": _x,
    "reddit": _reddit,
    "bluesky": _bluesky,
    "mastodon": _mastodon,
    "youtube": _youtube,
    "tiktok": _tiktok,
}
