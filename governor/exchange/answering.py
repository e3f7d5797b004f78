"""What Governor says to the crawler itself: refusals, failures, and fields beside an answer."""

from __future__ import annotations

import contextlib
import http
from typing import TYPE_CHECKING

from governor.core import refusal
from governor.core.ledger.messages import DoubtReason
from governor.core.standing import refusing

if TYPE_CHECKING:
    from governor.errors import UpstreamError
    from governor.exchange.course import Course
    from governor.exchange.parts import Headers


async def refuse(course: Course, cause: refusal.Cause) -> None:
    """Refuse the request: nothing of it was or will be sent."""
    course.decision = "refuse"
    await _say_no(course, cause)


async def sever(course: Course) -> None:
    """Tell the crawler that the ledger is in doubt, or let it see the answer cut off."""
    course.reason = "severed"
    if not course.started:
        doubt = course.conversation.doubt or DoubtReason.UNREACHABLE
        await _say_no(course, refusal.InDoubt(doubt.value))


async def _say_no(course: Course, cause: refusal.Cause) -> None:
    request = refusal.Request(
        contract=course.contract.name,
        asked=course.quote.asked,
        price=course.quote.price,
        decision_id=course.id,
        now_ms=course.adapters.clock.wall_ms(),
        jitter_s=int(course.id, 16) % (_most_jitter_s(cause) + 1),
    )
    standing = refusing(course.standings(), course.account)
    dialect = course.governed.catalog.dialect
    await _answer(course, refusal.refuse(cause, request, standing, dialect))


async def report(course: Course, error: UpstreamError) -> None:
    """Tell the crawler that the platform failed, or let it see the answer cut off."""
    course.reason = error.kind
    if course.started:
        return
    title = http.HTTPStatus(error.status).phrase
    await _answer(course, refusal.problem(error.status, title, str(error), error.kind))


def passing(course: Course) -> Headers:
    """Return what is added to the platform's own fields: how the request's accounts stand."""
    return refusal.passing_headers(course.standings(), course.adapters.clock.wall_ms())


async def _answer(course: Course, notice: refusal.Notice) -> None:
    """Send an answer of our own; a crawler that left does not need it."""
    course.status = notice.status
    with contextlib.suppress(ConnectionError):
        await course.downstream.start(notice.status, notice.reason, notice.headers)
        await course.downstream.write(notice.body)
        await course.downstream.finish()


def _most_jitter_s(cause: refusal.Cause) -> int:
    """Return how far the wake-ups of sleepers may be spread: by a tenth of what they wait."""
    if isinstance(cause, refusal.Spent) and cause.retry_after_ms is not None:
        return min(refusal.MOST_JITTER_S, cause.retry_after_ms // 10_000)
    return refusal.MOST_JITTER_S
