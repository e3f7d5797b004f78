"""The journal: every durable fact of one member, in the order in which they became true.

It is the truth from which a lost ledger is refilled, and the evidence afterwards, so it is kept
where the fewest things can fail: one SQLite file on the local disk, written by one thread
(`writer`), chained by hashes (`rows`), locked to one process (`file`), read by anybody (`reader`),
and gone on with even when it was damaged (`mending`).
Rejected: a file of our own needs a proof of its crash safety that SQLite already has;
synchronous=NORMAL is twice as fast and forgets the last commits at a power cut.

The journal knows nothing of what its records mean; `core.ledger.state` folds them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from governor.core.ledger.records import Torn
from governor.errors import DamagedError
from governor.journal import mending
from governor.journal.file import JOURNAL, connect, ensure, lock, prepare, translated
from governor.journal.mending import kept
from governor.journal.reader import Reader, check_write_ahead_file
from governor.journal.rows import encode, kind_of
from governor.journal.writer import Clock, Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from governor.core.ledger.records import Record
    from governor.journal.rows import Link

__all__ = ["JOURNAL", "Clock", "Journal", "Reader", "kept"]

_PRUNED_AT_ONCE: Final = 1_000  # rows removed in one commit, so that an append waits for no more


def _ignore(_seconds: float) -> None:
    """Observe nothing."""


class Journal:
    """A member's journal, open for writing by this process alone. Made by `Journal.open`."""

    def __init__(self, reader: Reader, writer: Writer, lock_descriptor: int) -> None:
        self.torn: Final = _tear(reader)
        self._reader: Final = reader
        self._writer: Final = writer
        self._lock: int | None = lock_descriptor

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        clock: Clock,
        create: bool,
        observe: Callable[[float], None] = _ignore,
    ) -> Journal:
        """Lock the state directory and open its journal. Blocks; call it before serving.

        With `create` an absent directory (0700) and journal (0600) are made. `observe` is told
        how many seconds each commit took. The chain is verified from the last checkpoint on. A
        damaged journal is mended, which `torn` then tells: say it to the operator.

        Raises LedgerError when there is no journal, SchemaError when it is newer than we are,
        JournalError when the directory, the lock or the file cannot be had, or is damaged so much
        that nobody can go on from it.
        """
        prepare(directory, create=create)
        descriptor = lock(directory)
        try:
            mending.complete(directory / JOURNAL)
            path = ensure(directory, create=create)
            try:
                connection, reader = _opened(path)
            except DamagedError as damage:
                mending.mend(path, damage, clock.wall_ms())
                connection, reader = _opened(path)
            writer = Writer(connection, reader.head, clock, observe)
        except BaseException:
            os.close(descriptor)
            raise
        return cls(reader, writer, descriptor)

    @property
    def member(self) -> str:
        """Return whose journal this is: 128 random bits in hex, made with the journal."""
        return self._reader.member

    @property
    def broken(self) -> bool:
        """Whether a write has failed. Then nothing is appended until it is opened anew."""
        return self._writer.broken

    @property
    def head(self) -> Link:
        """Return the last row's id and chain; noted elsewhere, it proves all rows up to it."""
        return self._reader.head

    def records(
        self, kinds: Collection[type[Record]] | None = None, after: int = 0
    ) -> Iterator[tuple[int, Record]]:
        """Yield (id, record) in order, of some `kinds` or all, those after row `after` only."""
        return self._reader.records(kinds, after)

    def verify_chain(self, *, tail: bool = False) -> int:
        """Walk the chain, with `tail` from the checkpoint on; return how many rows that were.

        Raises DamagedError naming the first bad one. Blocks for some 6 s per million rows: on a
        live governor, call it in a thread.
        """
        return self._reader.verify_chain(tail=tail)

    def checkpoint(self) -> tuple[int, bytes] | None:
        """Return the last checkpoint: up to which row it covers the journal, and its content."""
        return self._reader.checkpoint()

    async def append(self, *records: Record) -> int:
        """Make these records durable, all or none; return the id of the last.

        A failure (JournalError) breaks the journal for good: the records may or may not be on the
        disk, and each later append fails at once. A caller that is cancelled takes nothing back:
        its records become durable all the same. There is no deadline: who must not wait for a
        dead disk watches the time since the last commit.
        """
        entries = [(kind_of(record), encode(record)) for record in records]
        return await self._writer.do(lambda transaction: transaction.append(entries))

    async def write_checkpoint(self, record_id: int, state: bytes) -> None:
        """Replace the checkpoint by `state`, which is what all rows up to `record_id` come to."""
        await self._writer.do(lambda transaction: transaction.checkpoint(record_id, state))

    async def prune(self, before_ms: int) -> int:
        """Remove rows written before `before_ms` (wall clock) that the checkpoint covers.

        What remains can still be verified. Returns how many were removed. Appends go on meanwhile.
        """
        removed = 0
        while part := await self._writer.do(
            lambda transaction: transaction.prune(before_ms, _PRUNED_AT_ONCE)
        ):
            removed += part
        return removed

    async def close(self) -> None:
        """Write what is queued, refuse what comes later, and let the directory go."""
        await self._writer.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _opened(path: Path) -> tuple[sqlite3.Connection, Reader]:
    """Return a connection to write by, and a reader that has verified what will be relied on.

    Raises DamagedError if rows are damaged, JournalError and SchemaError as `Journal.open` does.
    """
    check_write_ahead_file(path)  # before SQLite opens it to write: closing would remove it
    connection = connect(path, write=True)
    try:
        # What a crashed or failed writer left in the write-ahead file may be in memory
        # only. Written into the file and synced, it is durable before it is believed.
        with translated(path):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        reader = Reader(path)
        reader.verify_chain(tail=True)
    except BaseException:
        connection.close()
        raise
    return connection, reader


def _tear(reader: Reader) -> Torn | None:
    """Return the record of a tear that no start has followed."""
    last = [record for _, record in reader.records(after=reader.head.id - 1)]
    return last[0] if last and isinstance(last[0], Torn) else None
