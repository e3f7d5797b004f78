"""The one end of every request: its charge durable, the ledger told, the record made.

What is charged follows from the hold's state (core/ledger/holds.py), so it does not matter here
why the request ended, nor where.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from governor.core.charging import Charge, charge
from governor.core.counting import Counted, Unreadable
from governor.core.ledger.records import Outcome, Resolved
from governor.core.policy import amounts
from governor.core.record import ExchangeRecord
from governor.errors import JournalError

if TYPE_CHECKING:
    from governor.core.ledger.records import Amounts
    from governor.exchange.course import Course

IN_A_THREAD_BYTES = 512 * 1_024  # decoding more holds up every other exchange for milliseconds


async def resolve(course: Course) -> None:
    """End the hold: charge it durably, tell the ledger, and record what happened. Once."""
    count = await _count(course)
    ended = charge(course.terms, course.quote, course.hold, status=course.status, count=count)
    posts = amounts(course.contract, course.job, ended.posts, requests=ended.requests)
    if await _is_durable(course, ended, posts):
        course.conversation.end(course.hold, posts, lingers=ended.lingers)
    course.adapters.record(_recorded(course, ended, count))


async def _count(course: Course) -> Counted | Unreadable | None:
    """Count what was relayed; a large answer in a thread, so that no other exchange waits."""
    if course.counter is None:
        return None
    if course.counter.decoded_bytes > IN_A_THREAD_BYTES:
        return await asyncio.to_thread(course.counter.finish)
    return course.counter.finish()


async def _is_durable(course: Course, ended: Charge, posts: Amounts) -> bool:
    """Journal the resolution of what was claimed; say whether the ledger may be told.

    If the journal fails, a charge stays pending, which counts for ever; a start charges it.
    What is void may go: nothing was sent, and a start would only charge it for nothing.
    """
    if not course.claimed:
        return True
    resolved = Resolved(
        contract=course.contract.name,
        hold=course.id,
        outcome=ended.outcome,
        received=ended.received,
        amounts=posts,
        lingers=ended.lingers,
        at_ms=course.conversation.time_ms,
    )
    try:
        await course.adapters.journal.append(resolved)
    except JournalError:
        return ended.outcome is Outcome.VOID
    return True


def _recorded(course: Course, ended: Charge, count: Counted | Unreadable | None) -> ExchangeRecord:
    quote, now_ms = course.quote, course.adapters.clock.monotonic_ms()
    usage = course.conversation.snapshot().usage.get(course.contract.first.name)
    return ExchangeRecord(
        decision_id=course.id,
        contract=course.contract.name,
        job=course.job.name,
        operation=quote.operation,
        way=course.request.way,
        decision=course.decision,
        reason=course.reason,
        outcome="free" if quote.kind == "free" else ended.outcome.value,
        asked=quote.asked,
        price=quote.price,
        received=ended.received,
        unreadable=count.reason if isinstance(count, Unreadable) else "",
        charged=ended.posts,
        overrun=ended.overrun,
        usage=usage.charged + usage.pending if usage else 0,
        status=course.status,
        waited_ms=course.waited_ms,
        upstream_ms=course.upstream_ms(now_ms),
        total_ms=now_ms - course.began_ms,
        relayed_bytes=course.relayed_bytes,
    )
