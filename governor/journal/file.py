"""The state directory: whose it is, who may write in it, and the SQLite file inside.

One process writes a state directory, for as long as it lives: an flock that the kernel releases
with the process, never a file that a crash leaves behind. A new journal is built under another
name and renamed, so a journal that is there is whole: an empty file is damage and not a beginning
(never is a missing ledger "0 used").
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import msgspec

from governor.errors import InUseError, JournalError, LedgerError, SchemaError
from governor.journal.rows import damaged, genesis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from governor.journal.rows import Link

JOURNAL: Final = "journal.db"
_NEW: Final = "journal.db.new"
_LOCK: Final = "lock"
_APPLICATION_ID: Final = 0x476F764A  # "GovJ", as file(1) would show it
# A Governor of schema 1 would take a day of a calendar for 25 hours. What it wrote is read.
_SCHEMA: Final = 2
_OLDEST_SCHEMA: Final = 1
_BUSY_S: Final = 5.0  # readers never block a writer in WAL mode; this is for recovery after a crash
_TABLES: Final = """
CREATE TABLE journal (            -- one row: whose journal, where its chain begins and ends
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    member     TEXT    NOT NULL,
    cut_id     INTEGER NOT NULL,  -- the last row that retention removed (0: none)
    cut_chain  BLOB    NOT NULL,
    head_id    INTEGER NOT NULL,  -- the last row written: without it a missing tail has no trace
    head_chain BLOB    NOT NULL
) STRICT;
CREATE TABLE record (
    id      INTEGER PRIMARY KEY,  -- without a gap
    wall_ms INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    body    BLOB    NOT NULL,
    chain   BLOB    NOT NULL
) STRICT;
CREATE TABLE checkpoint (         -- at most one row: what all records up to `id` come to
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    id    INTEGER NOT NULL,
    state BLOB    NOT NULL,
    seal  BLOB    NOT NULL
) STRICT;
"""


_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}  # of SQLite's own structures


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system say of a journal into a JournalError.

    It is a DamagedError if the content is at fault; a disk that cannot be read may yet be mended.
    """
    try:
        yield
    # A damaged file also shows as text that is none, or as a value of another type.
    except (UnicodeError, msgspec.ValidationError) as error:
        raise damaged(f"{path.name} is damaged: {error}.") from error
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE:
            raise damaged(f"{path.name} is damaged: {error}.") from error
        raise JournalError(
            f"The journal {path} cannot be used: {error}. Mend what is wrong with the disk or the "
            "file, then start Governor again."
        ) from error


def prepare(directory: Path, *, create: bool) -> None:
    """See to it that the state directory is one, and ours to write in.

    Raises LedgerError when it is absent and not to be created, JournalError when it cannot serve.
    """
    if not create and not directory.exists():
        raise _no_journal(directory)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise _unusable(directory, "is not a directory") from error
    except OSError as error:
        raise _unusable(directory, f"cannot be created ({error.strerror})") from error
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(directory, f"is not writable by user {os.geteuid()}")


def lock(directory: Path) -> int:
    """Become the one writer of this directory; closing the returned descriptor ends it.

    Raises InUseError, naming the process that is the writer now, or JournalError.
    """
    try:
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(directory, f"cannot be locked ({error.strerror})") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise InUseError(
            f"The state directory {directory} is in use by process {owner}: stop that one, or "
            "give this one a `state` of its own in [ledger]."
        ) from error
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def ensure(directory: Path, *, create: bool) -> Path:
    """Return the path of the journal, made if it may be. The caller holds the lock."""
    path = directory / JOURNAL
    if path.exists():
        return path
    if path.with_name(f"{JOURNAL}-wal").exists():
        raise JournalError(
            f"{path} is missing, but its write-ahead file is still there: put the journal back "
            "beside it, or move both away."
        )
    if not create:
        raise _no_journal(directory)
    with translated(path):
        member = secrets.token_hex(16)
        with building(directory / _NEW, member, genesis(member)):
            pass
        (directory / _NEW).rename(path)
        sync(directory)
    return path


def connect(path: Path, *, write: bool = False) -> sqlite3.Connection:
    """Return a connection to a journal; one to `write` makes an older journal one of this schema.

    Raises SchemaError when it is newer, JournalError when it is no journal or cannot be read.
    """
    with translated(path):
        connection = _connect(path, "rw" if write else "ro")
        try:
            schema = _check_schema(path, connection)
            if write:
                _configure(connection)
                if schema != _SCHEMA:
                    connection.execute(f"PRAGMA user_version = {_SCHEMA}")
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def building(path: Path, member: str, start: Link) -> Iterator[sqlite3.Connection]:
    """Give an empty journal of this schema at a free `path`, whose chain begins at `start`.

    Without an error it is whole, durable and one file when this ends.
    """
    for leftover in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        leftover.unlink(missing_ok=True)
    # SQLite gives its -wal and -shm the mode of the file they belong to.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_connect(path, "rw")) as connection:
        _configure(connection)
        connection.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id = {_APPLICATION_ID}; "
            f"PRAGMA user_version = {_SCHEMA}; COMMIT;"
        )
        connection.execute(
            "INSERT INTO journal VALUES (1, ?, ?, ?, ?, ?)", (member, *start, *start)
        )
        yield connection
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_S
    )


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # NORMAL loses the last commits at a power cut
    # On macOS fsync does not reach the disk; these ask for F_FULLFSYNC, and mean nothing elsewhere.
    connection.execute("PRAGMA fullfsync = 1")
    connection.execute("PRAGMA checkpoint_fullfsync = 1")


def _check_schema(path: Path, connection: sqlite3.Connection) -> int:
    """Return the journal's schema, if this Governor reads it."""
    application_id: int = connection.execute("PRAGMA application_id").fetchone()[0]
    schema: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != _APPLICATION_ID:
        raise JournalError(
            f"{path} is not a journal of Governor (or an empty one): put the journal back, or give "
            "Governor another `state` in [ledger]."
        )
    if not _OLDEST_SCHEMA <= schema <= _SCHEMA:
        raise SchemaError(
            f"The journal {path} has schema {schema} and this Governor reads schema "
            f"{_SCHEMA}: run the newer Governor that wrote it."
        )
    return schema


def sync(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _no_journal(directory: Path) -> LedgerError:
    return LedgerError(f"There is no journal in {directory}: run `governor init` first.")


def _unusable(directory: Path, why: str) -> JournalError:
    return JournalError(
        f"The state directory {directory} {why}: make it a directory that this user may write in, "
        "or name another as `state` in [ledger]."
    )
