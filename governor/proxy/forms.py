"""Forms that hide a method: `_method=GET` in the body of a POST, as web frameworks read it.

An operation that holds no posts by one method may by another (`POST` and `GET` of
`/2/users/{id}/following`), and it is by its own method that it was classified. So a form is read
before anything is held for it, at the crawler's own pace, and sent on as it came. Other bodies are
not looked into: what honours a method there was written to be asked so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor.errors import BadRequestError
from governor.proxy.canonical import hides_method

if TYPE_CHECKING:
    from governor.exchange import Request
    from governor.proxy.downstream import Crawler
    from governor.proxy.requests import Head

# Read whole, however long a price would look at it: files go up in multipart, as platforms want it.
MOST_BYTES: Final = 1_048_576
_FORM: Final = "application/x-www-form-urlencoded"
_UNTYPED: Final = ("Content-Type", "application/octet-stream")


async def check_form(head: Head, crawler: Crawler) -> None:
    """Raise BadRequestError if the body is a form that names another method.

    Raises ConnectionError when the rest of it will never come.
    """
    if not head.has_body or not _is_form(head):
        return
    if head.values(b"content-encoding"):
        raise BadRequestError("A form is sent here as it is: leave out its Content-Encoding.")
    form = await crawler.read_ahead(MOST_BYTES)
    if form is None:
        raise BadRequestError("A form has at most 1 MiB here: send files as multipart/form-data.")
    check_fields_of(form)


def check_fields_of(form: bytes) -> None:
    """Raise BadRequestError if a form names another method."""
    if hides_method(form.decode("utf-8", "replace")):
        raise BadRequestError("The form names another method: send the method itself.")


def is_form(content_type: str) -> bool:
    """Say whether a body of this type is a form to somebody."""
    return _FORM in content_type.lower()


def typed(request: Request) -> Request:
    """Return the request with its body's type said: what has none is no form (RFC 9110, 8.3).

    Some take a POST without one for a form (Rack); to say what it is by the RFC changes nothing
    for the others.
    """
    named = any(name.lower() == "content-type" for name, _ in request.headers)
    if named or not request.has_body:
        return request
    return replace(request, headers=(*request.headers, _UNTYPED))


def _is_form(head: Head) -> bool:
    return any(is_form(kind.decode("latin-1")) for kind in head.values(b"content-type"))
