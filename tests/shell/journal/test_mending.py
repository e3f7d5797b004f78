"""A damaged journal is gone on with: every sound row, then the word that rows were lost.

Never is a lost row taken for one that was not there, and never is evidence thrown away.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.records import Record, Torn
from governor.errors import DamagedError, JournalError
from governor.journal import Journal, Reader, kept, mending
from governor.journal.file import JOURNAL, connect
from tests.fakes.appending import claim
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDS: Final[tuple[Record, ...]] = tuple(claim(f"hold-{number}") for number in range(300))
COVERED: Final = 100
PLACE: Final = "torn-2026-11-24T000000.000Z"
PAGE: Final = 4_096


def opened(directory: Path) -> Journal:
    return Journal.open(directory, clock=FakeClock(), create=False)


@pytest.fixture
async def state(tmp_path: Path) -> Path:
    """Give a closed journal of 300 records, with a checkpoint at the 100th."""
    journal = Journal.open(tmp_path / "state", clock=FakeClock(), create=True)
    for at in range(0, len(RECORDS), 10):
        await journal.append(*RECORDS[at : at + 10])
    await journal.write_checkpoint(COVERED, b"the state")
    await journal.close()
    return tmp_path / "state"


def damage(path: Path, change: str) -> None:
    """Change the file behind Governor's back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(change)
        connection.commit()


def damaged(directory: Path) -> DamagedError:
    """Return what a reader finds wrong with a journal."""
    with pytest.raises(DamagedError) as found:
        Reader(directory / JOURNAL).verify_chain()
    return found.value


def leaf_of(path: Path, hold: str) -> int:
    """Return where the page begins that holds a record: its text is there in the clear."""
    return path.read_bytes().index(f'"{hold}"'.encode()) // PAGE * PAGE


def zeroed(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(bytes(PAGE))


async def continued(directory: Path) -> tuple[list[Record], Torn]:
    """Open a damaged journal; return its sound records and the last, which says what was lost."""
    member = Reader(directory / JOURNAL).member
    journal = opened(directory)
    records = [record for _, record in journal.records()]
    torn = records.pop()

    assert isinstance(torn, Torn)
    assert journal.torn == torn
    assert journal.member == member
    assert journal.verify_chain() == len(records) + 1
    assert await journal.append(claim("next")) == journal.head.id
    await journal.close()
    assert kept(directory) == [torn.kept]
    assert not (directory / "mending").exists()
    return records, torn


@pytest.mark.parametrize(
    ("change", "sound", "found"),
    [
        ("UPDATE record SET body = CAST(body || ' ' AS BLOB) WHERE id = 200", 199, "Record 200"),
        ("UPDATE record SET wall_ms = 0 WHERE id = 101", 100, "Record 101"),
        ("DELETE FROM record WHERE id = 250", 249, "Record 250"),
        ("DELETE FROM record WHERE id > 290", 290, "ends with record 290, but record 300"),
        ("DELETE FROM record WHERE id > 99", 99, "checkpoint at record 100"),
        ("UPDATE journal SET head_id = 12", 300, "but record 12"),
        ("UPDATE checkpoint SET state = zeroblob(5)", 300, "checkpoint at record 100"),
        ("INSERT INTO record VALUES (0, 0, 'used', zeroblob(2), zeroblob(32))", 300, "Record 0"),
    ],
)
async def test_every_sound_record_is_kept_and_the_loss_is_said(
    state: Path, change: str, sound: int, found: str
) -> None:
    damage(state / JOURNAL, change)
    evidence = (state / JOURNAL).read_bytes()
    records, torn = await continued(state)

    assert records == list(RECORDS[:sound])
    assert found in torn.found
    assert torn.kept == PLACE
    assert (state / PLACE / JOURNAL).read_bytes() == evidence


@pytest.mark.parametrize("hold", ["hold-150", "hold-299"])
async def test_records_are_read_one_by_one_up_to_a_page_that_cannot_be(
    state: Path, hold: str
) -> None:
    """Not a page of results at a time: that would lose sound records with the damaged ones."""
    at = leaf_of(state / JOURNAL, hold)
    first = (state / JOURNAL).read_bytes()[at : at + PAGE].split(b'"hold":"hold-')[1:]
    lost_from = min(int(part.partition(b'"')[0]) for part in first)
    zeroed(state / JOURNAL, at)
    records, torn = await continued(state)

    assert records == list(RECORDS[:lost_from])
    assert "malformed" in torn.found


async def test_a_start_does_not_read_what_the_checkpoint_covers(state: Path) -> None:
    """It was verified when that was written, and `governor verify` does it again."""
    zeroed(state / JOURNAL, leaf_of(state / JOURNAL, "hold-50"))
    journal = opened(state)

    assert journal.torn is None
    with pytest.raises(DamagedError):
        journal.verify_chain()
    await journal.close()


async def test_two_damages_leave_what_lies_between_the_checkpoint_and_the_second(
    state: Path,
) -> None:
    """What the first took is in the checkpoint; one chain cannot have both ends."""
    damage(state / JOURNAL, "DELETE FROM record WHERE id IN (50, 200)")
    records, _ = await continued(state)

    assert records == list(RECORDS[COVERED:199])
    assert Reader(state / JOURNAL).checkpoint() == (COVERED, b"the state")


async def test_lost_commits_of_the_write_ahead_file_are_a_tear(state: Path, tmp_path: Path) -> None:
    """SQLite alone would forget them and say nothing."""
    journal = opened(state)
    for number in range(9):
        await journal.append(claim(f"late-{number}"))
    left = shutil.copytree(state, tmp_path / "left")
    await journal.close()
    wal = bytearray((left / f"{JOURNAL}-wal").read_bytes())
    wal[len(wal) // 2] ^= 1
    (left / f"{JOURNAL}-wal").write_bytes(wal)
    records, torn = await continued(left)

    assert records[:300] == list(RECORDS)
    assert 0 < len(records[300:]) < 9
    assert "commits in the journal's write-ahead file" in torn.found
    assert (left / PLACE / f"{JOURNAL}-wal").read_bytes() == wal
    assert damaged(left / PLACE).found == torn.found


async def test_a_journal_can_be_torn_twice(state: Path) -> None:
    """Also in the same millisecond, as a clock may have it."""
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 250")
    await opened(state).close()
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 200")
    journal = opened(state)
    last = list(journal.records())[-1][1]
    await journal.close()

    assert last == Torn(damaged(state / f"{PLACE}-2").found, f"{PLACE}-2")
    assert kept(state) == [PLACE, f"{PLACE}-2"]


async def test_a_tear_is_told_until_a_start_has_followed_it(state: Path) -> None:
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 250")
    told = []
    for _ in range(2):
        journal = opened(state)
        told.append(journal.torn is not None)
        await journal.close()
    journal = opened(state)
    await journal.append(claim("next"))
    await journal.close()
    journal = opened(state)
    told.append(journal.torn is not None)
    await journal.close()

    assert told == [True, True, False]


def same(directory: Path) -> dict[str, bytes]:
    files = (file for file in directory.iterdir() if file.is_file() and file.name != "lock")
    return {file.name: file.read_bytes() for file in files if not file.name.endswith("-shm")}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: damage(path, "DELETE FROM journal"),
        lambda path: damage(path, "UPDATE journal SET member = '00'"),
        lambda path: zeroed(path, 0),
        lambda path: zeroed(path, PAGE),
    ],
    ids=["no owner", "another owner", "no header", "owner's page"],
)
def test_without_its_owner_a_journal_is_refused_as_it_is(
    state: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(state / JOURNAL)
    before = same(state)
    with pytest.raises(JournalError, match=r"[Pp]ut the journal.*back"):
        opened(state)

    assert same(state) == before
    assert kept(state) == []


async def test_without_the_checkpoint_that_stands_for_old_rows_it_is_refused(state: Path) -> None:
    """Else all that those rows charged would be forgotten."""
    journal = opened(state)
    assert await journal.prune(2**62) == COVERED
    await journal.close()
    damage(state / JOURNAL, "UPDATE checkpoint SET seal = zeroblob(32)")

    with pytest.raises(JournalError, match=r"checkpoint is damaged.*retire --dead"):
        opened(state)


async def test_what_retention_left_is_gone_on_with(state: Path) -> None:
    journal = opened(state)
    await journal.prune(2**62)
    await journal.close()
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 250")
    records, _ = await continued(state)

    assert records == list(RECORDS[COVERED:249])


@pytest.mark.parametrize("moved", [0, 1, 2])
async def test_a_mending_that_broke_off_is_completed_by_the_next_start(
    state: Path, tmp_path: Path, moved: int
) -> None:
    """Wherever it did: with none, one or both of the damaged files moved away."""
    whole = shutil.copytree(state, tmp_path / "whole")
    damage(whole / JOURNAL, "DELETE FROM record WHERE id = 250")
    await opened(whole).close()
    place = state / PLACE
    place.mkdir()
    shutil.copy(whole / JOURNAL, place / "fresh.db")
    (state / f"{JOURNAL}-wal").write_bytes(b"pages that must not be read into the fresh one")
    for name in (JOURNAL, f"{JOURNAL}-wal")[:moved]:
        (state / name).rename(place / name)
    journal = opened(state)

    assert list(journal.records()) == list(Reader(whole / JOURNAL).records())
    assert journal.torn is not None
    await journal.close()
    assert sorted(file.name for file in place.iterdir()) == [JOURNAL, f"{JOURNAL}-wal"]


async def test_a_mending_that_broke_off_before_it_was_ready_is_begun_anew(state: Path) -> None:
    for directory in ("mending", PLACE):
        (state / directory).mkdir()
    (state / "mending" / "fresh.db").write_bytes(b"half")
    (state / "mending" / f"{JOURNAL}-wal").write_bytes(b"pages of another journal")
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 250")
    records, torn = await continued(state)

    assert records == list(RECORDS[:249])
    assert torn.kept == f"{PLACE}-2"


def test_what_is_kept_is_for_its_owner_only(state: Path) -> None:
    damage(state / JOURNAL, "DELETE FROM record WHERE id = 250")
    mending.mend(state / JOURNAL, damaged(state), 0)

    assert (state / "torn-1970-01-01T000000.000Z").stat().st_mode & 0o777 == 0o700
    assert (state / JOURNAL).stat().st_mode & 0o777 == 0o600
    connect(state / JOURNAL).close()
