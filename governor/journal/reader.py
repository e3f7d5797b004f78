"""Reading a journal, beside its writer or without one, and proving that nothing was touched.

Every call opens its own connection: a reader in another process or thread then sees one consistent
state and never stands in the writer's way (SQLite's WAL mode).
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

from governor.errors import JournalError
from governor.journal.file import connect, translated
from governor.journal.rows import Link, Row, decode, forge, genesis, kind_of, seal

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from governor.core.ledger.records import Record

_PAGE: Final = 1_000  # rows read at a time: some 500 KB, and no read lasts long enough to hurt


class Reader:
    """A journal to read. `member` names its owner; every method raises JournalError on damage."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        with self._reading() as connection:
            self.member: Final[str] = _only(
                connection.execute("SELECT member FROM journal").fetchall(), "owner"
            )[0]

    @property
    def head(self) -> Link:
        """Return the last row's place; copied off this machine it proves the whole chain."""
        with self._reading() as connection:
            return _ends(connection)[1]

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
            rows = connection.execute("SELECT id, state FROM checkpoint").fetchall()
            return rows[0] if rows else None

    def verify_chain(self, *, tail: bool = False) -> int:
        """Walk the chain, with `tail` from the checkpoint on; return how many rows that were.

        Raises JournalError naming the first row that is not as it was written. What cannot be
        seen: all of a chain written anew, with its head; or the file put back as it once was.
        """
        with self._reading() as connection:
            connection.execute("BEGIN")  # one state of the file, whatever is appended meanwhile
            cut, head = _ends(connection)
            if cut.id == 0 and cut != genesis(self.member):
                raise JournalError("The journal's chain does not begin with its owner's name.")
            covered = _check_checkpoint(connection, cut)
            start = covered if tail and covered else cut
            last = _walk(connection, start)
            if last != head:
                raise JournalError(
                    f"The journal ends with record {last.id}, but record {head.id} was its last: "
                    "records were removed or replaced."
                )
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
    return [Row(*row) for row in rows]


def _walk(connection: sqlite3.Connection, start: Link) -> Link:
    """Follow the chain from `start`; return its last place."""
    link = start
    while rows := _page(connection, link.id):
        for row in rows:
            if row != forge(link, row.wall_ms, row.kind, row.body):
                raise JournalError(
                    f"Record {link.id + 1} of the journal is missing or is not as it was written."
                )
            decode(row)
            link = Link(row.id, row.chain)
    return link


def _ends(connection: sqlite3.Connection) -> tuple[Link, Link]:
    """Return the places where the chain begins and ends."""
    cut_id, cut_chain, head_id, head_chain = _only(
        connection.execute("SELECT cut_id, cut_chain, head_id, head_chain FROM journal").fetchall(),
        "beginning",
    )
    return Link(cut_id, cut_chain), Link(head_id, head_chain)


def _check_checkpoint(connection: sqlite3.Connection, cut: Link) -> Link | None:
    """Return the place of the checkpoint, which must be sealed to it; None if there is none."""
    checkpoints = connection.execute("SELECT id, state, seal FROM checkpoint").fetchall()
    if not checkpoints:
        return None
    row_id, state, found = checkpoints[0]
    rows = connection.execute("SELECT id, chain FROM record WHERE id = ?", (row_id,)).fetchall()
    at = cut if row_id == cut.id else Link(*_only(rows, f"record {row_id} (its checkpoint's)"))
    if seal(at, state) != found:
        raise JournalError(f"The journal's checkpoint at record {row_id} was changed.")
    return at


def _only(rows: list[tuple[Any, ...]], what: str) -> tuple[Any, ...]:
    if len(rows) != 1:
        raise JournalError(f"The journal has lost its {what}.")
    return rows[0]
