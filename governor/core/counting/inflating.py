"""The gzip coding, undone piece by piece, so that a bomb is never held whole."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE_BYTES = 64 * 1024  # inflated and looked at together: what a bomb can make us hold
GZIP_FRAMING = 31  # zlib's wbits for a gzip header, the largest window and a checked trailer

UNKNOWN_CODING = "its content coding is not gzip"
BROKEN_CODING = "its gzip coding is broken"
CUT_CODING = "the gzip coding was cut off"


class Decoder:
    """Undoes one content coding. `trouble` says why it cannot, or no longer; "" while it can."""

    def __init__(self, content_encoding: str) -> None:
        coding = content_encoding.strip().lower()
        self._members = _Members() if coding in ("gzip", "x-gzip") else None
        self.is_coded = coding not in ("", "identity")
        self.trouble = UNKNOWN_CODING if self.is_coded and self._members is None else ""

    @property
    def whole(self) -> bool:
        """Whether the coding is at an end: it was not cut."""
        return self._members is None or self._members.whole

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk decodes to, in pieces, until there is trouble. Never raises."""
        if self.trouble:
            return
        try:
            for start in range(0, len(chunk), PIECE_BYTES):
                piece = chunk[start : start + PIECE_BYTES]
                if self._members is None:
                    yield piece
                else:
                    yield from self._members.inflate(piece)
        except zlib.error:
            self.trouble = BROKEN_CODING


class _Members:
    """Any number of gzip members, one after another (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._open: zlib._Decompress | None = None

    @property
    def whole(self) -> bool:
        """Whether the last member that was begun was also ended and its checksum was right."""
        return self._open is None

    def inflate(self, coded: bytes) -> Iterator[bytes]:
        """Yield what `coded` inflates to. Raises zlib.error."""
        while coded or self._open:
            self._open = self._open or zlib.decompressobj(GZIP_FRAMING)
            piece = self._open.decompress(coded, PIECE_BYTES)
            yield piece
            if self._open.eof:
                coded = self._open.unused_data
                self._open = None
            else:
                coded = self._open.unconsumed_tail
                if not coded and len(piece) < PIECE_BYTES:
                    return
