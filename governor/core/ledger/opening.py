"""When a ledger that was closed by a loss may open again (invariant 3).

Not before every member that any journal names has brought its row under the new epoch, or has left
or died with nothing that still counts. Nor before the living have had time to show themselves: one
that joined in the very moments that the ledger lost is in nobody's journal but its own.

That a member has left is believed only if somebody vouches for it: a copy of the ledger, or an old
journal, may show it gone when it has long been back. Whoever was heard until the last moment would
know, for a member that comes back is granted nothing until it does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.roster import MemberStanding

if TYPE_CHECKING:
    from governor.core.ledger.book import Book
    from governor.core.ledger.members import RowState

GRACE_MS = 3_000  # three heartbeats; in ledger time


def awaited(book: Book) -> tuple[str, ...]:
    """Return the members that a closed ledger waits for."""
    return tuple(
        member
        for member, row in sorted(book.members.rows.items())
        if row.epoch != book.epoch and not _is_free(book, row) and not speaks(book, row)
    )


def reopen(book: Book) -> None:
    """Open the ledger if it may. Those that had left before the loss count as they stood."""
    if book.awaits_word or book.clocks.time_ms < book.opens_ms or awaited(book):
        return
    for member, row in list(book.members.rows.items()):
        if row.epoch == book.epoch:
            continue
        if _is_free(book, row):
            del book.members.rows[member]
            book.members.changed()
        else:
            adopt(book, row)
    book.open = True


def _is_free(book: Book, row: RowState) -> bool:
    """Say whether a member has left, or died, and nothing of it counts any more."""
    return _is_gone(book, row) and row.frees_ms <= book.clocks.time_ms


def _is_gone(book: Book, row: RowState) -> bool:
    """Say whether a member is known not to have come back: the dead cannot."""
    if row.standing is MemberStanding.LEFT:
        return book.vouched
    return row.standing is MemberStanding.RETIRED


def speaks(book: Book, row: RowState) -> bool:
    """Say whether what is left of a row can stand for its member: it is all that it ever charged.

    That takes more than its last word, for there may have been a later one.
    """
    return (
        row.final
        and _is_gone(book, row)
        and all(
            book.accounts[account].ring.window.in_ring(bucket, book.clocks.time_ms)
            for account, buckets in row.buckets.items()
            for bucket in buckets
            if account in book.accounts
        )
    )


def adopt(book: Book, row: RowState) -> None:
    """Let the last word of a member count again."""
    row.epoch = book.epoch
    row.values = {name: row.values[name] for name in row.values if name in book.accounts}
    row.buckets = {name: row.buckets[name] for name in row.buckets if name in book.accounts}
    book.count(row)
