"""The request goes to the platform, once, and its answer comes back, counted as it passes.

Whatever ends it, the holds' states then say what must be believed: that nothing was sent, that the
platform may have counted all of it, or that the answer was read to its end.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from governor.core.coding import countable
from governor.core.ledger.holds import Event, State
from governor.core.ledger.messages import DoubtReason
from governor.core.refusal import InDoubt
from governor.errors import OldGrantError, UpstreamError
from governor.exchange import answering, relaying, streaming

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.core.refusal import Cause
    from governor.exchange.course import Course
    from governor.exchange.parts import Answer, Request


async def forward(course: Course) -> Cause | None:
    """Send it, once, and relay the answer; return why not, if its grant is too old to be used.

    Raises ConnectionError when the crawler takes no more.
    """
    course.sent_ms = course.adapters.clock.monotonic_ms()
    try:
        if course.quote.flow is None:
            await _relay(course)
        else:
            await streaming.relay(course, _asked(course, streaming.asking(course.request)))
        await course.downstream.finish()
    except OldGrantError:
        course.reason = "doubt"
        return InDoubt(DoubtReason.UNREACHABLE.value)
    except UpstreamError as error:
        _believe(course, error)
        await answering.report(course, error)
    finally:
        if course.ended_ms is None:
            course.ended_ms = course.adapters.clock.monotonic_ms()
    return None


async def _relay(course: Course) -> None:
    request = replace(course.request, headers=countable(course.request.headers))
    async with _asked(course, request) as answer:
        await relaying.relay(course, answer)


@asynccontextmanager
async def _asked(course: Course, request: Request) -> AsyncIterator[Answer]:
    """Ask the platform; whoever answers was asked."""
    sending = partial(_sending, course)
    async with course.adapters.upstream.ask(request, course.body, sending) as answer:
        _sent(course)
        course.status = answer.status
        yield answer


def _sending(course: Course) -> None:
    """Note that from now on the platform may count it: its first byte is about to be written.

    Raises OldGrantError if the grant is too old for that. Shadow mode refuses nothing.
    """
    claimed = course.hold.state is State.CLAIMED
    if claimed and course.is_enforced and course.first.is_old(course.adapters.clock):
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
