"""Counting one answer that ends, while it is relayed and without ever holding it up.

Nested and repeated posts count: the contract speaks of "requesting, viewing, or accessing" and
knows no de-duplication. The count may be too high and never too low, so whatever could hide a post
makes the answer unreadable, which costs its full price: another coding than gzip, a cut or broken
body, nesting that a decoder refuses, and a key written twice in one object, of which a decoder
keeps the last.

The body is kept up to a cap and parsed at its end, because that is ten times faster than to parse
as it comes; what flows is bounded by its marks meanwhile. Over the cap nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governor.core.counting.documents import UncountableError, tally
from governor.core.counting.inflating import CUT_CODING, Decoder
from governor.core.counting.marks import Marks
from governor.core.counting.pages import page_tally
from governor.core.counting.walking import Walk

if TYPE_CHECKING:
    from governor.core.counting.walkers import Counting
    from governor.core.counting.walking import Tally

# Three times the largest answer that 500 posts of the largest recorded kind with their referenced
# posts can make (3 x 500 x 3.3 KB), and four times the largest recorded one (3.7 MB).
CAP_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer was read to its end and parsed: `posts` post objects, nested ones too.

    `posts` is the highest of the counts by the operation's own walkers, by every one, and in its
    places; `drift` says in numbers how they differ, "" when they agree.
    """

    posts: int
    drift: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be counted; `at_least` posts were seen or must be assumed by its size."""

    reason: str
    at_least: int = 0


class Counter:
    """Counts one answer. Feed it the wire's bytes in any split, then ask once with `finish`.

    `content_encoding` and `content_type` are the answer's fields ("" when absent). No more than
    `cap_bytes` of the decoded body are kept.
    """

    def __init__(
        self,
        content_encoding: str,
        content_type: str,
        counting: Counting,
        cap_bytes: int = CAP_BYTES,
    ) -> None:
        self._decoder = Decoder(content_encoding)
        self._is_page = content_type.strip().lower().startswith(("text/html", "application/xhtml"))
        self._counting: Final = counting
        self._cap_bytes: Final = cap_bytes
        self._kept = bytearray()
        self._marks = Marks(counting.marks)
        self.decoded_bytes = 0  # kept or not; 0 for a coding that cannot be read

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body. Never raises; trouble shows in `finish`."""
        for piece in self._decoder.decode(chunk):
            self.decoded_bytes += len(piece)
            self._marks.look(piece)
            if self.decoded_bytes <= self._cap_bytes:
                self._kept += piece
            else:
                self._kept.clear()

    @property
    def at_most(self) -> int:
        """Return how many posts the bytes so far can hold: an upper bound, and a cheap one.

        It bounds what walkers can know; see `marks` for places.
        """
        return self._marks.posts

    def finish(self) -> Counted | Unreadable:
        """Return the count of a body that was fed whole.

        For a body that was cut, ask too: the count tells what was seen, and the caller knows that
        it is not the end.
        """
        reason = self._decoder.trouble
        if not reason and not self._decoder.whole:
            reason = CUT_CODING
        if not reason and self.decoded_bytes > self._cap_bytes:
            reason = f"it is longer than {self._cap_bytes} bytes"
        if not reason:
            try:
                return counted(self._tally(), self._counting)
            except UncountableError as trouble:
                reason = str(trouble)
        self._kept.clear()
        return Unreadable(reason, self._marks.posts)

    def _tally(self) -> Tally:
        walk = Walk(self._counting)
        # Some servers call their JSON a page.
        if self._is_page and bytes(self._kept.lstrip()[:1]) not in (b"", b"{", b"["):
            return page_tally(self._kept, walk, self._counting.marks)
        return tally(self._kept, walk)


def counted(found: Tally, counting: Counting) -> Counted:
    """Return the highest of the counts, and how they differ."""
    counts = [("by its own walkers", found.own), ("by all walkers", found.every)]
    if counting.places:
        counts.append(("in its places", found.placed))
    posts = max(count for _, count in counts)
    if all(count == posts for _, count in counts):
        return Counted(posts)
    return Counted(posts, ", ".join(f"{count} {how}" for how, count in counts))
