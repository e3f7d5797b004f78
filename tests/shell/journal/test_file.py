"""The state directory: one owner, one file, and a plain sentence when either cannot be had."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from governor.errors import DamagedError, InUseError, JournalError, LedgerError, SchemaError
from governor.journal.file import JOURNAL, connect, ensure, lock, prepare, translated

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_made_is_for_its_owner_only(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state"
    prepare(state, create=True)
    os.close(lock(state))
    path = ensure(state, create=True)
    with closing(connect(path, write=True)) as connection:
        connection.execute("UPDATE journal SET head_id = 0")
        modes = {entry.name: mode(entry) for entry in state.iterdir()}

    assert mode(state) == 0o700
    assert modes == dict.fromkeys([JOURNAL, f"{JOURNAL}-wal", f"{JOURNAL}-shm", "lock"], 0o600)


def test_every_commit_is_synced_to_the_disk(tmp_path: Path) -> None:
    with closing(connect(ensure(tmp_path, create=True), write=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_one_table_is_made_once(tmp_path: Path) -> None:
    first = ensure(tmp_path, create=True).read_bytes()

    assert ensure(tmp_path, create=True).read_bytes() == first


def test_two_journals_have_two_members(tmp_path: Path) -> None:
    members = set()
    for name in ("a", "b"):
        prepare(tmp_path / name, create=True)
        with closing(connect(ensure(tmp_path / name, create=True))) as connection:
            members.add(connection.execute("SELECT member FROM journal").fetchone()[0])

    assert len(members) == 2
    assert all(len(bytes.fromhex(member)) == 16 for member in members)


def test_an_absent_journal_is_made_only_when_asked(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="run `governor init` first"):
        prepare(tmp_path / "absent", create=False)
    with pytest.raises(LedgerError, match="run `governor init` first"):
        ensure(tmp_path, create=False)

    assert list(tmp_path.iterdir()) == []


def test_a_creation_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    for leftover in ("journal.db.new", "journal.db.new-wal", "journal.db.new-shm"):
        (tmp_path / leftover).write_bytes(b"half")
    path = ensure(tmp_path, create=True)

    connect(path).close()
    assert list(tmp_path.glob("*.new*")) == []


def test_a_write_ahead_file_without_its_journal_is_a_loss(tmp_path: Path) -> None:
    """A new journal beside it would swallow the old one's pages."""
    (tmp_path / f"{JOURNAL}-wal").write_bytes(b"pages")

    with pytest.raises(JournalError, match="put the journal back"):
        ensure(tmp_path, create=True)


@pytest.mark.parametrize("content", [b"", b"# a text\n" * 500, b"SQLite format 3\0" + bytes(4080)])
def test_what_is_not_a_journal_is_not_taken_for_an_empty_one(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / JOURNAL).write_bytes(content)

    with pytest.raises(JournalError, match=JOURNAL):
        connect(ensure(tmp_path, create=True))


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as other:
        other.execute("CREATE TABLE bookmarks (url TEXT)")

    with pytest.raises(JournalError, match="not a journal of Governor"):
        connect(tmp_path / JOURNAL, write=True)


@pytest.mark.parametrize("content", [bytes(3 * 4_096), b"# a text\n" * 2_000])
def test_damage_is_told_from_a_disk_that_does_not_serve(tmp_path: Path, content: bytes) -> None:
    """The first is gone on with; of the second nobody knows that anything is lost."""
    path = tmp_path / JOURNAL
    path.write_bytes(content)
    connection = sqlite3.connect(path)
    with pytest.raises(DamagedError, match="is damaged"), translated(path), closing(connection):
        connection.execute("SELECT * FROM record")
    with pytest.raises(JournalError, match="Mend what is wrong") as refusal, translated(path):
        sqlite3.connect(tmp_path / "absent" / JOURNAL)

    assert not isinstance(refusal.value, DamagedError)


def test_a_newer_journal_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = ensure(tmp_path, create=True)
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 3")
    before = path.read_bytes()

    with pytest.raises(SchemaError, match=r"schema 3 .* reads schema 2: run the newer Governor"):
        connect(path, write=True)
    assert path.read_bytes() == before


def test_an_older_journal_is_read_as_it_is_and_written_as_ours(tmp_path: Path) -> None:
    """So that the Governor of before, which would take a day for 25 hours, leaves it alone."""
    path = ensure(tmp_path, create=True)
    with closing(sqlite3.connect(path)) as older:
        older.execute("PRAGMA user_version = 1")
    found = []
    for write in (False, True, False):
        with closing(connect(path, write=write)):
            pass
        with closing(sqlite3.connect(path)) as read:
            found += read.execute("PRAGMA user_version").fetchone()

    assert found == [1, 2, 2]


def test_a_second_writer_is_told_who_is_the_first(tmp_path: Path) -> None:
    first = lock(tmp_path)
    with pytest.raises(InUseError, match=f"in use by process {os.getpid()}: stop that one"):
        lock(tmp_path)
    os.close(first)

    os.close(lock(tmp_path))


def test_a_lock_does_not_outlive_its_process(tmp_path: Path) -> None:
    """Invariant 2, one writer per state directory: the kernel keeps it, so a crash frees it."""
    program = (
        "import pathlib, sys; from governor.journal.file import lock;"
        "lock(pathlib.Path(sys.argv[1])); print('locked', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"locked\n"
        with pytest.raises(JournalError, match=f"in use by process {child.pid}:"):
            lock(tmp_path)
        child.kill()

    os.close(lock(tmp_path))


def test_a_file_in_the_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(JournalError, match="is not a directory: make it"):
        prepare(tmp_path / "state", create=True)
    with pytest.raises(JournalError, match="cannot be created"):
        prepare(tmp_path / "state" / "below", create=True)
    with pytest.raises(JournalError, match="is not a directory"):
        prepare(tmp_path / "state", create=False)


@pytest.mark.parametrize("create", [True, False])
def test_a_directory_of_somebody_else_is_named(tmp_path: Path, *, create: bool) -> None:
    """Root may write anywhere, so under root another user tries."""
    program = (
        "import os, pathlib, sys; from governor.journal.file import prepare;"
        f"os.geteuid() or os.setresuid({NOBODY}, {NOBODY}, {NOBODY});"
        "prepare(pathlib.Path(sys.argv[1]), create=sys.argv[2] == 'True')"
    )
    state = tmp_path / "state"
    state.mkdir(mode=0o500)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.owner() == state.owner() and not os.geteuid():
            parent.chmod(mode(parent) | 0o011)
    child = subprocess.run(
        [sys.executable, "-c", program, str(state), str(create)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "JournalError" in child.stderr
    assert f"{state} is not writable by user" in child.stderr
    assert "name another as `state` in [ledger]" in child.stderr
