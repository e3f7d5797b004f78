"""An answer that ends is relayed and counted as it passes, and more is held if it needs it."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from governor.core.counting import Counter
from governor.core.ledger.holds import Event, State
from governor.errors import UpstreamError
from governor.exchange import answering
from governor.exchange.growing import Growth

if TYPE_CHECKING:
    from governor.core.catalog import Quote
    from governor.exchange.course import Course
    from governor.exchange.parts import Answer


ENDLESS: Final = ("unknown", "stream")  # of which nobody can say that an answer ends
OF_CODING: Final = ("content-encoding", "content-length")


async def begin(course: Course, answer: Answer, *, decoded: bool = False) -> None:
    """Pass the head on, without its coding if the body is `decoded`. Raises ConnectionError."""
    left_out = OF_CODING if decoded else ()
    kept = (field for field in answer.headers if field[0].lower() not in left_out)
    fields = (*kept, *answering.passing(course))
    await course.downstream.start(answer.status, answer.reason, fields)
    course.started = True


async def relay(course: Course, answer: Answer) -> None:
    """Pass an answer on to its last byte. Raises UpstreamError, ConnectionError.

    One that has no true ceiling is never cut: the platform has served it.
    """
    counter = course.counter = Counter(
        field(answer, "content-encoding"), field(answer, "content-type"), course.quote.counting
    )
    growth = course.growth = Growth(course)
    await begin(course, answer)
    async with aclosing(answer.chunks()) as chunks:
        async for chunk in chunks:
            counter.feed(chunk)
            _check_end(counter, course.quote)
            if course.quote.kind == "posts" and not course.quote.has_ceiling:
                growth.follow(counter.at_most)
            course.relayed_bytes += len(chunk)
            await course.downstream.write(chunk)
    ended(course)


def ended(course: Course) -> None:
    """Note that the answer was read to its end: nothing more is on its way."""
    for holding in course.live:
        if holding.hold.state is State.SENT:
            holding.hold.on(Event.READ)


def field(answer: Answer, name: str) -> str:
    """Return the value of an answer's field, "" if it has none."""
    return next((value for each, value in reversed(answer.headers) if each.lower() == name), "")


def _check_end(counter: Counter, quote: Quote) -> None:
    """Cut an answer of which nobody can say that it ends once it may hold more than was held.

    That is one to an unknown operation, and one to a stream that is none by its status. A known one
    is read to its end even past what is held: the platform has served it.
    """
    if quote.kind in ENDLESS and counter.at_most > quote.price:
        raise UpstreamError(
            f"{quote.price} posts were held for an answer that may never end, and it holds more",
            sent=True,
            status=502,
            kind="http_response_body_size",
        )
