"""The one thread that writes a journal, many callers' records in one commit.

An fsync costs the same for one record as for a hundred, and it must not stop the event loop. So
callers queue their work and wait; the thread takes all that is queued, commits it at once, and
takes what has gathered meanwhile. Nobody waits for a batch to fill.

The law: what was acknowledged is on the disk. After a commit that failed, nobody knows what is on
the disk: a second fsync would answer "done" for pages that the kernel has already thrown away
("Can Applications Recover from fsync Failures?", USENIX ATC 2020). So the first failure is the
last act of a writer: everybody who waits or comes later hears of it, and only opening the file
anew, which reads and verifies what is really there, starts again.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from governor.errors import JournalError
from governor.journal.rows import Link, Row, forge, seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Requests in flight are bounded by the proxy's connections, and each waits for one append at a
# time. So many waiting works mean a disk that has stopped answering.
_MOST_WAITING: Final = 100_000
_CLOSE_S: Final = 30.0  # as long as a drain may take; a commit that takes longer is a dead disk


class Clock(Protocol):
    """The clock readings that a journal needs."""

    def wall_ms(self) -> int:
        """Return the wall clock, for the record."""
        ...

    def monotonic_ms(self) -> int:
        """Return a time that never goes back, for durations."""
        ...


class Transaction:
    """What one commit does to the file. Rows are forged here, one after the other."""

    def __init__(self, connection: sqlite3.Connection, head: Link, wall_ms: int) -> None:
        self._connection: Final = connection
        self._wall_ms: Final = wall_ms
        self._rows: Final[list[Row]] = []
        self.head = head

    def append(self, entries: Iterable[tuple[str, bytes]]) -> int:
        """Add a row for each (kind, body); return the id of the last."""
        for kind, body in entries:
            row = forge(self.head, self._wall_ms, kind, body)
            self._rows.append(row)
            self.head = Link(row.id, row.chain)
        return self.head.id

    def checkpoint(self, record_id: int, state: bytes) -> int:
        """Replace the checkpoint by one that covers the rows up to `record_id`; return that.

        One that covers more stays: rows may have been removed on its word.
        """
        covered = self._connection.execute("SELECT id FROM checkpoint").fetchone()
        if covered is not None and covered[0] > record_id:
            return int(covered[0])
        at = Link(record_id, self._chain_at(record_id))
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?)",
            (record_id, state, seal(at, state)),
        )
        return record_id

    def prune(self, before_ms: int, most: int) -> int:
        """Remove up to `most` of the oldest rows that are covered and old; return how many.

        The wall clock may have been stepped back, so the rows go only as far as all are old.
        """
        execute = self._connection.execute
        covered = execute("SELECT id FROM checkpoint").fetchone()
        if covered is None:
            return 0
        old = execute(
            "SELECT id, wall_ms, chain FROM record WHERE id <= ? ORDER BY id LIMIT ?",
            (covered[0], most),
        )
        cut: Link | None = None
        for row_id, wall_ms, chain in old.fetchall():
            if wall_ms >= before_ms:
                break
            cut = Link(row_id, chain)
        if cut is None:
            return 0
        execute("UPDATE journal SET cut_id = ?, cut_chain = ?", cut)
        return execute("DELETE FROM record WHERE id <= ?", (cut.id,)).rowcount

    def finish(self) -> None:
        """Write the rows and the new end of the chain."""
        if self._rows:
            self._connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", self._rows)
            self._connection.execute("UPDATE journal SET head_id = ?, head_chain = ?", self.head)

    def _chain_at(self, record_id: int) -> bytes:
        row = self._connection.execute(
            "SELECT chain FROM record WHERE id = ?1 "
            "UNION ALL SELECT cut_chain FROM journal WHERE cut_id = ?1",
            (record_id,),
        ).fetchone()
        assert row is not None, f"a checkpoint covers rows that are there, not {record_id}"
        chain: bytes = row[0]
        return chain


Work = Callable[[Transaction], int]


class _Waiting(NamedTuple):
    work: Work
    done: asyncio.Future[int]


class Writer:
    """The thread, its queue and its connection, which nothing else may touch.

    One event loop uses a writer. `observe` is called on it with the seconds that each commit took.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        head: Link,
        clock: Clock,
        observe: Callable[[float], None],
        *,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._connection: Final = connection
        self._head = head
        self._clock: Final = clock
        self._observe: Final = observe
        self._most_waiting: Final = most_waiting
        self._wake: Final = threading.Condition()  # guards the three below
        self._queue: list[_Waiting] = []
        self._closing = False
        self._failure: str | None = None
        # A daemon: a process that ends without closing must not wait for a writer without work.
        self._thread: Final = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def broken(self) -> bool:
        """Whether a write has failed, so that nothing is written any more."""
        return self._failure is not None

    async def do(self, work: Work) -> int:
        """Run `work` in the next commit; return its result when that commit is on the disk.

        Raises JournalError when it was not committed, or may not have been. A caller that is
        cancelled takes nothing back: the work was queued and is done.
        """
        done = asyncio.get_running_loop().create_future()
        done.add_done_callback(_heard)
        with self._wake:
            if self._failure is not None:
                raise JournalError(self._failure)
            if self._closing:
                raise JournalError("The journal is closed: nothing can be written to it any more.")
            if len(self._queue) >= self._most_waiting:
                raise JournalError(
                    f"{len(self._queue)} callers wait for the journal: its disk does not answer."
                )
            self._queue.append(_Waiting(work, done))
            self._wake.notify()
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Write what is queued, then end the thread. Raises JournalError if it does not end."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join, _CLOSE_S)
        if self._thread.is_alive():
            raise JournalError(
                f"The journal did not finish writing within {_CLOSE_S:.0f} s: its disk does not "
                "answer. What was not acknowledged may be lost."
            )

    def _run(self) -> None:
        try:
            while batch := self._take():
                began_ms = self._clock.monotonic_ms()
                try:
                    results = self._commit([waiting.work for waiting in batch])
                except sqlite3.Error as error:
                    self._fail(batch, error)
                    return
                except BaseException as error:  # a defect: nobody may wait for a dead thread
                    self._fail(batch, error)
                    raise
                self._answer(batch, results, (self._clock.monotonic_ms() - began_ms) / 1000)
        finally:
            # Whatever fails here, each acknowledged record is in the write-ahead file.
            with suppress(sqlite3.Error):
                self._connection.close()

    def _take(self) -> list[_Waiting]:
        """Return all that is queued, as soon as there is any; nothing means the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closing)
            batch, self._queue = self._queue, []
            return batch

    def _commit(self, works: Sequence[Work]) -> list[int]:
        transaction = Transaction(self._connection, self._head, self._clock.wall_ms())
        self._connection.execute("BEGIN IMMEDIATE")
        results = [work(transaction) for work in works]
        transaction.finish()
        self._connection.execute("COMMIT")
        self._head = transaction.head
        return results

    def _fail(self, batch: list[_Waiting], error: BaseException) -> None:
        failure = (
            f"The journal could not be written: {error}. Nothing is sent until Governor is started "
            "again with a disk that takes writes."
        )
        with self._wake:
            self._failure = failure
            refused, self._queue = batch + self._queue, []
        for waiting in refused:
            _tell(waiting.done, _refuse, waiting.done, failure)

    def _answer(self, batch: list[_Waiting], results: list[int], seconds: float) -> None:
        def answer() -> None:
            for waiting, result in zip(batch, results, strict=True):
                waiting.done.set_result(result)
            self._observe(seconds)

        _tell(batch[0].done, answer)  # once for all: waking the loop costs more than answering


def _refuse(done: asyncio.Future[int], failure: str) -> None:
    done.set_exception(JournalError(failure))


def _heard(done: asyncio.Future[int]) -> None:
    """Take the failure as heard when its caller was cancelled: `broken` still says it to all."""
    done.exception()


def _tell(done: asyncio.Future[int], act: Callable[..., None], *arguments: object) -> None:
    """Run `act` on the loop of `done`."""
    with suppress(RuntimeError):  # the loop is closed: nobody is left who waits
        done.get_loop().call_soon_threadsafe(act, *arguments)
