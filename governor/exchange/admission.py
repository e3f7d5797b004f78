"""Before anything is sent: the rules, the hold, and its durable claim.

Everything here either lets a request go on or names the cause for which it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core import refusal
from governor.core.ledger.decisions import Decision, Doubted, Granted, Refused
from governor.core.ledger.messages import SHARE, DoubtReason
from governor.errors import JournalError
from governor.exchange import holding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.exchange.course import Course


async def admit(course: Course) -> refusal.Cause | None:
    """Hold what the answer may cost, or say why not; shadow mode notes a cause and goes on.

    Raises ConnectionError if the crawler announced a body and never begins it.
    """
    enforced = course.terms.mode == "enforce"
    if (cause := _rule(course)) is not None:
        if enforced:
            return cause
        course.decision = "shadow"
    if course.quote.kind == "free":
        return None
    decision = await _reserve(course)
    if not isinstance(decision, Granted):
        cause = unheld(course, decision)
        if enforced or decision == Doubted(DoubtReason.JOURNAL):
            return cause
        course.decision = "shadow"
        course.conversation.take(course.hold)
    return None


async def claim(course: Course) -> refusal.Cause | None:
    """Make the claim durable: from here on, a crash charges it in full (invariant 1)."""
    if course.quote.kind == "free":
        return None
    try:
        await holding.claim(course, course.first)
    except JournalError:
        return unheld(course, Doubted(DoubtReason.JOURNAL))
    return None


def _rule(course: Course) -> refusal.Cause | None:
    """Return why this request is not sent whatever the usage."""
    job, quote, contract = course.job, course.quote, course.terms
    if job.until_ms is not None and course.adapters.clock.wall_ms() >= job.until_ms:
        course.reason = "expired"
        return refusal.Expired(job.name, job.until_ms)
    if job.contract not in (None, contract.name):
        course.reason = "operation"
        return refusal.NotServed(quote.operation, f"job {job.name} is for {job.contract}")
    if quote.kind == "refused":
        course.reason = "operation"
        return refusal.NotServed(quote.operation, quote.reason)
    if quote.kind == "unknown" and contract.unknown == "refuse":
        course.reason = "operation"
        return refusal.NotServed(quote.operation, "the catalog does not know it")
    return None


async def _reserve(course: Course) -> Decision:
    """Ask the ledger, and wait in line as long as the job may.

    A crawler that sends a body has begun to by then: a grant would grow old while it does not.
    """
    if course.body is not None:
        course.body = _begun(await anext(course.body, b""), course.body)
    decision = await course.conversation.reserve(course.hold, patience_ms=course.patience_ms)
    if not isinstance(decision, Doubted):
        course.waited_ms = decision.waited_ms
    return decision


async def _begun(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk


def unheld(course: Course, decision: Refused | Doubted) -> refusal.Cause:
    """Return why the ledger holds nothing for it."""
    match decision:
        case Doubted(reason):
            course.reason = "doubt"
            return refusal.InDoubt(reason.value)
        case Refused() if decision.grant.never:
            course.account = decision.grant.account
            course.reason = "price_above_limit"
            return refusal.AboveLimit()
        case Refused():
            course.account = decision.grant.account
            course.reason = "job_cap" if SHARE in decision.grant.account else "limit"
            return refusal.Spent(decision.retry_ms)
