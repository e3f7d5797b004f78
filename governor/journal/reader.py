"""Reading a journal, beside its writer or without one, and proving that nothing was touched.

Every call opens its own connection: a reader in another process or thread then sees one consistent
state and never stands in the writer's way (SQLite's WAL mode).
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from governor.journal.file import connect, translated
from governor.journal.rows import Link, Row, damaged, decode, forge, genesis, kind_of, seal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from governor.core.ledger.records import Record

_PAGE: Final = 1_000  # rows read at a time: some 500 KB, and no read lasts long enough to hurt


class _Owned(NamedTuple):
    """Whose the journal is, and the places where its chain begins and ends."""

    member: str
    cut: Link
    head: Link


class Reader:
    """A journal to read. `member` names its owner; every method raises JournalError on damage."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        with self._reading() as connection:
            self.member: Final = _owned(connection).member

    @property
    def head(self) -> Link:
        """Return the last row's place; copied off this machine it proves the whole chain."""
        with self._reading() as connection:
            return _owned(connection).head

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

        Raises JournalError naming the first row that is not as it was written. What cannot be
        seen: all of a chain written anew, with its head; or the file put back as it once was.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")  # one state of the file, whatever is appended meanwhile
            file = _owned(connection)
            _check_cut(connection, file)
            start = (_covered(connection, file.cut) if tail else None) or file.cut
            last = _walk(connection, start)
            if last != file.head:
                raise damaged(
                    f"The journal ends with record {last.id}, but record {file.head.id} was its "
                    "last: records were removed or replaced."
                )
            _covered(connection, file.cut)
            return last.id - start.id

    def _page(self, after: int) -> list[Row]:
        with self._reading() as connection:
            return _page(connection, after)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self._path), closing(connect(self._path)) as connection:
            yield connection


def _page(connection: sqlite3.Connection, after: int) -> list[Row]:
    rows = connection.execute(
        "SELECT id, wall_ms, kind, body, chain FROM record WHERE id > ? ORDER BY id LIMIT ?",
        (after, _PAGE),
    )
    # SQLite gives back whatever the bytes on the disk say, be it of another type.
    return msgspec.convert(rows.fetchall(), list[Row])


def _walk(connection: sqlite3.Connection, start: Link) -> Link:
    """Follow the chain from `start`; return its last place."""
    link = start
    while rows := _page(connection, link.id):
        for row in rows:
            if row != forge(link, row.wall_ms, row.kind, row.body):
                raise damaged(
                    f"Record {link.id + 1} of the journal is missing or is not as it was written."
                )
            decode(row)
            link = Link(row.id, row.chain)
    return link


def _owned(connection: sqlite3.Connection) -> _Owned:
    rows = connection.execute(
        "SELECT member, cut_id, cut_chain, head_id, head_chain FROM journal"
    ).fetchall()
    if len(rows) != 1:
        raise damaged("The journal does not say whose it is.")
    member, cut_id, cut_chain, head_id, head_chain = rows[0]
    return msgspec.convert((member, (cut_id, cut_chain), (head_id, head_chain)), _Owned)


def _check_cut(connection: sqlite3.Connection, file: _Owned) -> None:
    """See that the chain begins where it should, and that nothing stands before it."""
    if file.cut.id <= 0 and file.cut != genesis(file.member):
        raise damaged("The journal's chain does not begin with its owner's name.")
    before = connection.execute("SELECT id FROM record WHERE id <= ?", (file.cut.id,)).fetchone()
    if before is not None:
        raise damaged(f"Record {before[0]} of the journal stands before its beginning.")


def _covered(connection: sqlite3.Connection, cut: Link) -> Link | None:
    """Return the place of the checkpoint, which must be sealed to it; None if there is none."""
    checkpoints = connection.execute("SELECT id, state, seal FROM checkpoint").fetchall()
    if not checkpoints:
        return None
    row_id, state, found = msgspec.convert(checkpoints[0], tuple[int, bytes, bytes])
    row = connection.execute("SELECT id, chain FROM record WHERE id = ?", (row_id,)).fetchone()
    at = cut if row_id == cut.id else row and msgspec.convert(row, Link)
    if at is None or seal(at, state) != found:
        raise damaged(f"The journal's checkpoint at record {row_id} was changed.")
    return at
