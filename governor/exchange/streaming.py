"""An endless answer: read as it comes, counted line by line, and cut when nothing is left for it.

The platform may count a post when it writes it, long before we read it. So what is held leads what
was read by all that may be on its way (core/leading), and more is held before more is read. Where
that cannot be had, reading ends there: the platform's connection is closed at once, the crawler
gets the whole lines that were read before, and what was held for the way is charged in full,
lingering. Nothing here waits for a crawler (lines), and for the ledger no longer than a second.

The platform is asked for no coding: gzip holds many more records in what our buffers contain. One
that codes all the same is led by so much more.
"""

from __future__ import annotations

import zlib
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from governor.core.counting import Counted, Counter
from governor.core.leading import lead
from governor.core.ledger.holds import Event, State
from governor.exchange import relaying
from governor.exchange.growing import Growth
from governor.exchange.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from governor.exchange.course import Course
    from governor.exchange.parts import Answer, Request

OK = 200


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
        if answer.status != OK:
            await relaying.relay(course, answer)
            return
        await _read(course, answer, lines)
        course.ended_ms = course.adapters.clock.monotonic_ms()


async def _read(course: Course, answer: Answer, lines: Lines) -> None:
    """Read, count and pass on, as long as enough is held for what may come."""
    flow = course.quote.flow
    assert flow is not None
    coding = relaying.field(answer, "content-encoding")
    records = Records(coding, course.quote.walkers)
    ahead = course.quote.price if coding in ("", "identity") else lead(flow, coded=True)
    growth = course.growth = Growth(course)
    course.seen = 0
    lines.begin(answer)
    has_room = True
    async with aclosing(answer.chunks()) as chunks:
        while has_room and await growth.lead(ahead, batch=flow.rate) is None:
            chunk = await anext(chunks, None)
            whole = records.finish() if chunk is None else records.feed(chunk)
            for line, posts in whole:
                growth.use(posts)
                has_room = lines.put(line)
            if chunk is None:
                return _end(course)
    if not has_room:
        course.reason = "slow"
    return None


def _end(course: Course) -> None:
    """Note that the platform ended the stream: nothing more is on its way."""
    for holding in course.live:
        if holding.hold.state is State.SENT:
            holding.hold.on(Event.READ)


class Records:
    def __init__(self, coding: str, walkers: tuple[str, ...]) -> None:
        self._walkers = walkers
        self._rest = b""
        self._inflate = zlib.decompressobj(31) if coding == "gzip" else None

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, int]]:
        if self._inflate:
            chunk = self._inflate.decompress(chunk)
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            counter = Counter("", "", self._walkers)
            counter.feed(line)
            counted = counter.finish()
            posts = counted.posts if isinstance(counted, Counted) else max(1, counted.at_least)
            yield line + b"\n", posts

    def finish(self) -> Iterator[tuple[bytes, int]]:
        if self._rest.strip():
            yield self._rest, 1
