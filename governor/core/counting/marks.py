r"""An upper bound of the posts in bytes that flow by, or that cannot be parsed.

Every post has a key of its own that is a mark (`Walker.marks`), so there are no more posts than
marks written. JSON can spell a key of plain characters in one other way only: with one of them as
`\u00..`. No encoder writes letters so; each such escape counts as if it spelled a mark.

What only a place knows (`Counting.places`) has no mark and is not bounded here: where places and
walkers agree nothing is missing, and where they do not the count says so at the end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Those of `PLAIN_KEY`: - . $ 0-9 : @ A-Z _ a-z. HTML's < > & ' are left out: these are escaped.
ESCAPED = re.compile(rb"\\u00(?:2[4deDE]|3[0-9aA]|4[0-9a-fA-F]|5[0-9aAfF]|6[1-9a-fA-F]|7[0-9aA])")
ESCAPE, ESCAPE_BYTES = b"\\u00", 6


class Marks:
    """Counts the marks in bytes that come in pieces. `posts` are no fewer than those so far."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = [f'"{mark}"'.encode() for mark in marks]
        self._behind = max([ESCAPE_BYTES, *map(len, self._marks)]) - 1
        self._tail = b""
        self.posts = 0

    def look(self, piece: bytes) -> None:
        """Count the marks in the next bytes, those that began in the bytes before too."""
        tail = self._tail
        seen = tail + piece
        for mark in self._marks:
            self.posts += seen.count(mark) - tail.count(mark)
        if ESCAPE in seen:
            self.posts += len(ESCAPED.findall(seen)) - len(ESCAPED.findall(tail))
        self._tail = seen[-self._behind :]


def marks_in(text: bytes, marks: Iterable[str]) -> int:
    """Return how many posts a text can hold at most."""
    found = Marks(marks)
    found.look(text)
    return found.posts
