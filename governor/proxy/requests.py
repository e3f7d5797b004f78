"""The rules of admission: from a head as it stood on the wire to an `exchange.Request`.

Pure functions on bytes. What is classified must be what is forwarded, so nothing is repaired: a
request whose framing two parsers could read differently (request smuggling) is refused. aiohttp's
parser has been through the head before; it lets through some of what is refused here (a version
of 2.0, chunked in HTTP/1.0, `Transfer-Encoding: ,chunked`, `Content_Length`), which was measured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from governor.errors import BadRequestError, MisdirectedError
from governor.exchange import Request
from governor.proxy.authority import Authority, parse_authority
from governor.proxy.problems import Problem

if TYPE_CHECKING:
    from governor.exchange import Headers, Way

Scheme = Literal["http", "https"]
PORTS: Final[dict[Scheme, int]] = {"http": 80, "https": 443}
_SCHEMES: Final[dict[str, Scheme]] = {"http": "http", "https": "https"}
GATEWAY: Final = "/gateway/"
LINE_MAX: Final = 65_536  # GraphQL URLs and cookies of X pass aiohttp's 8,190 by far
TOO_LONG: Final = "A URL or a field has at most 64 KiB: ask for less at once."

_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,18}")  # up to what fits 64 bits
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")

# RFC 9110, 7.6.1, and what RFC 7540 and old proxies added. Proxy-* goes by its prefix.
_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings")
)
_OURS: Final = ("proxy-", "x-governor-")
# Answered here: the authority is in the request itself, and 100-continue is hop by hop.
_ANSWERED: Final = frozenset(("host", "expect"))
# A Connection header that names these would make us drop what identifies or frames a request.
_KEPT: Final = frozenset(("authorization", "content-length"))
# Written with `_` some servers read these as the real ones (CGI's HTTP_CONTENT_LENGTH).
_NOT_WITH_UNDERSCORE: Final = _HOP_BY_HOP | _ANSWERED | _KEPT


# They make some servers read another method than the one that was priced.
_OVERRIDES: Final = (b"x-http-method-override", b"x-http-method", b"x-method-override")


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a request as the wire had it; `target` in the form the crawler chose."""

    method: str
    target: str
    version: tuple[int, ...]
    fields: tuple[tuple[bytes, bytes], ...]

    def values(self, name: bytes) -> list[bytes]:
        """Return every value of a field; `name` in lower case."""
        return [value for field, value in self.fields if field.lower() == name]

    def first(self, name: bytes) -> str | None:
        """Return the first value of a field, or None."""
        values = self.values(name)
        return values[0].decode("latin-1") if values else None

    @property
    def has_body(self) -> bool:
        """Whether a body follows; only meaningful once `check_framing` has passed."""
        length = self.values(b"content-length")
        return bool(self.values(b"transfer-encoding")) or (bool(length) and length != [b"0"])

    @property
    def expects_continue(self) -> bool:
        """Whether the crawler waits for 100 Continue before it sends its body."""
        return self.version == (1, 1) and self.has_body and bool(self.values(b"expect"))


@dataclass(frozen=True, slots=True)
class Origin:
    """What a CONNECT fixed for every request inside its tunnel."""

    scheme: Scheme
    authority: Authority
    job: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes, and by which way it came in. `target` is origin-form."""

    way: Way
    scheme: Scheme
    authority: Authority
    target: str


def check_framing(head: Head) -> None:
    """Raise BadRequestError unless the head can be read in one way only (RFC 9112)."""
    if head.version not in ((1, 0), (1, 1)):
        raise BadRequestError("Only HTTP/1.0 and HTTP/1.1 are spoken here.")
    check_fields(head)
    hosts = head.values(b"host")
    if len(hosts) > 1 or (not hosts and head.version == (1, 1)):
        raise BadRequestError("A request carries exactly one Host.")
    lengths, codings = head.values(b"content-length"), head.values(b"transfer-encoding")
    if codings and head.version == (1, 0):
        raise BadRequestError("HTTP/1.0 has no Transfer-Encoding.")
    if codings and [coding.lower() for coding in codings] != [b"chunked"]:
        raise BadRequestError("The only Transfer-Encoding accepted is chunked, once.")
    if lengths and codings:
        raise BadRequestError("Content-Length and Transfer-Encoding exclude each other.")
    if len(lengths) > 1 or (lengths and not _LENGTH.fullmatch(lengths[0])):
        raise BadRequestError("Content-Length is one decimal number.")


def check_fields(head: Head) -> None:
    """Raise BadRequestError for a field whose name or value another parser may read otherwise."""
    for name, value in head.fields:
        _check_field(name, value)


def _check_field(name: bytes, value: bytes) -> None:
    if not _TOKEN.fullmatch(name):
        raise BadRequestError("A header field name holds a character that is not allowed in it.")
    if _CONTROL.search(value):
        raise BadRequestError("A header field value holds a control character.")
    try:
        value.decode()
    except UnicodeDecodeError:
        raise BadRequestError("A header field value is not text in UTF-8.") from None
    if b"_" not in name:
        return
    alike = name.decode("ascii").lower().replace("_", "-")
    if alike in _NOT_WITH_UNDERSCORE or alike.startswith(_OURS):
        raise BadRequestError(f"Write the field {alike} with hyphens.")


def refusal(head: Head) -> Problem | None:
    """Return the answer to what is correct HTTP but not offered here, or None."""
    if head.method == "CONNECT":
        return Problem(400, "CONNECT must be the first request on a connection of its own.")
    upgrades = b",".join(head.values(b"upgrade")).lower()
    if b"websocket" in upgrades:
        return Problem(501, "WebSocket is not supported: its posts could not be counted.")
    expected = head.values(b"expect")
    if expected and [value.lower() for value in expected] != [b"100-continue"]:
        return Problem(417, "The only expectation understood is 100-continue.")
    return None


def check_plain(head: Head) -> None:
    """Raise BadRequestError for what a platform could read as another request than was priced."""
    for name in _OVERRIDES:
        if head.values(name):
            raise BadRequestError(f"{name.decode()} hides the method: send the method itself.")
    if head.method in {"GET", "HEAD"} and head.has_body:
        raise BadRequestError(f"A {head.method} has no body here: put what it asks into the URL.")


def check_rewritable(head: Head, sent: str, target: str) -> None:
    """Raise BadRequestError if `target` cannot stand for the one that was sent: it is signed.

    HTTP signatures (RFC 9421) are over the target as it is spelled, OAuth 1.0a over the spelling
    of the path and the decoded query (RFC 5849, 3.4.1).
    """
    signed = any(map(head.values, (b"signature", b"signature-input")))
    authorization = (head.first(b"authorization") or "").lower()
    if authorization.startswith("oauth "):
        signed |= sent.partition("?")[0] != target.partition("?")[0]
    if signed or authorization.startswith("signature "):
        raise BadRequestError(
            "The URL is signed in a spelling that has to be changed: sign it with what must be "
            "escaped escaped, nothing else, and hex digits in upper case."
        )


def locate(head: Head, origin: Origin | None) -> Place | Problem:
    """Say where a request goes; `origin` is the tunnel it came through, if any.

    Raises BadRequestError when its target is malformed, and MisdirectedError when its names
    disagree about whom it is for.
    """
    _check_visible(head.target)
    if origin is not None:
        return _inside(head, origin)
    if not head.target.startswith("/"):
        place = _absolute(head.target)
        if place.scheme == "https":
            return Problem(400, "An https URL is reached through CONNECT, not in absolute form.")
        _check_host(head, place)
        return place
    if head.target.startswith(GATEWAY):
        return _gateway(head.target)
    return Problem(
        404,
        "This is a proxy. Set it as HTTP and HTTPS proxy, or use /gateway/<host>/<path> as a "
        "base URL; http://governor.internal/ through the proxy has help.",
    )


def _check_visible(target: str) -> None:
    if not _VISIBLE.fullmatch(target) or "\\" in target or "#" in target:
        raise BadRequestError("The request target holds a character that must be escaped.")


def place_of(url: str) -> Place:
    """Return where a whole URL leads. Raises BadRequestError when it is malformed."""
    _check_visible(url)
    return _absolute(url)


def _inside(head: Head, origin: Origin) -> Place:
    place = Place("tunnel", origin.scheme, origin.authority, head.target)
    if not head.target.startswith("/"):
        named = _absolute(head.target)
        if (named.scheme, named.authority) != (origin.scheme, origin.authority):
            raise MisdirectedError(f"This tunnel is for {origin.authority} only.")
        place = Place("tunnel", origin.scheme, origin.authority, named.target)
    _check_host(head, place)
    return place


def _absolute(target: str) -> Place:
    name, _, rest = target.partition("://")
    scheme = _SCHEMES.get(name.lower())
    if scheme is None or not rest:
        raise BadRequestError("The request target is neither a path nor an http URL.")
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority = parse_authority(rest[:cut], default_port=PORTS[scheme])
    return Place("forward", scheme, authority, _rooted(rest[cut:]))


def _gateway(target: str) -> Place | Problem:
    rest = target.removeprefix(GATEWAY)
    cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    authority = parse_authority(rest[:cut], default_port=PORTS["https"])
    if authority.port != PORTS["https"]:
        return Problem(404, "The gateway leads to port 443 of a governed host only.")
    return Place("gateway", "https", authority, _rooted(rest[cut:]))


def _rooted(rest: str) -> str:
    """Return the origin form: an absent path is `/` (RFC 9112, 3.2.1)."""
    return rest if rest.startswith("/") else f"/{rest}"


def _check_host(head: Head, place: Place) -> None:
    host = head.first(b"host")
    if host is None:  # HTTP/1.0 may leave it out; then only one name is left to believe
        return
    named = parse_authority(host, default_port=PORTS[place.scheme])
    if named != place.authority:
        raise MisdirectedError(f"Host names {named}, but the request is for {place.authority}.")


def end_to_end(head: Head) -> Headers:
    """Return the fields that go on to the platform, in their order and spelling."""
    named = b",".join(head.values(b"connection")).decode("latin-1").lower()
    dropped = {name.strip() for name in named.split(",")} - _KEPT
    dropped |= _HOP_BY_HOP | _ANSWERED
    return tuple(
        (name.decode("ascii"), value.decode())
        for name, value in head.fields
        if (lower := name.decode("ascii").lower()) not in dropped and not lower.startswith(_OURS)
    )


def admit(head: Head, place: Place, job: str) -> Request:
    """Make the request that goes on. `head` has passed `check_framing`, `place` is its own."""
    return Request(
        method=head.method,
        scheme=place.scheme,
        host=place.authority.host,
        port=place.authority.port,
        target=place.target,
        headers=end_to_end(head),
        job=job,
        way=place.way,
        has_body=head.has_body,
    )
