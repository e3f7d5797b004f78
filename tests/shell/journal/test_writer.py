"""Invariant 1, the durable half: what the writer acknowledges is on the disk, and nothing else is.

A gate inside a commit holds the writer still while a test arranges what happens meanwhile.
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import struct
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from governor.errors import JournalError
from governor.journal.file import connect, ensure
from governor.journal.rows import forge, genesis
from governor.journal.writer import Transaction, Work, Writer
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MOST = 100
USED = ("used", b'{"contract":"x","amounts":[]}')


class Bench:
    """A writer on a real file, its gate, and what can be seen of the file from outside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.seconds: list[float] = []
        self.reached = threading.Event()
        self.gate = threading.Event()
        with closing(connect(path)) as connection:
            (member,) = connection.execute("SELECT member FROM journal").fetchone()
        self.start = genesis(member)
        self.tasks = Tasks(lambda _name, _error: None)
        self.writer = Writer(
            connect(path, write=True),
            self.start,
            self.clock,
            self.seconds.append,
            most_waiting=MOST,
        )

    def append(self, count: int = 1) -> asyncio.Task[int]:
        """Queue a work of `count` rows."""
        return self.do(lambda transaction: transaction.append([USED] * count))

    def do(self, work: Work) -> asyncio.Task[int]:
        """Queue a work."""
        return self.tasks.start(self.writer.do(work), "work")

    async def hold(self) -> asyncio.Task[int]:
        """Keep the writer inside a commit until the gate is opened."""
        task = self.do(self._wait)
        await asyncio.to_thread(self.reached.wait)
        return task

    def _wait(self, _transaction: Transaction) -> int:
        self.reached.set()
        self.gate.wait()
        return 0

    def rows(self) -> list[tuple[int, int, str, bytes, bytes]]:
        """Return what another connection sees."""
        with closing(connect(self.path)) as connection:
            return connection.execute("SELECT * FROM record ORDER BY id").fetchall()

    def commits(self) -> int:
        """Count the commits in the write-ahead file, as sqlite.org/fileformat.html defines them."""
        wal = self.path.with_name(f"{self.path.name}-wal").read_bytes()
        page, salts = struct.unpack_from(">I", wal, 8)[0], wal[16:24]
        frames = (wal[at : at + 24] for at in range(32, len(wal), 24 + page))
        return sum(frame[8:16] == salts and frame[4:8] != bytes(4) for frame in frames)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(ensure(tmp_path, create=True))
    yield bench
    bench.gate.set()
    await bench.writer.close()


async def test_rows_are_chained_from_the_members_name(bench: Bench) -> None:
    assert await bench.append(2) == 2
    bench.clock.step_wall_ms(-3_600_000)
    assert await bench.append() == 3

    link, rows = bench.start, bench.rows()
    for row in rows:
        forged = forge(link, row[1], *USED)
        assert row == forged
        link = type(link)(forged.id, forged.chain)
    assert rows[2][1] == rows[0][1] - 3_600_000


async def test_what_gathers_during_a_commit_shares_the_next_one(bench: Bench) -> None:
    """64 callers cost one fsync, not 64; each is told the id of its own record."""
    gate = await bench.hold()
    appends = [bench.append() for _ in range(64)]
    await asyncio.sleep(0)
    bench.gate.set()

    assert await asyncio.gather(gate, *appends) == [0, *range(1, 65)]
    assert bench.commits() == 1  # that of the gate wrote nothing
    assert len(bench.seconds) == 2


async def test_an_acknowledged_record_is_seen_by_everybody_else(bench: Bench) -> None:
    for count in range(1, 20):
        assert await bench.append() == count
        assert len(bench.rows()) == count


async def test_each_commit_is_timed(bench: Bench) -> None:
    gate = await bench.hold()
    bench.clock.advance_ms(1_250)
    bench.gate.set()
    await gate
    await bench.append()

    assert bench.seconds == [1.25, 0.0]


async def test_a_cancelled_caller_takes_nothing_back(bench: Bench) -> None:
    await bench.hold()
    first, cancelled, last = bench.append(), bench.append(), bench.append()
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    bench.gate.set()

    assert (await first, await last) == (1, 3)
    assert len(bench.rows()) == 3


async def test_closing_writes_what_is_queued_and_refuses_what_comes_later(bench: Bench) -> None:
    await bench.hold()
    appends = [bench.append() for _ in range(10)]
    await asyncio.sleep(0)
    closed = bench.tasks.start(bench.writer.close(), "close")
    await asyncio.sleep(0)
    late = bench.append()
    with pytest.raises(JournalError, match="closed"):
        await late
    bench.gate.set()
    await closed

    assert await asyncio.gather(*appends) == list(range(1, 11))
    assert len(bench.rows()) == 10


async def test_closing_twice_is_closing_once(bench: Bench) -> None:
    await bench.writer.close()
    await bench.writer.close()

    assert not bench.writer.broken


async def test_after_a_failed_write_nothing_is_written_any_more(bench: Bench) -> None:
    """Invariant 3: all who wait are refused, and all who come later, at once."""
    await bench.append()
    with closing(sqlite3.connect(bench.path)) as other:
        other.execute(
            "CREATE TRIGGER fault BEFORE INSERT ON record WHEN new.id = 4 "
            "BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END"
        )
    await bench.hold()
    appends = [bench.append() for _ in range(5)]
    await asyncio.sleep(0)
    bench.gate.set()
    answers = await asyncio.gather(*appends, return_exceptions=True)

    assert [JournalError] * 5 == [type(answer) for answer in answers]
    assert "the disk is on fire" in str(answers[0])
    assert bench.writer.broken
    with closing(sqlite3.connect(bench.path)) as other:
        other.execute("DROP TRIGGER fault")
    with pytest.raises(JournalError, match="the disk is on fire"):
        await bench.append()
    assert [row[0] for row in bench.rows()] == [1]


async def test_a_defect_in_a_work_ends_the_writer_loudly(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for a thread that is dead, though the caller at fault may be gone by then."""
    said: list[type[BaseException]] = []
    monkeypatch.setattr(threading, "excepthook", lambda what: said.append(what.exc_type))
    complaints: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    await bench.hold()
    wrong = bench.do(lambda transaction: transaction.checkpoint(7, b"of a row that is not there"))
    behind = bench.append()
    await asyncio.sleep(0)
    wrong.cancel()
    bench.gate.set()
    with pytest.raises(JournalError, match="not 7"):
        await behind
    with pytest.raises(JournalError, match="not 7"):
        await bench.append()
    await bench.writer.close()
    del wrong
    gc.collect()

    assert said == [AssertionError]
    assert bench.writer.broken
    assert complaints == []


async def test_a_disk_that_does_not_answer_is_not_waited_for_without_bound(bench: Bench) -> None:
    await bench.hold()
    appends = [bench.append() for _ in range(MOST)]
    with pytest.raises(JournalError, match="does not answer"):
        await bench.append()
    bench.gate.set()

    assert await asyncio.gather(*appends) == list(range(1, MOST + 1))


async def test_retention_removes_what_is_old_and_covered(bench: Bench) -> None:
    old_ms = bench.clock.wall_ms()
    await bench.append(5)
    bench.clock.advance_ms(1_000)
    await bench.append(5)

    async def prune(before_ms: int, most: int = 100) -> int:
        return await bench.do(lambda transaction: transaction.prune(before_ms, most))

    assert await prune(old_ms + 1) == 0  # no checkpoint covers them
    await bench.do(lambda transaction: transaction.checkpoint(4, b"state"))
    assert await prune(old_ms) == 0
    assert await prune(old_ms + 1, most=3) == 3
    assert await prune(old_ms + 9_999) == 1
    await bench.do(lambda transaction: transaction.checkpoint(10, b"state"))
    assert await prune(old_ms + 1) == 1
    assert [row[0] for row in bench.rows()] == [6, 7, 8, 9, 10]


async def test_a_step_of_the_wall_clock_keeps_rows_longer(bench: Bench) -> None:
    """Row 2 was written late but its clock says early: it stays as long as row 1 must."""
    now_ms = bench.clock.wall_ms()
    await bench.append()
    bench.clock.step_wall_ms(-5_000)
    await bench.append()
    await bench.do(lambda transaction: transaction.checkpoint(2, b"state"))

    assert await bench.do(lambda transaction: transaction.prune(now_ms - 1, 100)) == 0
    assert len(bench.rows()) == 2


async def test_a_checkpoint_is_not_replaced_by_an_older_one(bench: Bench) -> None:
    """Rows may have been removed that only the newer one stands for."""
    await bench.append(5)
    await bench.do(lambda transaction: transaction.checkpoint(4, b"newer"))
    await bench.do(lambda transaction: transaction.prune(2**62, 100))
    await bench.do(lambda transaction: transaction.checkpoint(2, b"older"))
    with closing(connect(bench.path)) as connection:
        kept = connection.execute("SELECT id, state FROM checkpoint").fetchall()

    assert kept == [(4, b"newer")]
