"""Reading back, and the proof that nothing was touched: every single change to a row is found."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.ledger.records import Outcome, Record, Resolved, Started, Used
from governor.errors import JournalError, OperatorError, SchemaError
from governor.journal.file import JOURNAL, connect, ensure
from governor.journal.reader import Reader
from governor.journal.rows import encode, kind_of
from governor.journal.writer import Transaction
from tests.fakes.appending import claim

if TYPE_CHECKING:
    from pathlib import Path

COVERED: Final = 4
RECORDS: Final[tuple[Record, ...]] = (
    Started("m", 1, "boot-1"),
    Used("x", (("x-24h", 5),)),
    *(claim(f"hold-{number}") for number in range(6)),
    Resolved("x", "hold-1", Outcome.SETTLED, 90, (("x-24h", 100),), False, 7),  # noqa: FBT003  # a field
    Resolved("x", "hold-2", Outcome.ORPHANED, None, (("x-24h", 130),), True, 8),  # noqa: FBT003  # a field
)
COLUMNS: Final = ("id", "wall_ms", "kind", "body", "chain")


def written(path: Path, *changes: str) -> None:
    """Change the file behind Governor's back."""
    with closing(sqlite3.connect(path)) as connection:
        for change in changes:
            connection.execute(change)
        connection.commit()


def append(path: Path, *records: Record, covered: int | None = None) -> None:
    reader = Reader(path)
    with closing(connect(path, write=True)) as connection:
        connection.execute("BEGIN")
        transaction = Transaction(connection, reader.head, 1_795_478_400_000)
        transaction.append((kind_of(record), encode(record)) for record in records)
        transaction.finish()
        if covered is not None:
            transaction.checkpoint(covered, b"the state")
        connection.execute("COMMIT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give a closed journal of ten records with a checkpoint at the fourth."""
    path = ensure(tmp_path, create=True)
    append(path, *RECORDS, covered=COVERED)
    return path


def test_records_come_back_in_order(path: Path) -> None:
    assert list(Reader(path).records()) == list(enumerate(RECORDS, start=1))


def test_records_can_be_narrowed_by_kind_and_place(path: Path) -> None:
    reader = Reader(path)

    assert [row_id for row_id, _ in reader.records({Started, Resolved})] == [1, 9, 10]
    assert [row_id for row_id, _ in reader.records(after=8)] == [9, 10]
    assert list(reader.records([Used], after=2)) == []
    assert list(reader.records([])) == []


def test_reading_goes_on_with_what_is_appended_meanwhile(path: Path) -> None:
    """More than a page of records, and one more that came while reading."""
    append(path, *(claim(str(number)) for number in range(2_500)))
    reading = Reader(path).records()
    first = next(reading)
    append(path, Started("m", 2, "boot-2"))
    ids = [first[0], *(row_id for row_id, _ in reading)]

    assert ids == list(range(1, 10 + 2_500 + 2))


def test_an_untouched_chain_is_whole(path: Path) -> None:
    reader = Reader(path)

    assert reader.verify_chain() == 10
    assert reader.verify_chain(tail=True) == 10 - COVERED
    assert reader.head.id == 10
    assert reader.checkpoint() == (COVERED, b"the state")


def test_a_new_journal_is_empty_and_whole(tmp_path: Path) -> None:
    reader = Reader(ensure(tmp_path, create=True))

    assert reader.verify_chain() == reader.verify_chain(tail=True) == 0
    assert list(reader.records()) == []
    assert reader.checkpoint() is None


FLIP: Final = {
    "id": "id + 100",
    "wall_ms": "wall_ms + 1",
    "kind": "CASE kind WHEN 'used' THEN 'started' ELSE 'used' END",
    "body": "CAST(replace(CAST(body AS TEXT), 'x-24h', 'y-24h') || ' ' AS BLOB)",
    "chain": "CAST(zeroblob(32) AS BLOB)",
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("row_id", range(1, 11))
def test_a_changed_row_is_named(path: Path, row_id: int, column: str) -> None:
    written(path, f"UPDATE record SET {column} = {FLIP[column]} WHERE id = {row_id}")  # noqa: S608  # our own words

    with pytest.raises(JournalError, match=rf"\b{row_id}\b"):
        Reader(path).verify_chain()


@pytest.mark.parametrize("row_id", range(1, 11))
def test_a_dropped_row_is_named(path: Path, row_id: int) -> None:
    written(path, f"DELETE FROM record WHERE id = {row_id}")  # noqa: S608  # our own words

    with pytest.raises(JournalError, match=rf"\b{row_id}\b"):
        Reader(path).verify_chain()


@pytest.mark.parametrize("row_id", range(1, 11))
def test_a_dropped_row_is_found_when_the_others_close_ranks(path: Path, row_id: int) -> None:
    written(
        path,
        f"DELETE FROM record WHERE id = {row_id}",  # noqa: S608  # our own words
        f"UPDATE record SET id = id - 1 WHERE id > {row_id}",  # noqa: S608  # our own words
    )

    with pytest.raises(JournalError, match=r"not as it was written|was its last"):
        Reader(path).verify_chain()


@pytest.mark.parametrize("row_id", range(1, 10))
def test_swapped_rows_are_named(path: Path, row_id: int) -> None:
    written(
        path,
        f"UPDATE record SET id = -1 WHERE id = {row_id}",  # noqa: S608  # our own words
        f"UPDATE record SET id = {row_id} WHERE id = {row_id + 1}",  # noqa: S608  # our own words
        f"UPDATE record SET id = {row_id + 1} WHERE id = -1",  # noqa: S608  # our own words
    )

    with pytest.raises(JournalError, match=rf"\b{row_id}\b"):
        Reader(path).verify_chain()


@pytest.mark.parametrize("kept", range(10))
def test_a_missing_tail_is_found(path: Path, kept: int) -> None:
    written(path, f"DELETE FROM record WHERE id > {kept}")  # noqa: S608  # our own words

    with pytest.raises(JournalError, match=f"ends with record {kept}, but record 10|checkpoint"):
        Reader(path).verify_chain()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal SET member = '00'",
        "UPDATE journal SET cut_id = 1",
        "UPDATE journal SET cut_chain = zeroblob(32)",
        "UPDATE journal SET head_id = 9",
        "UPDATE journal SET head_chain = zeroblob(32)",
        "DELETE FROM journal",
        "UPDATE checkpoint SET state = CAST('no state' AS BLOB)",
        "UPDATE checkpoint SET id = 5",
        "UPDATE checkpoint SET id = 11",
        "UPDATE checkpoint SET seal = zeroblob(32)",
        "INSERT INTO record SELECT 11, wall_ms, kind, body, chain FROM record WHERE id = 10",
        "INSERT INTO record SELECT 0, wall_ms, kind, body, chain FROM record WHERE id = 1",
        "DROP TABLE record",
    ],
)
def test_what_stands_around_the_rows_is_proved_too(path: Path, change: str) -> None:
    written(path, change)

    with pytest.raises(JournalError):
        Reader(path).verify_chain()


def test_any_flipped_bit_of_the_file_is_found_or_changes_nothing(path: Path) -> None:
    """Every 7th byte of the file: some lie in no row at all, and those change no record."""
    whole = path.read_bytes()
    copy = path.with_name("copy.db")
    found = 0
    for place in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        copy.write_bytes(damaged)
        try:
            reader = Reader(copy)
            reader.verify_chain()
        except OperatorError:
            found += 1
        else:
            assert list(reader.records()) == list(enumerate(RECORDS, start=1)), place
            assert reader.checkpoint() == (COVERED, b"the state"), place

    assert found > 400


def test_a_sound_row_that_we_cannot_read_is_not_passed_over(path: Path) -> None:
    """Its chain is right: a newer Governor wrote it, and what it says may be a charge."""
    reader = Reader(path)
    with closing(connect(path, write=True)) as connection:
        transaction = Transaction(connection, reader.head, 0)
        transaction.append([("merged", b"{}")])
        transaction.finish()

    with pytest.raises(SchemaError, match=r"Record 11 .*'merged'"):
        reader.verify_chain(tail=True)
    with pytest.raises(SchemaError, match=r"Record 11 .*'merged'"):
        list(reader.records())


def test_verifying_sees_one_state_while_records_are_appended(path: Path) -> None:
    """Else the chain would be found to go on past its own end, or to stop before it."""
    append(path, *(claim(str(number)) for number in range(5_000)))
    done = threading.Event()

    def go_on() -> None:
        while not done.is_set():
            append(path, claim("another"))

    appending = threading.Thread(target=go_on)
    appending.start()
    try:
        counts = [Reader(path).verify_chain() for _ in range(5)]
    finally:
        done.set()
        appending.join()

    assert counts == sorted(counts)
    assert 5_010 <= counts[0] < counts[-1]


def test_what_retention_left_can_be_verified(path: Path) -> None:
    with closing(connect(path, write=True)) as connection:
        Transaction(connection, Reader(path).head, 0).prune(2**62, 3)
    reader = Reader(path)

    assert [row_id for row_id, _ in reader.records()] == list(range(4, 11))
    assert reader.removed == 3
    assert reader.verify_chain() == 7
    assert reader.verify_chain(tail=True) == 6
    written(path, "DELETE FROM record WHERE id = 4")
    with pytest.raises(JournalError, match=r"\b4\b"):
        reader.verify_chain()


def test_retention_may_remove_all_that_the_checkpoint_covers(path: Path) -> None:
    with closing(connect(path, write=True)) as connection:
        Transaction(connection, Reader(path).head, 0).prune(2**62, 100)
    reader = Reader(path)

    assert reader.verify_chain() == reader.verify_chain(tail=True) == 6
    assert reader.checkpoint() == (COVERED, b"the state")


def test_a_copy_can_be_read_without_its_owner(path: Path, tmp_path: Path) -> None:
    """An auditor gets a copy: no lock, and not to be written to."""
    archive = tmp_path / "archive"
    archive.mkdir()
    shutil.copy(path, archive / JOURNAL)
    (archive / JOURNAL).chmod(0o400)

    assert Reader(archive / JOURNAL).verify_chain() == 10
