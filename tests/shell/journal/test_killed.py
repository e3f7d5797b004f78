"""Killed anywhere, a member remembers at least what the platform may have counted.

The truth is what its platform knows: a request counts from when its claim was acknowledged, with
its price, and from when its end was acknowledged with what that charged. Invariant 1, write ahead.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import pytest

from governor import recovery
from governor.clock import SystemClock
from governor.conversation import Conversation
from governor.journal import JOURNAL, Journal
from governor.store import EmbeddedStore
from governor.tasks import Tasks
from tests.fakes.collecting import CONTRACT, LIMIT, REQUESTS, USED

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[3]
MEMORY: Final = Path("/dev/shm")  # noqa: S108  # twenty thousand starts, none of which needs a disk
LIMITED: Final = "x-1h"
BOUNDARIES: Final = 22  # records that it appends one by one, to the claim that stays open


@dataclass(slots=True)
class Truth:
    """What the platform may have counted, as of the records that were acknowledged."""

    charged: int = USED
    held: list[int] = field(default_factory=list)

    def hear(self, line: str) -> int:
        """Take one line of the member; return its record's number."""
        number, kind, posts = line.split()
        if kind == "Claimed":
            self.held.append(int(posts))
        if kind == "Resolved":
            self.held.pop()
            self.charged += int(posts)
        return int(number)

    @property
    def posts(self) -> int:
        return self.charged + sum(self.held)


@contextmanager
def member(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a member that halts after each record; kill -9 it in the end."""
    command = [sys.executable, "-m", "tests.fakes.collecting", str(directory)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            yield child
        finally:
            child.kill()
    assert child.returncode == -signal.SIGKILL


def heard(child: subprocess.Popen[str], *, go_on: bool) -> str:
    """Return the next line; before it, if so told, let the member go on."""
    assert child.stdin is not None
    assert child.stdout is not None
    if go_on:
        child.stdin.write("\n")
        child.stdin.flush()
    return child.stdout.readline()


async def usage(directory: Path) -> int:
    """Start the member anew, and return what its ledger then counts."""
    clock, failures = SystemClock(), list[BaseException]()
    tasks = Tasks(lambda _, error: failures.append(error))
    journal = Journal.open(directory, clock=clock, create=False)
    state = await recovery.start(journal, clock)
    talk = Conversation(
        CONTRACT,
        state,
        ledger=EmbeddedStore(recovery.book(state.contracts[CONTRACT]), clock),
        journal=journal,
        clock=clock,
        tasks=tasks,
    )
    await talk.join()
    await talk.close()
    await tasks.drain(1)
    await tasks.cancel()
    await journal.close()
    found = talk.snapshot().usage[LIMITED]

    assert failures == []
    assert journal.torn is None
    return found.charged + found.pending


async def killed_after(directory: Path, records: int) -> tuple[int, int]:
    """Kill a member after so many records; return the truth, and its usage after a restart."""
    truth = Truth()
    with member(directory) as child:
        for number in range(records):
            truth.hear(heard(child, go_on=number > 0))
    return truth.posts, await usage(directory)


@pytest.mark.parametrize("records", range(1, BOUNDARIES + 1, 5))
async def test_killed_after_a_record_it_forgets_nothing(tmp_path: Path, records: int) -> None:
    truth, after = await killed_after(tmp_path / "state", records)

    assert truth <= after < LIMIT


@pytest.mark.deep
@pytest.mark.timeout(480)
async def test_killed_after_any_record_it_forgets_nothing(tmp_path: Path) -> None:
    outcomes = [
        await killed_after(tmp_path / str(records), records) for records in range(1, BOUNDARIES + 1)
    ]
    kept = sum(truth <= after for truth, after in outcomes)
    print(f"\nkill -9 at record boundaries: {kept} recoveries of {len(outcomes)}")  # noqa: T201  # the figure that the README quotes

    assert kept == len(outcomes)
    assert outcomes[-1][0] > REQUESTS * 50


@dataclass(frozen=True, slots=True)
class Left:
    """The files as they are once a record is on the disk, and what the platform knows then."""

    kind: str
    number: int
    journal: bytes
    wal: bytes
    truth: int


def left_by_each_record(directory: Path) -> list[Left]:
    """Copy the files of a member while it stands still after each of its records."""
    found, truth = list[Left](), Truth()
    with member(directory) as child:
        for place in range(BOUNDARIES):
            line = heard(child, go_on=place > 0)
            number = truth.hear(line)
            files = (directory / name for name in (JOURNAL, f"{JOURNAL}-wal"))
            journal, wal = (file.read_bytes() for file in files)
            found.append(Left(line.split()[1], number, journal, wal, truth.posts))
    return found


def lay(directory: Path, journal: bytes, wal: bytes) -> None:
    """Write files as a crash left them."""
    directory.mkdir(exist_ok=True)
    (directory / JOURNAL).write_bytes(journal)
    (directory / f"{JOURNAL}-wal").write_bytes(wal)


async def recovered(directory: Path) -> tuple[int, int]:
    """Open what a crash left; return the last record and the posts that all come to."""
    opened = Journal.open(directory, clock=SystemClock(), create=False)
    last, state = recovery.load(opened)
    whole = opened.torn is None
    await opened.close()
    known = state.contracts[CONTRACT]
    total = known.totals[LIMITED]
    open_posts = sum(dict(claim.amounts)[LIMITED] for claim in known.claims.values())

    assert whole, "a crash in one commit is no tear"
    return last, total.charged + total.lingered + open_posts


async def cut_in(directory: Path, before: Left, after: Left, step: int) -> tuple[int, int]:
    """Cut the last commit short at its bytes; return recoveries that forgot nothing, and all.

    Once the file ends there, as a kill leaves it, and once its rest was never written, as a power
    cut may leave it. A commit that is there to its last byte is there.
    """
    kept = tried = 0
    for at in range(len(before.wal), len(after.wal), step):
        for rest in (b"", bytes(len(after.wal) - at)):
            lay(directory, after.journal, after.wal[:at] + rest)
            last, posts = await recovered(directory)
            tried += 1
            kept += posts >= before.truth and last in {before.number, after.number}
    lay(directory, after.journal, after.wal)
    last, posts = await recovered(directory)
    return kept + (posts >= after.truth and last == after.number), tried + 1


async def test_killed_within_a_commit_it_forgets_nothing(tmp_path: Path) -> None:
    """Each of its commits, cut at some of its bytes."""
    left = left_by_each_record(tmp_path / "member")
    outcomes = [
        await cut_in(tmp_path / "left", before, after, 3_001) for before, after in pairwise(left)
    ]

    assert all(len(before.wal) < len(after.wal) for before, after in pairwise(left))
    assert [kept for kept, _ in outcomes] == [tried for _, tried in outcomes]


@pytest.mark.deep
@pytest.mark.timeout(480)
@pytest.mark.parametrize("kind", ["Claimed", "Resolved", "Stamped"])
async def test_killed_at_any_byte_of_the_last_record_it_forgets_nothing(
    tmp_path: Path, kind: str
) -> None:
    """One of each kind; what is cut off was acknowledged to nobody."""
    left = left_by_each_record(tmp_path / "member")
    place = min(at for at, each in enumerate(left) if at and each.kind == kind)
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        kept, tried = await cut_in(Path(directory), left[place - 1], left[place], 1)
    print(f"\nkilled at every byte of a {kind} record: {kept} recoveries of {tried}")  # noqa: T201  # the figure that the README quotes

    assert kept == tried
    assert tried > 8_000
