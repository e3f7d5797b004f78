"""Assertions stay on: the accounts whose turn it is are recounted from the rows (invariant 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.members import NOTHING

if TYPE_CHECKING:
    from governor.core.ledger.book import Book

RECOUNT_MS = 30_000  # every account's turn comes within this and a heartbeat: twice a minute


class Recount:
    """Whose turn it is. `recounted_ms`: ledger time at which one last had it."""

    __slots__ = ("recounted_ms", "turn")

    def __init__(self, now_ms: int) -> None:
        self.recounted_ms = now_ms
        self.turn = 0

    def adds_up(self, book: Book) -> bool:
        """Recompute the accounts whose turn it is; say whether they add up (I12)."""
        names = tuple(book.accounts)
        passed_ms = book.clocks.time_ms - self.recounted_ms
        due = min(len(names), passed_ms * len(names) // RECOUNT_MS)
        if due > 0:
            self.recounted_ms = book.clocks.time_ms
        for _ in range(due):
            self.turn += 1
            if not _adds_up(book, names[self.turn % len(names)]):
                return False
        return True


def _adds_up(book: Book, account: str) -> bool:
    """Recompute one account from the rows, and let them forget what is too old."""
    state, now_ms = book.accounts[account], book.clocks.time_ms
    first = state.ring.window.first_counting(now_ms)
    oldest = state.ring.window.first_kept(now_ms)
    pending = charged = 0
    for row in book.members.counting(book.epoch):
        buckets = row.buckets.get(account, {})
        for bucket in [bucket for bucket in buckets if bucket < oldest]:
            del buckets[bucket]
        pending += row.values.get(account, NOTHING).pending
        charged += sum(posts for bucket, posts in buckets.items() if bucket >= first)
    if book.open:
        windows = {name: each.ring.window for name, each in book.accounts.items()}
        kept_ms = max(window.kept_ms for window in windows.values())
        book.members.drop_idle(
            now_ms - kept_ms,
            {name: window.first_kept(now_ms) for name, window in windows.items()},
        )
    return (pending, charged) == (state.pending, state.ring.charged)
