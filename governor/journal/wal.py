"""What SQLite does not tell: that commits behind a damaged place in the write-ahead file are gone.

At a start SQLite replays the write-ahead file up to the first frame whose checksum is wrong, and
ignores the rest without a word. That is right for the commit in which a crash fell. But each
commit is synced before the next begins, so if whole commits stand behind the damage, the first of
them at least was acknowledged, and with it charges are forgotten.

One lost commit cannot be told from the one that a power cut tore, so one is let pass: the last
records are then covered only by the ledger, which knows what was acknowledged to it.
Format: sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER: Final = struct.Struct(">IIII8sII")  # magic, version, page size, round, salts, checksum
_FRAME: Final = struct.Struct(">II8sII")  # page, pages after a commit (else 0), salts, checksum
_MAGIC: Final = 0x377F0682  # its lowest bit tells that checksums are of big-endian words
_PAGE: Final = 4096  # SQLite's default, which a journal has: for a header that does not tell

_Sums = tuple[int, int]


def lost_commits(wal: bytes) -> int:
    """Return how many commits of a write-ahead file SQLite will not replay.

    Frames of an earlier round of the file bear other salts and are none. A header that cannot be
    read makes SQLite ignore the whole file: then every commit in it counts. Takes some 0.1 s for
    the 4 MB to which the file grows.
    """
    if len(wal) < _HEADER.size:
        return 0
    magic, _, page_size, _, salts, *stored = _HEADER.unpack_from(wal)
    order = ">" if magic & 1 else "<"
    sums = _sums((0, 0), wal[:24], order)
    replayed = magic & ~1 == _MAGIC and sums == tuple(stored)
    if not replayed:
        page_size, salts = _PAGE, wal[_HEADER.size + 8 : _HEADER.size + 16]
    lost = 0
    for frame in _frames(wal, _FRAME.size + page_size):
        _, pages, own_salts, *stored = _FRAME.unpack_from(frame)
        if replayed:
            sums = _sums(_sums(sums, frame[:8], order), frame[_FRAME.size :], order)
            replayed = own_salts == salts and sums == tuple(stored)
        if not replayed and own_salts == salts and pages:
            lost += 1
    return lost


def _frames(wal: bytes, size: int) -> Iterator[bytes]:
    """Yield the frames that are there to their end; a shorter one was never synced."""
    for at in range(_HEADER.size, len(wal) - size + 1, size):
        yield wal[at : at + size]


def _sums(sums: _Sums, content: bytes, order: str) -> _Sums:
    """Continue the two sums of the file's checksum over `content`."""
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(content) // 4}I", content))
    for one, other in zip(words, words, strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
