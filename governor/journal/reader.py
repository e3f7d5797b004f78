"""Reading a journal, beside its writer or without one, and proving that nothing was touched.

Every call opens its own connection: a reader in another process or thread then sees one consistent
state and never stands in the writer's way (SQLite's WAL mode).
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from governor.errors import JournalError
from governor.journal.file import connect, translated
from governor.journal.rows import (
    BEYOND,
    Link,
    Row,
    damaged,
    decode,
    forge,
    genesis,
    kind_of,
    seal,
)
from governor.journal.wal import lost_commits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from governor.core.ledger.records import Record

_PAGE: Final = 1_000  # rows read at a time: some 500 KB, and no read lasts long enough to hurt

_ROWS: Final = "SELECT id, wall_ms, kind, body, chain FROM record"


class Owned(NamedTuple):
    """Whose the journal is, and the places where its chain begins and ends."""

    member: str
    cut: Link
    head: Link


class Reader:
    """A journal to read. `member` names its owner; every method raises JournalError on damage."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        with self._reading() as connection:
            self.member: Final = owned(connection).member

    @property
    def head(self) -> Link:
        """Return the last row's place; copied off this machine it proves the whole chain."""
        with self._reading() as connection:
            return owned(connection).head

    @property
    def removed(self) -> int:
        """Return how many rows retention has removed, the oldest."""
        with self._reading() as connection:
            return owned(connection).cut.id

    def records(
        self, kinds: Collection[type[Record]] | None = None, after: int = 0
    ) -> Iterator[tuple[int, Record]]:
        """Yield records with their ids in the order of appending, those after row `after` only.

        `kinds` narrows them to some classes. Records appended meanwhile are yielded too. The
        chain is not checked: `verify_chain` does that.
        """
        wanted = None if kinds is None else {kind_of(kind) for kind in kinds}
        while rows := self._page(after):
            for row in rows:
                if wanted is None or row.kind in wanted:
                    yield row.id, decode(row)
            after = rows[-1].id

    def checkpoint(self) -> tuple[int, bytes] | None:
        """Return the last checkpoint: the row it covers, and what was written there."""
        with self._reading() as connection:
            row = connection.execute("SELECT id, state FROM checkpoint").fetchone()
            return row and msgspec.convert(row, tuple[int, bytes])

    def verify_chain(self, *, tail: bool = False) -> int:
        """Walk the chain, with `tail` from the checkpoint on; return how many rows that were.

        Raises DamagedError naming the first row that is not as it was written. What cannot be
        seen: all of a chain written anew, with its head; or the files put back as they once were,
        or without their write-ahead file.
        """
        return sum(1 for _ in self.sound(tail=tail))

    def sound(self, *, tail: bool = False) -> Iterator[tuple[Row, Record]]:
        """Yield all rows with their records, each as soon as it is proved, as of one moment.

        With `tail` those behind the checkpoint only. Raises DamagedError at the first row that is
        not as it was written, or after the last if there should be more.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")  # one state of the file, whatever is appended meanwhile
            file = owned(connection)
            check_start(connection, file)
            last = (covered(connection, file.cut) if tail else None) or file.cut
            for row in chained(connection, last):
                last = Link(row.id, row.chain)
                yield row, decode(row)
            if last != file.head:
                raise damaged(
                    f"The journal ends with record {last.id}, but record {file.head.id} was its "
                    "last: records were removed or replaced."
                )
            covered(connection, file.cut)
            check_write_ahead_file(self._path)

    def _page(self, after: int) -> list[Row]:
        with self._reading() as connection:
            return _page(connection, after)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path), closing(connect(self._path)) as connection:
            yield connection


def _page(connection: sqlite3.Connection, after: int) -> list[Row]:
    rows = connection.execute(f"{_ROWS} WHERE id > ? ORDER BY id LIMIT ?", (after, _PAGE))
    # SQLite gives back whatever the bytes on the disk say, be it of another type.
    return msgspec.convert(rows.fetchall(), list[Row])


def chained(connection: sqlite3.Connection, start: Link) -> Iterator[Row]:
    """Yield the rows that follow `start`, each proved, up to one that is not or cannot be read.

    Raises DamagedError for the first, and what SQLite raises for the second.
    """
    link = start
    for stored in _following(connection, start.id):
        row = msgspec.convert(stored, Row)
        if row != forge(link, row.wall_ms, row.kind, row.body):
            raise damaged(
                f"Record {link.id + 1} of the journal is missing or is not as it was written."
            )
        yield row
        link = Link(row.id, row.chain)


def _following(connection: sqlite3.Connection, after: int) -> Iterator[tuple[int, object]]:
    """Yield what is stored in each row, to the last before a place that SQLite cannot read.

    Python's cursor reads one row ahead of the one that it gives, and drops that if it cannot.
    """
    try:
        for stored in connection.execute(f"{_ROWS} WHERE id > ? ORDER BY id", (after,)):
            after = stored[0]
            yield stored
    except sqlite3.DatabaseError:
        yield from connection.execute(f"{_ROWS} WHERE id = ?", (after + 1,))
        raise


def check_write_ahead_file(path: Path) -> None:
    """Raise DamagedError if acknowledged commits in it cannot be read.

    It is read again before that is said: its live writer may have begun it anew meanwhile.
    """
    wal = path.with_name(f"{path.name}-wal")
    with translated(path):
        lost = _lost(wal)
        if lost > 1:
            lost = min(lost, _lost(wal))
    if lost > 1:
        raise damaged(
            f"{lost} commits in the journal's write-ahead file cannot be read: the records "
            "in them are lost."
        )


def _lost(wal: Path) -> int:
    try:
        return lost_commits(wal.read_bytes())
    except FileNotFoundError:  # all of it is in the journal
        return 0


def owned(connection: sqlite3.Connection) -> Owned:
    """Return whose it is. Raises JournalError if it does not say so: then nobody can go on."""
    rows = connection.execute(
        "SELECT member, cut_id, cut_chain, head_id, head_chain FROM journal"
    ).fetchall()
    if len(rows) != 1:
        raise JournalError("The journal does not say whose it is. " + BEYOND)
    member, cut_id, cut_chain, head_id, head_chain = rows[0]
    return msgspec.convert((member, (cut_id, cut_chain), (head_id, head_chain)), Owned)


def check_start(connection: sqlite3.Connection, file: Owned) -> None:
    """See that the chain begins where it should, and that nothing stands before it."""
    if file.cut.id <= 0 and file.cut != genesis(file.member):
        raise JournalError("The journal's chain does not begin with its owner's name. " + BEYOND)
    before = connection.execute("SELECT id FROM record WHERE id <= ?", (file.cut.id,)).fetchone()
    if before is not None:
        raise damaged(f"Record {before[0]} of the journal stands before its beginning.")


def covered(connection: sqlite3.Connection, cut: Link) -> Link | None:
    """Return the place of the checkpoint; None if there is none. It must be sealed to that."""
    checkpoints = connection.execute("SELECT id, state, seal FROM checkpoint").fetchall()
    if not checkpoints:
        return None
    row_id, state, found = msgspec.convert(checkpoints[0], tuple[int, bytes, bytes])
    row = connection.execute("SELECT id, chain FROM record WHERE id = ?", (row_id,)).fetchone()
    at = cut if row_id == cut.id else row and msgspec.convert(row, Link)
    if at is None or seal(at, state) != found:
        raise damaged(f"The journal's checkpoint at record {row_id} was changed.")
    return at
