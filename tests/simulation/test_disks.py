"""What a simulated journal acknowledged survives every crash; the rest does or does not."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from governor.core.ledger.records import Started
from governor.errors import JournalError
from tests.simulation.disks import Disk, SimulatedJournal
from tests.simulation.loop import Process, VirtualLoop


def record(generation: int) -> Started:
    return Started("member", generation, "boot")


class Machine:
    """A disk, and a process that writes to it."""

    def __init__(self, seed: int = 0) -> None:
        self.loop = VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing
        self.disk, self.process = Disk("member"), Process()
        random = Random(seed)  # noqa: S311  # a schedule, not a secret
        self.journal = SimulatedJournal(self.disk, self.process, self.loop, random)

    def kill(self) -> None:
        self.process.dead = True
        self.journal.crash()


def test_what_was_acknowledged_is_there() -> None:
    machine = Machine()

    async def work() -> None:
        assert await machine.journal.append(record(1), record(2)) == 2
        machine.kill()
        with pytest.raises(asyncio.CancelledError):
            await machine.journal.append(record(3))

    machine.loop.run(work())

    assert [number for number, _ in machine.journal.records(after=1)] == [2]


def test_a_commit_under_way_at_a_crash_is_whole_or_gone_and_what_waited_is_gone() -> None:
    kept = set()
    for seed in range(20):
        machine = Machine(seed)
        machine.disk.stalls_ms = 1_000

        async def work(machine: Machine = machine) -> None:
            tasks = [
                machine.loop.create_task(machine.journal.append(*records))
                for records in ((record(1), record(2)), (record(3),))
            ]
            await machine.loop.until_ms(500)
            machine.kill()
            for task in tasks:
                task.cancel()

        machine.loop.run(work())
        kept.add(len(machine.disk.records))

    assert kept == {0, 2}


def test_a_full_disk_breaks_the_journal_for_good() -> None:
    machine = Machine()

    async def work() -> None:
        machine.disk.full = True
        with pytest.raises(JournalError):
            await machine.journal.append(record(1))
        machine.disk.full = False
        with pytest.raises(JournalError):
            await machine.journal.append(record(2))

    machine.loop.run(work())

    assert machine.journal.broken
