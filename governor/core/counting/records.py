"""Counting a stream, an endless answer of records: one line each, counted when it is whole.

A line without JSON in it is a keep-alive; a number is the length of the next record
(`delimited=length`); one that tells of a deletion, a limit or an error holds no post. One that
cannot be read is a post at least, and as many as it has marks: something was delivered.

Lines end with LF, or CR LF. A bare CR is white space of JSON and ends none: X separates records by
CR LF. A gzip stream is relayed decoded, because it can then be cut after any whole record, and in
gzip only where its sender flushed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor.core.counting.counter import counted
from governor.core.counting.documents import UncountableError, tally
from governor.core.counting.inflating import Decoder
from governor.core.counting.marks import Marks, marks_in
from governor.core.counting.walking import Walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.core.counting.walkers import Counting

MOST_BYTES = 1024 * 1024  # of one record: seventy times the largest post with all its expansions


class Records:
    """Counts a stream. Feed it the wire's bytes in any split, and relay the lines it yields.

    `content_encoding` is the answer's field ("" when absent). If `is_decoded`, the lines are what
    the answer decodes to: take Content-Encoding and Content-Length out of its head. `trouble` says
    why no more can be read, "" while it can: look at it before the first byte (an unknown coding)
    and after each `feed`, and cut the stream.
    """

    def __init__(
        self, content_encoding: str, counting: Counting, most_bytes: int = MOST_BYTES
    ) -> None:
        self._decoder = Decoder(content_encoding)
        self._counting: Final = counting
        self._walk = Walk(counting)
        self._most_bytes: Final = most_bytes
        self._begun = bytearray()
        self._too_long = False
        self._skimmed: Marks | None = None
        self.drift = ""  # of the last record whose counts differed, as in `Counted`
        self.decoded_bytes = 0

    @property
    def is_decoded(self) -> bool:
        """Whether the lines are not as the wire had them."""
        return self._decoder.is_coded

    @property
    def trouble(self) -> str:
        """Say why no more of the stream can be read; "" while it can."""
        if self._too_long:
            return f"a record of it is longer than {self._most_bytes} bytes"
        return self._decoder.trouble

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, int]]:
        """Yield each line that is whole now, its end included, and the posts in it.

        Take all that it yields before the next is fed.
        """
        if self.trouble:
            return
        for piece in self._decoder.decode(chunk):
            self.decoded_bytes += len(piece)
            if self._skimmed is not None:
                self._skimmed.look(piece)
                continue
            yield from self._lines(piece)
            if self._too_long:
                return

    def skim(self) -> None:
        """Yield no more lines than those that were begun to be: only bound the posts in the rest.

        That is a hundred times faster, for a stream that is cut in any case.
        """
        self._skimmed = self._skimmed or Marks(self._counting.marks)

    @property
    def skimmed(self) -> int:
        """Return how many posts were in what was skimmed, at most."""
        return self._skimmed.posts if self._skimmed else 0

    @property
    def is_whole(self) -> bool:
        """Whether its coding, if it has one, is at an end: nothing was lost of it."""
        return self._decoder.whole

    def finish(self) -> int:
        """Return the posts in `begun`, once the answer has ended."""
        return self._posts(self.begun, whole=False)

    @property
    def begun(self) -> bytes:
        """The line that was begun and is not ended. To be relayed only if the answer ends so."""
        return bytes(self._begun)

    def _lines(self, piece: bytes) -> Iterator[tuple[bytes, int]]:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            line = bytes(self._begun) + end + b"\n"
            self._begun.clear()
            yield line, self._posts(line, whole=True)
        self._begun += rest
        self._too_long = len(self._begun) > self._most_bytes

    def _posts(self, line: bytes, *, whole: bool) -> int:
        if not line.strip():
            return 0
        try:
            found = counted(tally(line, self._walk), self._counting)
        except UncountableError:
            return max(1, marks_in(line, self._counting.marks))
        self.drift = found.drift or self.drift
        return found.posts if whole else max(1, found.posts)
