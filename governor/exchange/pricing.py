"""What a request may cost, before anything is held for it: the catalog's quote, made ready to hold.

Where the catalog says that a body tells what is asked for, the body is read first, at the crawler's
own pace and while nothing is held; then exactly those bytes are sent. A longer one is sent on as it
comes and priced at the maximum, as is one in a coding: nobody reads what may be a bomb.

An overrun's raise is added, and a stream is priced at its lead: what may be on its way unseen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from governor.core.catalog import MOST_BODY_BYTES, Body
from governor.core.leading import lead
from governor.core.ledger.messages import MOST_POSTS, SHARE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.core.catalog import Quote
    from governor.exchange.course import Course


async def price(course: Course) -> None:
    """Take the request's final quote, reading its body if that is needed.

    Raises ConnectionError if the crawler announced a body and never sends it.
    """
    request, catalog = course.request, course.governed.catalog
    listed = course.listed
    if request.has_body:
        course.body = course.downstream.body()
        if catalog.reads_body(request.method, request.host, request.target):
            body = await _read(course)
            listed = catalog.quote(request.method, request.host, request.target, body)
    course.price(listed, _held_at(course, listed))


async def _read(course: Course) -> Body:
    """Read the body, and leave it to be sent as it was."""
    fields = [(name.lower(), value) for name, value in course.request.headers]
    content_type = ", ".join(value for name, value in fields if name == "content-type")
    coded = any(name == "content-encoding" and value.strip() for name, value in fields)
    assert course.body is not None
    if coded:
        return Body(content_type, None)
    read, rest = bytearray(), course.body
    async for chunk in rest:
        read += chunk
        if len(read) > MOST_BODY_BYTES:
            course.body = _again(bytes(read), rest)
            return Body(content_type, None)
    course.body = _again(bytes(read), None)
    return Body(content_type, bytes(read))


async def _again(read: bytes, rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    if read:
        yield read
    if rest is not None:
        async for chunk in rest:
            yield chunk


def _held_at(course: Course, listed: Quote) -> Quote:
    """Return the quote at the price that is held: raised, and of a stream its lead.

    Where no limit allows so much, all of the limit is held. A stream is then cut at its first
    post; and an odd answer that raised a price shuts nothing out. What the catalog itself prices
    above a limit never fits.
    """
    raised = course.governed.raises.priced(listed)
    if listed.flow is not None:
        return replace(raised, price=min(lead(listed.flow), _most(course)))
    if raised.price == listed.price:
        return raised
    return replace(raised, price=max(listed.price, min(raised.price, _most(course))))


def _most(course: Course) -> int:
    """Return what the tightest limit on posts allows, by the ledger's last word or ours."""
    on_posts = {limit.name: limit.most for limit in course.contract.limits_on_posts}
    usage = course.conversation.snapshot().usage
    caps = (
        stands.limit
        for account, stands in usage.items()
        if account in dict(course.hold.amounts)
        and account.partition(SHARE)[0] in on_posts
        and stands.limit is not None
    )
    return min((*caps, *on_posts.values()), default=MOST_POSTS - 1)
