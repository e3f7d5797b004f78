"""Going on after damage: all sound rows in a fresh file, and a record that says rows were lost.

A crash in the middle of a commit needs none of this: SQLite takes that commit back. Here something
else happened to rows that were acknowledged: a disk, a memory, a hand. Refusing to start was
rejected: it makes an operator delete what is damaged, and with it all that is sound.

The damaged files are kept, moved into a directory that bears the time; nothing is read from them
there but by people. It may break off anywhere: until the fresh file lies whole in that directory
nothing has been touched, and from then on every start completes the change before it reads.
"""

from __future__ import annotations

import shutil
from contextlib import closing, suppress
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from governor.clock import utc
from governor.core.ledger.records import Torn
from governor.errors import DamagedError, JournalError
from governor.journal.file import JOURNAL, building, connect, sync, translated
from governor.journal.reader import chained, check_start, covered, owned
from governor.journal.rows import BEYOND, Link, encode, forge, kind_of

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

KEPT: Final = "torn-"  # begins the name of a directory with damaged files
_SCRATCH: Final = "mending"
_FRESH: Final = "fresh.db"


def kept(directory: Path) -> list[str]:
    """Return the names of the directories of damaged files in a state directory, oldest first."""
    return sorted(found.parent.name for found in directory.glob(f"{KEPT}*/{JOURNAL}"))


def mend(path: Path, damage: DamagedError, wall_ms: int) -> None:
    """Put a fresh journal in the place of a damaged one, and keep that. The caller holds the lock.

    Raises JournalError, having changed nothing, if what is sound is not enough to go on: if the
    file does not say whose it is, or if rows were removed that only a lost checkpoint stood for.
    """
    scratch, place = path.parent / _SCRATCH, _free(path.parent, wall_ms)
    with translated(path):
        shutil.rmtree(scratch, ignore_errors=True)  # of a try that broke off: it holds copies only
        scratch.mkdir(mode=0o700)
        try:
            # From a copy: SQLite would write into the files that it reads, and they are evidence.
            for name in _files(path):
                shutil.copyfile(path.with_name(name), scratch / name)
            _copy_sound(
                scratch / JOURNAL, scratch / _FRESH, Torn(damage.found, place.name), wall_ms
            )
            place.mkdir(mode=0o700)
            (scratch / _FRESH).rename(place / _FRESH)
            sync(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        sync(path.parent)
    complete(path)


def complete(path: Path) -> None:
    """Put a fresh journal that lies ready in its place, if there is one."""
    for fresh in path.parent.glob(f"{KEPT}*/{_FRESH}"):
        with translated(path):
            # The journal before its write-ahead file: without that it would look whole.
            for name in _files(path):
                path.with_name(name).rename(fresh.with_name(name))
                sync(fresh.parent)
                sync(path.parent)
            path.with_name(f"{JOURNAL}-shm").unlink(missing_ok=True)
            fresh.rename(path)
            sync(path.parent)


class _Sound(NamedTuple):
    """What can be gone on with: the rows between two places, and the checkpoint if there is one."""

    start: Link
    end: Link
    checkpoint: tuple[int, bytes, bytes] | None


def _copy_sound(damaged: Path, fresh: Path, torn: Torn, wall_ms: int) -> None:
    """Write what is sound into a fresh journal of the same member, then the record of the tear."""
    try:
        with closing(connect(damaged)) as source, translated(damaged):
            member, sound = owned(source).member, _sound(source, damaged)
            rows = islice(chained(source, sound.start), sound.end.id - sound.start.id)
            last = forge(sound.end, wall_ms, kind_of(torn), encode(torn))
            with building(fresh, member, sound.start) as target:
                target.execute("BEGIN")
                target.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", chain(rows, [last]))
                head = (last.id, last.chain)
                target.execute("UPDATE journal SET head_id = ?, head_chain = ?", head)
                if sound.checkpoint is not None:
                    target.execute("INSERT INTO checkpoint VALUES (1, ?, ?, ?)", sound.checkpoint)
                target.execute("COMMIT")
    except DamagedError as error:  # in what nobody can go on without
        raise JournalError(f"{error.found} {BEYOND}") from error


def _sound(source: sqlite3.Connection, path: Path) -> _Sound:
    """Find the rows to go on with: from the beginning or, if need be, from the checkpoint on."""
    file = owned(source)
    with suppress(DamagedError):  # rows that stand before the beginning are not taken along
        check_start(source, file)
    covers, checkpoint = None, None
    with suppress(DamagedError), translated(path):
        covers = covered(source, file.cut)
        checkpoint = source.execute("SELECT id, state, seal FROM checkpoint").fetchone()
    end = _end(source, file.cut, path)
    if covers is not None and end.id < covers.id:
        return _Sound(covers, _end(source, covers, path), checkpoint)
    if covers is None and file.cut.id > 0:
        raise JournalError(
            "The journal's checkpoint is damaged, and the rows that it stood for were removed when "
            f"they were old. {BEYOND}"
        )
    return _Sound(file.cut, end, checkpoint if covers else None)


def _end(source: sqlite3.Connection, start: Link, path: Path) -> Link:
    """Return the place of the last row that is proved from `start` on."""
    end = start
    with suppress(DamagedError), translated(path):
        for row in chained(source, start):
            end = Link(row.id, row.chain)
    return end


def _files(path: Path) -> list[str]:
    """Return the names of a journal's files that are there; its -shm can always be made anew."""
    names = (path.name, f"{path.name}-wal")
    return [name for name in names if path.with_name(name).exists()]


def _free(directory: Path, wall_ms: int) -> Path:
    """Return a place for the damaged files that is named by the time and not taken."""
    name = KEPT + utc(wall_ms).replace(":", "")
    places = chain([directory / name], (directory / f"{name}-{more}" for more in count(2)))
    return next(place for place in places if not place.exists())
