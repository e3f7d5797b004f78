"""JSON that has one meaning, or none: what could hide a post from a decoder is not counted.

A body is one document, or lines of one each. Rejected: a streaming parser in Python (ten times
slower), `json` with a hook for pairs (three times), and counting by regular expression (a post's
text may hold anything, and texts quote JSON).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from governor.core.counting.walking import Tally

if TYPE_CHECKING:
    from governor.core.counting.walking import Walk

# A body of nothing but braces would take eighty times its length in memory, and seconds. Recorded
# ones have one in forty bytes at most: twice what the largest page of 500 posts would have.
MOST_NODES = 256 * 1024
QUOTE_SPACE_COLON = re.compile(rb'"[ \t\r\n]+:')


class UncountableError(Exception):
    """The body is not JSON that has one meaning. The message quotes nothing of it."""


def tally(body: bytes | bytearray, walk: Walk) -> Tally:
    """Return what a body holds, nothing if it is blank. Raises UncountableError."""
    found = Tally()
    if not body.strip():
        return found
    if len(body) > MOST_NODES and body.count(b"{") + body.count(b"[") > MOST_NODES:
        raise UncountableError(f"it has more than {MOST_NODES} objects and lists")
    for document in _documents(body):
        walk.over(document, found)
    if found.members != _keys_written(body, found.members):
        raise UncountableError("an object in it has the same key twice")
    return found


def _documents(body: bytes | bytearray) -> list[Any]:
    """Return the one document, or those of newline-delimited JSON."""
    try:
        return [_parse(body)]
    except UncountableError:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) > MOST_NODES:  # a body of nothing but ends of lines
            raise UncountableError(f"it has more than {MOST_NODES} lines") from None
        return [_parse(line) for line in lines]


def _parse(text: bytes | bytearray) -> Any:  # noqa: ANN401  # whatever the platform sends
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise UncountableError("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError):
        # From none: their messages may quote the body, and no post's text leaves this module.
        raise UncountableError("it is not JSON") from None


def _keys_written(body: bytes | bytearray, members: int) -> int:
    """Return how many keys valid JSON writes, given how many members its objects came to have.

    Every key ends in a quote and a colon, so there are never fewer of these than keys written, and
    never fewer keys than members: if all three are equal, no key was lost. Else a text looks like
    a key; without escaped quotes in it, few still do (a text that begins with a colon). Only for
    those all texts are taken out, and the colons left are the keys exactly.
    """
    if _keys_at_most(body) == members:
        return members
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")  # so each quote left opens or closes
    if _keys_at_most(plain) == members:
        return members
    return b"".join(plain.split(b'"')[::2]).count(b":")


def _keys_at_most(text: bytes | bytearray) -> int:
    return text.count(b'":') + len(QUOTE_SPACE_COLON.findall(text))
