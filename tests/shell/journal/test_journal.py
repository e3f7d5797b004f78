"""The journal as the rest of Governor uses it: real files, real processes, real deaths.

Invariant 1, write ahead: what was acknowledged is there after any crash. Invariant 3, doubt
refuses: after a write that failed, nothing more is acknowledged.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from governor.clock import SystemClock
from governor.core.ledger.records import Claimed, Started, Used
from governor.errors import JournalError, LedgerError, OperatorError, SchemaError
from governor.journal import Journal, Reader
from governor.journal.file import JOURNAL
from tests.fakes.appending import claim
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT: Final = Path(__file__).parents[3]
KILLS: Final = 20
APPENDING: Final = (sys.executable, "-m", "tests.fakes.appending")


def opened(directory: Path, *, create: bool = False) -> Journal:
    return Journal.open(directory, clock=SystemClock(), create=create)


def acknowledged(lines: Iterable[str]) -> dict[int, str]:
    """Read what the appending process said, but for a line that its death cut off."""
    pairs = (line.split() for line in lines if line.endswith("\n"))
    return {int(pair[0]): pair[1] for pair in pairs if pair[0].isdecimal()}


def claimed(journal: Journal) -> dict[int, str]:
    return {
        row_id: record.hold
        for row_id, record in journal.records({Claimed})
        if isinstance(record, Claimed)
    }


async def test_what_was_appended_is_there_at_the_next_start(tmp_path: Path) -> None:
    state = tmp_path / "state"
    journal = opened(state, create=True)
    member = journal.member
    assert await journal.append(Started(member, 1, "boot-1"), claim("a")) == 2
    assert await journal.append(claim("b")) == 3
    await journal.write_checkpoint(2, b"state at two")
    await journal.close()

    again = opened(state)
    assert again.member == member
    assert [row_id for row_id, _ in again.records(after=1)] == [2, 3]
    assert list(again.records([Started])) == [(1, Started(member, 1, "boot-1"))]
    assert again.checkpoint() == (2, b"state at two")
    assert again.verify_chain() == again.head.id == 3
    assert await again.append(claim("c")) == 4
    await again.close()


async def test_nothing_to_append_is_nothing_written(tmp_path: Path) -> None:
    journal = opened(tmp_path, create=True)

    assert await journal.append() == 0
    assert await journal.append(claim("a")) == 1
    assert await journal.append() == 1
    assert journal.verify_chain() == 1
    await journal.close()


async def test_creating_is_for_the_first_time_only(tmp_path: Path) -> None:
    """`governor init` run twice changes nothing."""
    first = opened(tmp_path, create=True)
    await first.append(claim("a"))
    await first.close()
    second = opened(tmp_path, create=True)

    assert (second.member, second.head) == (first.member, first.head)
    await second.close()


def test_without_a_journal_an_operator_is_asked_for_one(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="run `governor init` first") as refusal:
        opened(tmp_path / "nothing")

    assert refusal.value.exit_code == 4


async def test_one_process_writes_and_any_may_read(tmp_path: Path) -> None:
    journal = opened(tmp_path, create=True)
    await journal.append(claim("a"))
    with pytest.raises(JournalError, match=f"in use by process {os.getpid()}"):
        opened(tmp_path)

    assert Reader(tmp_path / JOURNAL).verify_chain() == 1
    await journal.close()
    await opened(tmp_path).close()


async def test_a_closed_journal_refuses(tmp_path: Path) -> None:
    journal = opened(tmp_path, create=True)
    await journal.close()
    await journal.close()

    with pytest.raises(JournalError, match="closed"):
        await journal.append(claim("a"))
    assert not journal.broken


async def test_a_refused_start_lets_the_directory_go(tmp_path: Path) -> None:
    await opened(tmp_path, create=True).close()
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as newer:
        newer.execute("PRAGMA user_version = 3")
    with pytest.raises(SchemaError, match="run the newer Governor"):
        opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as newer:
        newer.execute("PRAGMA user_version = 2")

    await opened(tmp_path).close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE record SET body = body || ' ' WHERE id = 3",
        "UPDATE record SET wall_ms = 0 WHERE id = 4",
        "DELETE FROM record WHERE id = 4",
        "UPDATE checkpoint SET state = zeroblob(5)",
    ],
)
async def test_a_start_verifies_what_it_will_rely_on(tmp_path: Path, damage: str) -> None:
    """From the checkpoint on: all else was verified when that was written."""
    journal = opened(tmp_path, create=True)
    await journal.append(*(claim(str(number)) for number in range(4)))
    await journal.write_checkpoint(2, b"state")
    await journal.close()
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as other:
        other.execute(damage.replace("body || ' '", "CAST(body || ' ' AS BLOB)"))
        other.commit()

    journal = opened(tmp_path)
    assert journal.torn is not None
    assert re.search("[Rr]ecord [34]|checkpoint", journal.torn.found)
    await journal.close()


async def test_retention_removes_and_the_rest_is_still_proved(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = Journal.open(tmp_path, clock=clock, create=True)
    await journal.append(*(claim(str(number)) for number in range(2_500)))
    clock.advance_ms(86_400_000)
    await journal.append(Used("x", ()))
    await journal.write_checkpoint(2_501, b"all")

    assert await journal.prune(clock.wall_ms()) == 2_500
    assert await journal.prune(clock.wall_ms()) == 0
    assert journal.verify_chain() == 1
    await journal.close()
    again = opened(tmp_path)
    assert list(again.records()) == [(2_501, Used("x", ()))]
    assert await again.append(claim("next")) == 2_502
    await again.close()


async def test_commits_are_observed_in_seconds(tmp_path: Path) -> None:
    seconds: list[float] = []
    journal = Journal.open(tmp_path, clock=FakeClock(), create=True, observe=seconds.append)
    await journal.append(claim("a"))
    await journal.append(claim("b"))
    await journal.close()

    assert seconds == [0.0, 0.0]


def killed_in_mid_append(state: Path, count: int) -> list[str]:
    """Kill an appending process once it has said `count` records; return all that it said."""
    command = [*APPENDING, str(state)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        heard = [child.stdout.readline() for _ in range(1 + count)]
        child.kill()
        heard += child.stdout.readlines()
    assert child.returncode == -signal.SIGKILL
    return heard


async def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    """Twenty deaths in mid-append of one state directory, each at another record."""
    draws = random.Random(20)  # noqa: S311  # places to die at, not secrets
    known: dict[int, str] = {}
    for _ in range(KILLS):
        told = acknowledged(killed_in_mid_append(tmp_path, draws.randrange(1, 300)))
        assert told.keys().isdisjoint(known)
        known |= told
        journal = opened(tmp_path)
        kept = claimed(journal)
        assert journal.verify_chain() == len(kept)
        await journal.close()
        assert known.items() <= kept.items()

    assert len(known) > KILLS


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
async def left(tmp_path: Path) -> Path:
    """Give the state directory that a crash after nine commits leaves behind."""
    journal = opened(tmp_path / "alive", create=True)
    for number in range(9):
        await journal.append(claim(str(number)))
    copy = shutil.copytree(tmp_path / "alive", tmp_path / "left")
    await journal.close()
    (copy / f"{JOURNAL}-shm").unlink()
    return copy


async def test_what_a_crash_left_is_made_durable_before_it_is_believed(left: Path) -> None:
    """A failed sync may have left it in memory only."""
    journal = opened(left)
    assert (left / f"{JOURNAL}-wal").stat().st_size == 0
    (left / "only").mkdir()
    shutil.copy(left / JOURNAL, left / "only")
    await journal.close()

    assert Reader(left / "only" / JOURNAL).verify_chain() == 9


async def test_acknowledged_commits_are_not_dropped_with_a_damaged_one(left: Path) -> None:
    """SQLite alone would open this journal with two of its nine records, and say nothing."""
    wal = bytearray((left / f"{JOURNAL}-wal").read_bytes())
    wal[len(wal) // 3] ^= 1
    (left / f"{JOURNAL}-wal").write_bytes(wal)

    journal = opened(left)
    assert journal.torn is not None
    assert "commits in the journal's write-ahead file cannot be read" in journal.torn.found
    assert (left / journal.torn.kept / f"{JOURNAL}-wal").read_bytes() == wal
    await journal.close()


def fills_up(state: Path) -> tuple[str, ...]:
    """Give it a file system of 700 KB, 300 of them taken by a file that can be removed."""
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("only root can mount a file system that is small enough to fill")
    script = (
        'mount -t tmpfs -o size=700k none "$0" && head -c 300000 /dev/zero > "$0/filler" '
        '&& exec "$@" "$0"'
    )
    state.mkdir()
    return "unshare", "-m", "sh", "-c", script, str(state), *APPENDING


def is_limited(state: Path) -> tuple[str, ...]:
    """Let no file of it grow beyond 256 KB."""
    return *APPENDING, str(state), "256"


def fails_to_sync(state: Path) -> tuple[str, ...]:
    """Let its disk take all writes, and the 60th sync tell that they are lost."""
    if shutil.which("strace") is None:
        pytest.skip("strace is needed to make a sync fail")
    inject = "inject=fdatasync:error=EIO:when=60"
    return "strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, *APPENDING, str(state)


@pytest.mark.parametrize("fault", [fills_up, is_limited, fails_to_sync])
def test_a_disk_that_fails_is_not_written_to_again(
    tmp_path: Path, fault: Callable[[Path], tuple[str, ...]]
) -> None:
    """Full, at a limit, or failing to sync: refused at once, until the file is opened anew."""
    child = run(fault(tmp_path / "state"))
    lines = child.stdout.splitlines()

    assert child.returncode == 0, child.stderr
    failed = next(at for at, line in enumerate(lines) if line.startswith("failed"))
    assert "The journal could not be written" in lines[failed]
    assert failed > 20
    assert lines[failed + 1] == "refused"
    assert lines[failed + 2] == lines[0]
    assert lines[failed + 3].endswith(" anew")
    last = int(lines[failed + 3].split()[0])
    assert last > max(acknowledged(f"{line}\n" for line in lines[:failed]))


def test_a_journal_on_a_read_only_disk_is_refused_in_a_sentence(tmp_path: Path) -> None:
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("only root can mount a read-only file system")
    script = 'mount -t tmpfs -o ro none "$0" && exec "$@" "$0"'
    child = run(("unshare", "-m", "sh", "-c", script, str(tmp_path), *APPENDING))

    assert f"JournalError: The state directory {tmp_path} is not writable" in child.stderr


def test_every_error_of_a_journal_ends_the_command_with_4() -> None:
    errors: tuple[type[OperatorError], ...] = (LedgerError, JournalError, SchemaError)

    assert {error.exit_code for error in errors} == {4}
