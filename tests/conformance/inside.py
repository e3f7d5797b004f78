"""What each home of a ledger keeps, and no answer shows, in one form for both."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    import redis

    from governor.core.calendar import Period
    from governor.core.ledger.book import Book

CONTRACT: Final = "x"
PREFIX: Final = f"governor:{{{CONTRACT}}}:"
LEDGER: Final = f"{PREFIX}ledger"
SEGMENT: Final = 128  # lua/rows.lua


def store_ms(inside: redis.Redis) -> int:
    """Return what the store's clock read when it last read just T: as the ledger was lost."""
    offset_ms, time_ms = inside.hmget(LEDGER, "store_offset", "time")
    return int(offset_ms or "") + int(time_ms or "")


def of_book(book: Book) -> dict[str, Any]:
    """Return what a book keeps."""
    kept = {name: state.ring.window for name, state in book.accounts.items()}
    return {
        "time": book.clocks.time_ms,
        "high": book.clocks.high_ms,
        "store_offset": book.clocks.store_offset_ms,
        "lead": book.clocks.lead_ms,
        "rebased": book.clocks.rebased,
        "open": int(book.open),
        "opens": book.opens_ms,
        "awaits_word": int(book.awaits_word),
        "vouched": int(book.vouched),
        "sound": int(book.sound),
        "roster": book.members.version,
        "leniency": int(book.leniency),
        "turn": book.recount.turn,
        "recounted": book.recount.recounted_ms,
        "calendars": [
            (text, turns.window_ms, *_told(turns.period)) for text, turns in book.calendars.items()
        ],
        "accounts": {
            name: (state.limit, state.unit, state.calendar, state.pending, state.ring.charged)
            for name, state in book.accounts.items()
        },
        "rows": {
            member: {
                "generation": row.generation,
                "seq": row.seq,
                "counts": row.epoch == book.epoch,
                "roster": row.roster,
                "heard": row.heard_ms,
                "kept": row.kept_ms,
                "clock": row.clock,
                "date": row.date_ms,
                "joined": row.joined,
                "standing": int(row.standing),
                "frees": row.frees_ms,
                "final": int(row.final),
                "values": {
                    name: (value.pending, value.charged, value.lingered)
                    for name, value in row.values.items()
                    if (value.pending, value.charged, value.lingered) != (0, 0, 0)
                },
                "buckets": {
                    (name, bucket): posts
                    for name, buckets in row.buckets.items()
                    for bucket, posts in buckets.items()
                    if posts and bucket >= kept[name].first_kept(book.clocks.time_ms)
                },
            }
            for member, row in book.members.rows.items()
        },
    }


def _told(period: Period | None) -> tuple[int, int, int]:
    """Return a period as the script keeps it."""
    return (period.number, period.begins_ms, period.ends_ms) if period else (0, 0, 0)


def of_redis(inside: redis.Redis, book: Book) -> dict[str, Any]:
    """Return what Redis keeps of the same ledger; `book` only tells the windows."""
    ledger = _hash(inside, LEDGER)
    found: dict[str, Any] = {
        name: int(ledger[name.encode()])
        for name in (
            *("time", "high", "store_offset", "lead", "rebased", "open", "opens", "awaits_word"),
            *("vouched", "sound", "roster", "leniency", "turn", "recounted"),
        )
    }
    calendars = msgspec.msgpack.decode(ledger[b"calendars"])
    found["calendars"] = [tuple(each) for each in calendars]
    found["accounts"] = {}
    for name in book.accounts:
        account = _hash(inside, f"{PREFIX}account:{name}")
        limit, pending, charged = (int(account[at]) for at in (b"limit", b"pending", b"charged"))
        found["accounts"][name] = (
            *(None if limit == -1 else limit, account[b"unit"].decode()),
            account[b"calendar"].decode(),
            *(pending, charged),
        )
    members = inside.smembers(f"{PREFIX}members")
    found["rows"] = {str(member): _row(inside, str(member), ledger, book) for member in members}
    return found


def _row(
    inside: redis.Redis, member: str, ledger: dict[bytes, bytes], book: Book
) -> dict[str, Any]:
    row = _hash(inside, f"{PREFIX}row:{member}")
    found: dict[str, Any] = {
        name: int(row.get(name.encode(), 0))
        for name in (
            *("generation", "seq", "roster", "heard", "kept", "joined", "standing", "frees"),
            *("final", "clock", "date"),
        )
    }
    found["counts"] = row.get(b"epoch") == ledger[b"epoch"]
    found["values"], found["buckets"] = {}, {}
    for name, state in book.accounts.items():
        packed = row.get(f"value:{name}".encode())
        value = tuple(msgspec.msgpack.decode(packed)) if packed else (0, 0, 0)
        if value != (0, 0, 0):
            found["values"][name] = value
        oldest = state.ring.window.first_kept(book.clocks.time_ms)
        for segment, slots in _hash(inside, f"{PREFIX}buckets:{member}:{name}").items():
            first = int(segment) * SEGMENT
            for bucket, posts in enumerate(struct.unpack(f">{SEGMENT}I", slots), start=first):
                if posts and bucket >= oldest:
                    found["buckets"][name, bucket] = posts
    return found


def _hash(inside: redis.Redis, key: str) -> dict[bytes, bytes]:
    """Return a hash whose values are not text."""
    return dict(inside.execute_command("HGETALL", key, NEVER_DECODE=True))  # type: ignore[no-untyped-call]  # theirs
