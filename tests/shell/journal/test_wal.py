"""A damaged write-ahead file is not taken for a short one.

The file is one that SQLite wrote and a crash left: a copy, made before its owner closed it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from governor.journal.wal import lost_commits

if TYPE_CHECKING:
    from pathlib import Path

BEFORE: Final = 50
COMMITS: Final = 6
FRAME: Final = 24 + 4096


class Left:
    """What a crash left: a file of `BEFORE` rows, and `COMMITS` more in its write-ahead file."""

    def __init__(self, directory: Path) -> None:
        self._database = directory / "some.db"
        with closing(sqlite3.connect(self._database, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode = WAL")
            writer.execute("CREATE TABLE record (body BLOB)")
            for _ in range(BEFORE):  # an earlier round, whose frames stay behind the next one's
                writer.execute("INSERT INTO record VALUES (zeroblob(3000))")
            writer.execute("PRAGMA wal_checkpoint(RESTART)")
            for _ in range(COMMITS):
                writer.execute("INSERT INTO record VALUES (zeroblob(3000))")
            self._file = self._database.read_bytes()
            self.wal = (directory / "some.db-wal").read_bytes()

    def missing(self, wal: bytes) -> int:
        """Ask SQLite how many of the commits it does not replay."""
        copy = self._database.with_name("copy.db")
        copy.write_bytes(self._file)
        copy.with_name("copy.db-wal").write_bytes(wal)
        with closing(sqlite3.connect(copy)) as reader:
            (rows,) = reader.execute("SELECT count(*) FROM record").fetchone()
        return BEFORE + COMMITS - int(rows)

    def flipped(self, at: int) -> bytes:
        return self.wal[:at] + bytes([self.wal[at] ^ 1]) + self.wal[at + 1 :]


@pytest.fixture
def left(tmp_path: Path) -> Left:
    return Left(tmp_path)


def test_a_sound_file_has_lost_nothing(left: Left) -> None:
    """The frames of an earlier round, which are still in it, count for nothing."""
    assert len(left.wal) > 32 + 2 * COMMITS * FRAME
    assert left.missing(left.wal) == lost_commits(left.wal) == 0


@pytest.mark.parametrize("cut", [0, 20, 32])
def test_a_file_without_a_frame_has_lost_nothing(left: Left, cut: int) -> None:
    assert lost_commits(left.wal[:cut]) == 0


def test_a_flipped_bit_loses_what_sqlite_says(left: Left) -> None:
    """From the commit in which it lies to the last, be it in a page or in a frame's header."""
    found = set()
    for at in range(32, len(left.wal), 509):
        wal = left.flipped(at)
        missing = left.missing(wal)
        found.add(missing)
        # The salts or the commit mark of one frame may be what was flipped: that one hides.
        assert lost_commits(wal) in {missing, max(0, missing - 1)}, at

    assert found == set(range(COMMITS + 1))


@pytest.mark.parametrize("at", [0, 3, 5, 9, 13, 16, 20, 24, 31])
def test_a_damaged_header_loses_all(left: Left, at: int) -> None:
    wal = left.flipped(at)

    assert left.missing(wal) == lost_commits(wal) == COMMITS


def test_a_file_that_a_crash_cut_off_has_lost_nothing(left: Left) -> None:
    """The commit that was being written was acknowledged to nobody."""
    for cut in range(32, 32 + 2 * COMMITS * FRAME, 1009):
        assert lost_commits(left.wal[:cut]) == 0
