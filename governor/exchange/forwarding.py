"""The request goes to the platform, once, and its answer comes back, counted as it passes.

Whatever ends it, the hold's state then says what must be believed: that nothing was sent, that the
platform may have counted all of it, or that the answer was read to its end.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from governor.core.coding import countable
from governor.core.counting import Counter
from governor.core.ledger.holds import Event, State
from governor.core.ledger.messages import DoubtReason
from governor.core.refusal import InDoubt
from governor.errors import OldGrantError, UpstreamError
from governor.exchange import answering

if TYPE_CHECKING:
    from governor.core.catalog import Quote
    from governor.core.refusal import Cause
    from governor.exchange.course import Course
    from governor.exchange.parts import Answer


OLDEST_GRANT_MS = 5_000  # an older one is given back unused: the ledger may have moved on (I5)


async def forward(course: Course) -> Cause | None:
    """Send it, once, and relay the answer; return why not, if its grant is too old to be used.

    Raises ConnectionError when the crawler takes no more.
    """
    course.sent_ms = course.adapters.clock.monotonic_ms()
    try:
        await _relay(course)
    except OldGrantError:
        course.reason = "doubt"
        return InDoubt(DoubtReason.UNREACHABLE.value)
    except UpstreamError as error:
        _believe(course, error)
        await answering.report(course, error)
    finally:
        course.ended_ms = course.adapters.clock.monotonic_ms()
    return None


async def _relay(course: Course) -> None:
    request = replace(course.request, headers=countable(course.request.headers))
    asking = course.adapters.upstream.ask(request, course.body, partial(_sending, course))
    async with asking as answer:
        _sent(course)  # whoever answers was asked
        course.status = answer.status
        counter = course.counter = _counter(answer, course.quote)
        await course.downstream.start(
            answer.status, answer.reason, (*answer.headers, *answering.passing(course))
        )
        course.started = True
        async with aclosing(answer.chunks()) as chunks:
            async for chunk in chunks:
                counter.feed(chunk)
                _check_end(counter, course.quote)
                course.relayed_bytes += len(chunk)
                await course.downstream.write(chunk)
        if course.hold.state is State.SENT:
            course.hold.on(Event.READ)
    await course.downstream.finish()


def _sending(course: Course) -> None:
    """Note that from now on the platform may count it: its first byte is about to be written.

    Raises OldGrantError if the grant is too old for that. Shadow mode refuses nothing.
    """
    claimed = course.hold.state is State.CLAIMED
    if claimed and course.is_enforced and course.grant_age_ms() > OLDEST_GRANT_MS:
        raise OldGrantError("connecting took longer than a grant may be old")
    _sent(course)


def _sent(course: Course) -> None:
    if course.hold.state is State.CLAIMED:
        course.hold.on(Event.SEND)


def _believe(course: Course, error: UpstreamError) -> None:
    """Let the hold know whether the platform may have heard of the request."""
    if error.sent:
        _sent(course)
    elif course.hold.state is State.SENT:
        course.hold.on(Event.UNSENT)


def _counter(answer: Answer, quote: Quote) -> Counter:
    fields = {name.lower(): value for name, value in answer.headers}
    return Counter(
        fields.get("content-encoding", ""), fields.get("content-type", ""), quote.walkers
    )


def _check_end(counter: Counter, quote: Quote) -> None:
    """Cut the answer of an unknown operation once it may hold more than was held for it.

    The catalog cannot say that it ever ends. A known one has a true ceiling and is read to its end
    even past it: the platform has served it.
    """
    if quote.kind == "unknown" and counter.at_most > quote.price:
        raise UpstreamError(
            f"{quote.price} posts were held for an operation that the catalog does not know, and "
            "its answer holds more",
            sent=True,
            status=502,
            kind="http_response_body_size",
        )
