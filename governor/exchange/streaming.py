"""An endless answer: read as it comes, counted line by line, and cut when nothing is left for it.

The platform may count a post when it writes it, long before we read it. So what is held leads what
was read by all that may be on its way (core/leading), and more is held before more is read. Where
that cannot be had, reading ends there: the platform's connection is closed at once, the crawler
gets the whole lines that were read before, and what was held for the way is charged in full,
lingering. Nothing here waits for a crawler (lines), and for the ledger no longer than a second.

The platform is asked for no coding: gzip holds many more records in what our buffers contain. One
that codes all the same is led by so much more, and relayed decoded: only so can it be cut after a
whole line.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor.core.counting import Records
from governor.core.leading import lead
from governor.exchange import relaying
from governor.exchange.growing import Growth
from governor.exchange.lines import Lines

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from governor.exchange.course import Course
    from governor.exchange.parts import Answer, Request

SUCCESSES: Final = range(200, 300)  # one with posts is a stream, whichever it is


def asking(request: Request) -> Request:
    """Return a stream's request as it is sent: no coding is asked for, and little may wait."""
    others = [field for field in request.headers if field[0].lower() != "accept-encoding"]
    return replace(request, headers=(*others, ("Accept-Encoding", "identity")), flows=True)


async def relay(course: Course, asked: AbstractAsyncContextManager[Answer]) -> None:
    """Pass a stream on until it ends or must be cut. Raises UpstreamError, ConnectionError.

    Leaving `asked` closes the platform's connection; only then the crawler's last lines are waited
    for.
    """
    async with Lines(course) as lines, asked as answer:
        if answer.status not in SUCCESSES:
            await relaying.relay(course, answer)
            return
        await _read(course, answer, lines)
        course.ended_ms = course.adapters.clock.monotonic_ms()


async def _read(course: Course, answer: Answer, lines: Lines) -> None:
    """Read, count and pass on, as long as enough is held for what may come."""
    flow = course.quote.flow
    assert flow is not None
    records = Records(relaying.field(answer, "content-encoding"), course.quote.counting)
    ahead = lead(flow, coded=True) if records.is_decoded else course.quote.price
    growth = course.growth = Growth(course)
    course.seen = 0
    lines.begin(answer, decoded=records.is_decoded)
    has_room = True
    async with aclosing(answer.chunks()) as chunks:
        while has_room and not records.trouble:
            if await growth.lead(ahead, batch=flow.rate) is not None:
                return
            chunk = await anext(chunks, None)
            if chunk is None:
                growth.use(records.finish())
                lines.put(records.begun)
                if records.is_whole:
                    relaying.ended(course)
                return
            for line, posts in records.feed(chunk):
                if posts:
                    growth.use(posts)
                if not lines.put(line):
                    has_room = False
                    records.skim()  # a piece of gzip may hold any number of lines: all were sent
            growth.use(records.skimmed)
            course.drift = records.drift
    course.reason = "unreadable" if records.trouble else "slow"
