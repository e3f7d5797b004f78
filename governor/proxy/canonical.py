"""A path with one spelling only, for governed hosts.

A path that the platform may read as another one (`/2/%74weets`, `/x/../2/tweets`) would be priced
as the wrong operation. It is refused rather than repaired, because what is classified must be,
byte for byte, what is forwarded; no crawler's library writes one by itself. Queries are left
alone: they have many honest spellings, and the catalog takes the dearest reading.
"""

from __future__ import annotations

import re
from typing import Final

from governor.errors import BadRequestError

_ESCAPE: Final = re.compile(r"%(..?)?")
# An escaped dot, slash, percent or control byte hides a second path inside the first.
_HIDING: Final = frozenset("./\\%")
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]")


def check_canonical(target: str) -> None:
    """Raise BadRequestError unless the path has one spelling only; the query is left alone.

    `target` is in origin form and of visible ASCII characters (see `requests.locate`).
    """
    path = target.partition("?")[0]
    if "//" in path:
        raise BadRequestError("The path holds an empty segment (//): remove one slash.")
    for escape in _ESCAPE.findall(path):
        _check_escape(escape)
    for segment in path.split("/"):
        if segment.partition(";")[0] in {".", ".."}:
            raise BadRequestError("The path holds a dot segment: send it resolved.")


def _check_escape(digits: str) -> None:
    try:
        character = bytes.fromhex(digits).decode("latin-1")
    except ValueError:
        character = ""
    if len(digits) != 2 or not character:  # noqa: PLR2004  # two hex digits: RFC 3986, 2.1
        raise BadRequestError("A % in the path is not followed by two hex digits.")
    if character in _HIDING or character < " " or character == "\x7f":
        raise BadRequestError("The path escapes a dot, slash, percent or control character.")
    if _UNRESERVED.fullmatch(character):
        raise BadRequestError("The path escapes a character that needs no escape: send it plain.")
