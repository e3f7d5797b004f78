"""How Governor says no, in a form that every crawler we know survives.

What is said is the same for every platform; the fields and members in which a platform's own
clients look for it are its catalog's dialect (`dialects`). Each rule was measured on the client of
X that needs it, or read in its source (November 2026), and holds in every dialect:

- 429 and JSON, whatever the reason: at a 503 tweepy dies and twarc gives up after hours; at a 403
  twscrape marks the account as dead; text or HTML crashes tweepy.AsyncClient.
- All of a dialect's fields: without a reset time tweepy asked 977 times in 2.7 s, and twarc
  crashed. `remaining` is 0, always: above 0 with error 88, twscrape marks the account inactive.
- The reset is a whole second in the future (tweepy: int()), at most 895 s ahead: twarc and snscrape
  distrust more, and twscrape stores it, so freed posts must reach a sleeper within 15 minutes.
- Retry-After is whole seconds, at least 1, and the true wait: a date crashes tweepy.API, and at 0
  urllib3 does not sleep. Fields beat the body: no crawler reads the body's `retry_at`.
- X's `errors` holds code 88: twscrape and gallery-dl take a 429 without it for an answer.

What can never be served (a price above the limit, a refused operation, an expired job) has no
Retry-After, but it keeps the dialect's fields: a crawler that waits for the reset asks again every
15 minutes, which costs nothing; one that finds no reset spins. Rejected: 400, the honest status
for those, because twscrape locks the account for it and gallery-dl may take it for an answer.

RateLimit and RateLimit-Policy are draft-ietf-httpapi-ratelimit-headers-10; Proxy-Status is
RFC 9209; both are structured fields (RFC 9651); the body is a problem document (RFC 9457).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, assert_never

from governor.core.dialects import PROBLEM_JSON, Dialect, Headers, Refused, tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_JITTER_S = 30  # sleepers of one limit wake over half a minute, not in one instant
MOST_AHEAD_S = 895 - 1 - MOST_JITTER_S  # 1: the reset is rounded up to a whole second
DOUBT_S = 60  # doubt ends when an operator or the ledger's home acts: worth a look each minute
PENDING_S = 10  # held posts stand in the way, and an answer takes some seconds
DRAINING_S = 10  # the next Governor should be up
PROBLEMS = "https://governor.internal/problems/"
QUOTA_EXCEEDED = "https://iana.org/assignments/http-problem-types#quota-exceeded"
VIA = ("Via", "1.1 governor")
KIND = re.compile(r"[a-z_]+")


@dataclass(frozen=True, slots=True)
class Standing:
    """How one limit, or a job's share of it, stands at `now_ms` of the wall clock.

    It allows `most` of its unit, and `headroom` of that is free; `next_free_ms` is when any more
    frees, wall time, or None when that is not known. `calendar` is the running period in words
    ("this day (America/Los_Angeles)"), empty for a window; `window_ms` is then what such periods
    last at most. `needs` is what the request asks of it; 0 when only the posts are known.
    """

    name: str
    most: int
    window_ms: int
    headroom: int
    next_free_ms: int | None = None
    unit: str = "posts"
    calendar: str = ""
    needs: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """The request that is refused. `jitter_s` (0 to 30) spreads the wake-ups of sleepers."""

    contract: str
    asked: int
    price: int
    decision_id: str
    now_ms: int
    jitter_s: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.jitter_s <= MOST_JITTER_S:
            raise ValueError(f"jitter is 0 to {MOST_JITTER_S} s, not {self.jitter_s}")


@dataclass(frozen=True, slots=True)
class Spent:
    """The price does not fit now. `retry_after_ms`: when it will; None: when held posts settle."""

    retry_after_ms: int | None


@dataclass(frozen=True, slots=True)
class AboveLimit:
    """The price is more than the limit itself: it never fits."""


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The ledger cannot be trusted; `reason` is a word for people, such as "unreachable"."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotServed:
    """The catalog, or `unknown = "refuse"`, does not let this operation pass; `reason` says why."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True)
class Expired:
    """The job was to collect until then, wall time, and no longer."""

    job: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Draining:
    """This Governor is being stopped and takes nothing new."""


Cause = Spent | AboveLimit | InDoubt | NotServed | Expired | Draining


@dataclass(frozen=True, slots=True)
class Notice:
    """An answer of Governor's own, ready to be sent."""

    status: int
    reason: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class _Verdict:
    """A cause in words; `brief` is for Proxy-Status, and a `wait_ms` of None means for ever."""

    problem: str
    detail: str
    brief: str
    wait_ms: int | None


def refuse(cause: Cause, request: Request, standing: Standing, dialect: Dialect) -> Notice:
    """Return the refusal of a request. `standing` is the limit, or share, that says no.

    Where no limit says no (doubt, a refused operation), it is the contract's first limit. `dialect`
    is that of the contract's catalog.
    """
    verdict = _verdict(cause, request, standing)
    wait_s = None if verdict.wait_ms is None else max(1, _seconds(verdict.wait_ms))
    told = tell(dialect, _refused(cause, request, standing, verdict.detail, wait_s))
    body: dict[str, object] = {
        "type": verdict.problem,
        "title": "Too Many Requests",
        "status": 429,
        "detail": verdict.detail,
        "violated-policies": [standing.name],
        **told.members,
        "contract": request.contract,
        "limit": standing.name,
        "asked": request.asked,
        "price": request.price,
        "headroom": standing.headroom,
        "unit": standing.unit,
        "decision_id": request.decision_id,
    }
    if wait_s is not None:
        body["retry_at"] = _utc(request.now_ms + wait_s * 1000)
    return _notice(
        429,
        "Too Many Requests",
        body,
        (
            *told.headers,
            *((("Retry-After", str(wait_s)),) if wait_s is not None else ()),
            ("RateLimit-Policy", ", ".join(filter(None, (told.policy, _policy(standing))))),
            ("RateLimit", _none_left(standing, request.now_ms, wait_s)),
            ("Proxy-Status", _denied("http_request_denied", verdict.brief)),
        ),
        told.content_type,
    )


def passing_headers(standings: Iterable[Standing], now_ms: int) -> Headers:
    """Return what is added to an answer that passes: where each limit stands after it.

    They follow the platform's own fields of the same names, which stay as they are.
    """
    standings = tuple(standings)
    return (
        ("RateLimit-Policy", ", ".join(_policy(each) for each in standings)),
        ("RateLimit", ", ".join(_left(each, now_ms) for each in standings)),
        ("Proxy-Status", "governor"),
        VIA,
    )


def problem(status: int, title: str, detail: str, kind: str) -> Notice:
    """Return an answer for what went wrong: 400, 421, 502, 504. `kind` is of RFC 9209, 2.3.

    It carries no x-rate-limit field and no `errors`: this is not about a limit, and crawlers that
    find either wait, or take the body for an answer.
    """
    assert KIND.fullmatch(kind), kind
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return _notice(status, title, body, (("Proxy-Status", _denied(kind, detail)),))


def _verdict(cause: Cause, request: Request, standing: Standing) -> _Verdict:
    name, needs = standing.name, _needs(request, standing)
    span = standing.calendar or f"in any {_span(standing.window_ms)}"
    rule = f"{name} allows {standing.most} {standing.unit} {span}"
    match cause:
        case Spent(wait_ms):
            wait_ms = PENDING_S * 1000 if wait_ms is None else wait_ms
            detail = (
                f"{rule} and has {standing.headroom} left; this request {needs}. "
                f"{_turns(standing)}Retry in {max(1, _seconds(wait_ms))} s."
            )
            return _Verdict(QUOTA_EXCEEDED, detail, f"{name} allowance", wait_ms)
        case AboveLimit():
            detail = (
                f"{rule}; this request {needs}, so it never fits. Ask for fewer {standing.unit}."
            )
            return _Verdict(f"{PROBLEMS}price-above-limit", detail, f"price above {name}", None)
        case InDoubt(reason):
            detail = f"The ledger of {request.contract} is in doubt ({reason}); nothing is sent."
            return _Verdict(f"{PROBLEMS}doubt", detail, "ledger in doubt", DOUBT_S * 1000)
        case NotServed(operation, reason):
            detail = f"{operation} is not forwarded: {reason}."
            return _Verdict(f"{PROBLEMS}operation-refused", detail, "operation refused", None)
        case Expired(job, until_ms):
            detail = f"The job {job} ended at {_utc(until_ms)}; an operator may extend it."
            return _Verdict(f"{PROBLEMS}job-expired", detail, "job expired", None)
        case Draining():
            detail = "This Governor is being stopped; the next one will answer."
            return _Verdict(f"{PROBLEMS}draining", detail, "draining", DRAINING_S * 1000)
    assert_never(cause)


def _needs(request: Request, standing: Standing) -> str:
    match standing.unit:
        case "posts":
            return f"may return {request.price}"
        case "requests":
            return "is one more"
        case _:
            return f"needs {standing.needs}" if standing.needs else "needs more"


def _turns(standing: Standing) -> str:
    """Return when a calendar's next period begins: all of it is free then, and nothing before."""
    if not standing.calendar or standing.next_free_ms is None:
        return ""
    return f"The next one begins at {_utc(standing.next_free_ms)}. "


def _refused(
    cause: Cause, request: Request, standing: Standing, detail: str, wait_s: int | None
) -> Refused:
    return Refused(
        most=standing.most,
        window_s=_seconds(standing.window_ms),
        now_s=_seconds(request.now_ms),
        reset_s=_reset(cause, request, wait_s),
        detail=detail,
        id=request.decision_id,
    )


def _reset(cause: Cause, request: Request, wait_s: int | None) -> int:
    """Return when to ask again in whole seconds since 1970: after now, at most 895 s after it."""
    ahead_s = MOST_AHEAD_S if wait_s is None else min(wait_s, MOST_AHEAD_S)
    jitter_s = 0 if isinstance(cause, InDoubt) else request.jitter_s
    return _seconds(request.now_ms) + ahead_s + jitter_s


def _policy(standing: Standing) -> str:
    window_s = _seconds(standing.window_ms)
    name, unit = _string(standing.name), _string(standing.unit)
    return f"{name};q={standing.most};w={window_s};governor-unit={unit}"


def _none_left(standing: Standing, now_ms: int, wait_s: int | None) -> str:
    """Return the RateLimit of a refusal: no time where waiting does not help.

    The time is when anything frees, which is no later than when this price fits (the draft wants
    Retry-After not to be the earlier of the two).
    """
    if wait_s is None:
        return f"{_string(standing.name)};r=0"
    free_s = wait_s if standing.next_free_ms is None else _seconds(standing.next_free_ms - now_ms)
    return f"{_string(standing.name)};r=0;t={min(max(1, free_s), wait_s)}"


def _left(standing: Standing, now_ms: int) -> str:
    left = f"{_string(standing.name)};r={max(0, standing.headroom)}"
    if standing.next_free_ms is None:
        return left
    return f"{left};t={max(0, _seconds(standing.next_free_ms - now_ms))}"


def _denied(kind: str, details: str) -> str:
    return f"governor; error={kind}; details={_string(details)}"


def _notice(
    status: int,
    reason: str,
    content: Mapping[str, object],
    own: Headers,
    content_type: str = PROBLEM_JSON,
) -> Notice:
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = (
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        *own,
        VIA,
        ("Cache-Control", "no-store"),
    )
    return Notice(status, reason, headers, body)


def _string(text: str) -> str:
    """Write a String of RFC 9651: printable ASCII in quotes; anything else becomes `?`."""
    plain = "".join(each if " " <= each <= "~" else "?" for each in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _seconds(ms: int) -> int:
    """Round up: a second too late is safe, one too early is a refused request."""
    return -(-ms // 1000)


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(_seconds(at_ms), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _span(window_ms: int) -> str:
    for unit_ms, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if window_ms % unit_ms == 0:
            return f"{window_ms // unit_ms} {unit}"
    return f"{window_ms} ms"
