"""State directories, and journals on them: what was acknowledged is there after any crash.

As the real writer does, one commit takes all that is queued as it begins. A crash in the middle
of a commit leaves all of it or nothing; what was only queued is lost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from governor.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from random import Random

    from governor.core.ledger.records import Record
    from tests.simulation.loop import Process, VirtualLoop

FSYNC_MS: Final = (1, 1, 2, 3, 8, 40)


class Disk:
    """One member's state directory, and how its disk behaves just now."""

    def __init__(self, member: str) -> None:
        self.member: Final = member
        self.records: list[Record] = []
        self.kept: tuple[int, bytes] | None = None
        self.stalls_ms = 0  # added to each commit: a disk under load, or about to die
        self.full = False

    def copy(self) -> Disk:
        """Return a backup of the directory as it is."""
        copied = Disk(self.member)
        copied.records, copied.kept = list(self.records), self.kept
        return copied


class SimulatedJournal:
    """A journal opened by one process (`governor.journal.Journal`, as far as a member uses it)."""

    def __init__(self, disk: Disk, process: Process, loop: VirtualLoop, random: Random) -> None:
        self._disk, self._process = disk, process
        self._loop, self._random = loop, random
        self._queue: list[tuple[tuple[Record, ...], asyncio.Future[int]]] = []
        self._committing: list[tuple[tuple[Record, ...], asyncio.Future[int]]] = []
        self.broken = False

    @property
    def member(self) -> str:
        return self._disk.member

    def checkpoint(self) -> tuple[int, bytes] | None:
        return self._disk.kept

    def records(
        self, kinds: Collection[type[Record]] | None = None, after: int = 0
    ) -> Iterator[tuple[int, Record]]:
        for number, record in enumerate(self._disk.records[after:], after + 1):
            if kinds is None or type(record) in kinds:
                yield number, record

    async def append(self, *records: Record) -> int:
        """Return once all are durable; a caller that is cancelled takes nothing back."""
        self._process.require_alive()
        if self.broken:
            raise JournalError("the journal is broken")
        done: asyncio.Future[int] = self._loop.create_future()
        done.add_done_callback(_heard)
        self._queue.append((records, done))
        if not self._committing:
            self._begin()
        return await asyncio.shield(done)

    async def write_checkpoint(self, record_id: int, state: bytes) -> None:
        self._process.require_alive()
        self._disk.kept = (record_id, state)

    def _begin(self) -> None:
        self._committing, self._queue = self._queue, []
        takes_ms = self._random.choice(FSYNC_MS) + self._disk.stalls_ms
        self._loop.at(self._loop.now_ms + takes_ms, self._commit)

    def _commit(self) -> None:
        if self._process.dead:
            return
        batch, self._committing = self._committing, []
        if self._disk.full:
            self._break(batch)
            return
        for records, done in batch:
            self._disk.records += records
            if not done.done():
                done.set_result(len(self._disk.records))
        if self._queue:
            self._begin()

    def _break(self, batch: list[tuple[tuple[Record, ...], asyncio.Future[int]]]) -> None:
        """Fail for good; whether the last commit is on the disk, nobody knows."""
        self.broken = True
        if self._random.random() < 1 / 2:
            self._disk.records += [record for records, _ in batch for record in records]
        for _, done in (*batch, *self._queue):
            if not done.done():
                done.set_exception(JournalError("disk full"))
        self._queue = []

    def crash(self) -> None:
        """End with the process: the commit under way is durable, or not."""
        if self._committing and self._random.random() < 1 / 2:
            for records, _ in self._committing:
                self._disk.records += records


def _heard(done: asyncio.Future[int]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not done.cancelled():
        done.exception()
