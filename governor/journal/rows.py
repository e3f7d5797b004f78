"""One row of a journal: a record in canonical JSON, and its link in the chain of hashes.

Each row's `chain` is the SHA-256 of the chain before it and of everything in the row, so a row
that was changed, dropped, inserted or moved breaks every link from there on. The hash is not
keyed: who can rewrite the whole file can also rewrite the chain, and only a head that was copied
elsewhere convicts them. Signing was rejected: the key would lie beside the file.

The row's kind says which record the body is, so the body carries no tag (msgspec has none for
dataclasses either). A body must be the very bytes that encoding its record gives, now or in an
earlier version: then there is one reading of every row, and no unknown field is passed over.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple, cast, get_args

import msgspec

from governor.core.ledger.records import Record
from governor.errors import DamagedError, JournalError, SchemaError

if TYPE_CHECKING:
    from collections.abc import Mapping

_DECODERS: Final[Mapping[str, msgspec.json.Decoder[object]]] = {
    kind.__name__.lower(): msgspec.json.Decoder(kind) for kind in get_args(Record)
}
_GENESIS: Final = b"governor journal 1 "  # so that no other use of SHA-256 begins alike


_REMEDY: Final = (
    "If you have the journal's files as they were, put them back before Governor starts: it goes "
    "on from the last sound record, and charges every limit in full for one window."
)

BEYOND: Final = (
    "Put the journal's files back as they were. If they are lost, move them away and run "
    "`governor init`: if the ledger was embedded with `--used N`, N being all that may have been "
    "collected in the last window; if it is in Redis, then also `governor retire --dead` with the "
    "old member's name."
)


def damaged(what: str) -> DamagedError:
    """Return the error for a journal that is not as it was written."""
    return DamagedError(what, _REMEDY)


class Link(NamedTuple):
    """A place in the chain: the id of a row (0: before the first), and the chain there."""

    id: int
    chain: bytes


class Row(NamedTuple):
    """A row as it is stored. `wall_ms` is the wall clock when it was written, right or wrong."""

    id: int
    wall_ms: int
    kind: str
    body: bytes
    chain: bytes


def kind_of(record: Record | type[Record]) -> str:
    """Return the name under which records of this class are stored."""
    return (record if isinstance(record, type) else type(record)).__name__.lower()


def encode(record: Record) -> bytes:
    """Return the one body that this record has."""
    return msgspec.json.encode(record)


def decode(row: Row) -> Record:
    """Return the record of a row, exactly as it was appended.

    Raises SchemaError for a kind that this Governor does not know, JournalError for a body that
    is not a record of its kind in canonical form. Call it for a row whose chain is right: then
    neither is damage.
    """
    if (decoder := _DECODERS.get(row.kind)) is None:
        raise SchemaError(
            f"Record {row.id} of the journal is of the unknown kind {row.kind!r}: "
            "it was written by a newer Governor; run that one."
        )
    try:
        record = cast("Record", decoder.decode(row.body))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise _foreign(f"Record {row.id} of the journal cannot be read: {error}") from error
    if encode(record) != row.body and not _is_older(record, row.body):
        raise _foreign(f"Record {row.id} of the journal is not as Governor writes it")
    return record


def _foreign(what: str) -> JournalError:
    return JournalError(
        f"{what}. Its chain is whole, so this is no damage: run the Governor that wrote it, or put "
        "the journal's files back as they were."
    )


def _is_older(record: Record, body: bytes) -> bool:
    """Say whether this is how an earlier Governor wrote it, before the record had all its fields.

    Those that it lacks have their defaults, so there is still one reading of every body.
    """
    return body == msgspec.json.encode(
        _as_written(msgspec.to_builtins(record), msgspec.json.decode(body))
    )


def _as_written(read: object, written: object) -> object:
    """Return what was read of a body with only those fields, at any depth, that stand in it."""
    if isinstance(read, dict) and isinstance(written, dict):
        return {
            name: _as_written(each, written[name]) for name, each in read.items() if name in written
        }
    if isinstance(read, list | tuple) and isinstance(written, list):
        return [_as_written(*pair) for pair in zip(read, written, strict=True)]
    return read


def genesis(member: str) -> Link:
    """Return the place before a member's first row."""
    return Link(0, hashlib.sha256(_GENESIS + member.encode()).digest())


def forge(before: Link, wall_ms: int, kind: str, body: bytes) -> Row:
    """Return the row that follows `before`."""
    row_id = before.id + 1
    # The two numbers have a fixed length and no kind contains a brace, which every body begins
    # with: the same bytes cannot be read as another row.
    numbers = row_id.to_bytes(8, "big") + wall_ms.to_bytes(8, "big", signed=True)
    chain = hashlib.sha256(before.chain + numbers + kind.encode() + body).digest()
    return Row(row_id, wall_ms, kind, body, chain)


def seal(at: Link, state: bytes) -> bytes:
    """Return the hash that binds a checkpoint's state to the row it covers."""
    return hashlib.sha256(at.chain + at.id.to_bytes(8, "big") + state).digest()
