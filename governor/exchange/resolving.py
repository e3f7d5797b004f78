"""The one end of every request: its charge durable, the ledger told, the record made.

What is charged follows from the holds' states (core/ledger/holds.py), so it does not matter here
why the request ended, nor where.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from governor.core.charging import Charge, charge, seen, shared
from governor.core.counting import Counted, Unreadable
from governor.core.drift import ZERO
from governor.core.ledger.holds import Event
from governor.core.ledger.records import Outcome
from governor.core.record import ExchangeRecord
from governor.errors import JournalError
from governor.exchange.growing import UNUSED
from governor.exchange.holding import claim, end

if TYPE_CHECKING:
    from governor.exchange.course import Course
    from governor.exchange.holding import Holding

IN_A_THREAD_BYTES = 512 * 1_024  # decoding more holds up every other exchange for milliseconds


async def resolve(course: Course) -> None:
    """End every hold: charge it durably, tell the ledger, and record what happened. Once."""
    settled = 0
    if course.growth is not None:
        await course.growth.close()
        settled = course.growth.settled
    count = await _count(course, settled)
    drift = _drift(course, count)
    await _hold_unforeseen(course, count)
    live = course.live or [course.first]  # at least what was asked for first
    held = 0 if course.quote.kind == "free" else sum(holding.posts for holding in live)
    ended = charge(
        course.terms,
        replace(course.quote, price=held),
        live[0].hold,
        status=course.status,
        count=count,
        believed=not drift.startswith(ZERO),
    )
    raised = _learn(course, ended)
    await _end_all(course, live, ended, raised)
    record = _recorded(course, ended, count, drift, settled=settled, held=held)
    course.adapters.record(replace(record, raised=raised))


async def _hold_unforeseen(course: Course, count: Counted | Unreadable | None) -> None:
    """Hold the posts that an answer held which the catalog calls free: they were served.

    Nothing was asked of the ledger for it, so this only records the truth, over a limit too
    (invariant 8). If the journal fails they stay pending, which counts for ever.
    """
    posts = seen(count)
    if course.quote.kind != "free" or not posts:
        return
    more = course.top_up(posts)
    course.conversation.take(more.hold)
    try:
        await claim(course, more)
    except JournalError:
        course.holdings.remove(more)
        return
    more.hold.on(Event.SEND)
    if isinstance(count, Counted):
        more.hold.on(Event.READ)


async def _end_all(course: Course, live: list[Holding], ended: Charge, raised: int) -> None:
    """End what was held, each hold with its share; a top-up that was never used is void."""
    charges = shared(ended, tuple(holding.posts for holding in live))
    for holding, mine in zip(live, charges, strict=True):
        await end(course, holding, mine, raised=raised if holding is live[-1] else 0)
    for holding in course.holdings:
        if holding not in live:
            await end(course, holding, UNUSED)


async def _count(course: Course, settled: int) -> Counted | Unreadable | None:
    """Count what was relayed; a large answer in a thread, so that no other exchange waits.

    Of a stream, what was not settled yet.
    """
    if course.seen is not None:
        return Counted(course.seen - settled)
    if course.counter is None:
        return None
    if course.counter.decoded_bytes > IN_A_THREAD_BYTES:
        return await asyncio.to_thread(course.counter.finish)
    return course.counter.finish()


def _drift(course: Course, count: Counted | Unreadable | None) -> str:
    """Return how an answer that was read to its end differs from what the catalog says."""
    if course.drift:
        return course.drift
    if course.quote.kind == "free":
        posts = seen(count)
        return f"{posts} posts where the catalog says that there are none" if posts else ""
    if course.counter is None or course.hold.believed is not Outcome.SETTLED:
        return ""
    return course.governed.lengths.drift(
        course.listed, status=course.status, count=count, length=course.counter.decoded_bytes
    )


def _learn(course: Course, ended: Charge) -> int:
    """Raise the operation's price after an answer that held more than it; return the raise."""
    if ended.outcome is not Outcome.SETTLED or ended.received is None:
        return 0
    return course.governed.raises.learn(course.listed, ended.received)


def _recorded(
    course: Course,
    ended: Charge,
    count: Counted | Unreadable | None,
    drift: str,
    *,
    settled: int,
    held: int,
) -> ExchangeRecord:
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
        outcome="free" if quote.kind == "free" and not ended.posts else ended.outcome.value,
        asked=quote.asked,
        price=settled + held,
        received=ended.received if course.seen is None else course.seen,
        unreadable=count.reason if isinstance(count, Unreadable) else "",
        charged=settled + ended.posts,
        overrun=ended.overrun,
        usage=usage.charged + usage.pending if usage else 0,
        status=course.status,
        waited_ms=course.waited_ms,
        upstream_ms=course.upstream_ms(now_ms),
        total_ms=now_ms - course.began_ms,
        relayed_bytes=course.relayed_bytes,
        drift=drift,
    )
