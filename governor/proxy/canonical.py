"""One spelling of a request's target, for governed hosts: what is classified is what is sent.

A target that the platform may read as another one (`/2/%74weets`, `/x/../2/tweets`) would be
priced as the wrong operation. RFC 3986 (6.2.2) makes some spellings equal, and in the QUERY those
are brought to one: hex digits in upper case, unreserved characters plain, what must be escaped
escaped. That is harmless, for no server that decodes a query can tell: the parameters are the same
once decoded, and it is those that OAuth 1.0a signs (RFC 5849, 3.4.1.3.1).

A PATH is refused rather than repaired, but for the case of its hex digits: OAuth signs it as it is
spelled (3.4.1.2), and no crawler's library escapes `t`. What has no canonical form at all is
refused in both: broken escapes, control characters, what is no UTF-8 (an overlong `%C0%AE` is a dot
to some), a method hidden in a parameter, matrix parameters, `//` and dot segments. That an honest
query cannot carry an escaped newline is the price; there is no crawler that needs one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, unquote_to_bytes

from governor.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPE: Final = re.compile(r"%(..?)?")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")
# pchar and the slash (RFC 3986, 3.3), without the semicolon of matrix parameters.
_NOT_IN_PATH: Final = re.compile(r"[^A-Za-z0-9._~!$&'()*+,=:@/%-]")
# Escaped, these hide a second path inside the first.
_HIDING: Final = frozenset("./\\%;")
# An escape that is broken, needless, in small letters, or of a control character. Two searches for
# what is wrong are five times faster than one match of what is right.
_UNSETTLED: Final = re.compile(r"%(?!2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[B-D]|[89A-F][0-9A-F])")
_BEYOND_ASCII: Final = re.compile(r"%[89A-F]")
# What RFC 3986 wants escaped in a query and many clients send as it is: `ids[]=1`, raw JSON.
_RAW: Final = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/?%-]")
# Parameters by which frameworks take another method than the one that was sent (Rack, Symfony).
_OVERRIDING: Final = re.compile(
    r"(?:^|[?&;\s])(?:_method|x-http-method(?:-override)?|x-method-override)(?![a-z0-9_-])"
)
_MOST_DECODINGS: Final = 8  # no server decodes more often than its proxies are many


def canonical(target: str) -> str:
    """Return a target as it is classified and sent. Raises BadRequestError when it has no form.

    `target` is in origin form and of visible ASCII characters (see `requests.locate`).
    """
    path, _, query = target.partition("?")
    path = _path(path)
    return f"{path}?{_query(query)}" if query else path


def hides_method(parameters: str) -> bool:
    """Say whether a query or a form names another method, however often it is escaped."""
    for _ in range(_MOST_DECODINGS):
        decoded = unquote(parameters)
        if decoded == parameters:
            break
        parameters = decoded
    loose = unicodedata.normalize("NFKC", parameters).casefold()
    return _OVERRIDING.search(loose) is not None


def _path(path: str) -> str:
    if "//" in path:
        raise BadRequestError("The path holds an empty segment (//): remove one slash.")
    if ";" in path:
        raise BadRequestError("The path holds a matrix parameter (;): put it into the query.")
    if _NOT_IN_PATH.search(path):
        raise BadRequestError("The path holds a character that must be escaped.")
    if "%" in path:
        for character in _escaped(path):
            _check_escaped(character)
        path = _upper(path)
    if "/." in path and any(segment in {".", ".."} for segment in path.split("/")):
        raise BadRequestError("The path holds a dot segment: send it resolved.")
    return path


def _check_escaped(character: str) -> None:
    if character in _HIDING:
        raise BadRequestError(
            "The path escapes a dot, slash, percent or semicolon: send the path that is meant."
        )
    if _UNRESERVED.fullmatch(character):
        raise BadRequestError("The path escapes a character that needs no escape: send it plain.")


def _query(query: str) -> str:
    if _RAW.search(query) or _UNSETTLED.search(query):
        for _ in _escaped(query):  # each is looked at
            pass
        query = _RAW.sub(lambda found: quote(found[0], safe=""), query)
        query = _ESCAPE.sub(_plain, query)
    plain = _text(query) if _BEYOND_ASCII.search(query) else query
    if ("method" in plain.lower() or "%25" in query) and hides_method(query):
        raise BadRequestError("The query names another method: send the method itself.")
    return query


def _escaped(text: str) -> Iterator[str]:
    """Yield every escaped character. Raises BadRequestError for one that has no canonical form."""
    for digits in _ESCAPE.findall(text):
        if not _HEX.fullmatch(digits):
            raise BadRequestError("A % is not followed by two hex digits: send %25 for a percent.")
        character = chr(int(digits, 16))
        if character < " " or character == "\x7f":
            raise BadRequestError("The URL escapes a control character: leave it out.")
        yield character
    _text(text)


def _text(escaped: str) -> str:
    """Return what escapes stand for, letters of every width alike. Raises BadRequestError."""
    try:
        text = unquote_to_bytes(escaped).decode()
    except UnicodeDecodeError:
        raise BadRequestError("The URL's escapes are not text in UTF-8: encode it so.") from None
    return unicodedata.normalize("NFKC", text)


def _upper(path: str) -> str:
    return _ESCAPE.sub(lambda escape: escape[0].upper(), path)


def _plain(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
