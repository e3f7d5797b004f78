"""The ledger in process: one governor on one machine, and nothing else to run.

The book keeps no file. What it knows, its only member's journal knows, so a book that is gone is
built again from there (`recovery.book`); a copy on disk would be a second truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger import loss as losses

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.core.ledger.book import Book
    from governor.core.ledger.messages import Answer, Identity, Loss, Message


class EmbeddedStore:
    """One contract's book, with the wall clock as the clock beside it."""

    def __init__(self, book: Book, clock: Clock) -> None:
        self._book = book
        self._clock = clock

    async def converse(self, message: Message) -> Answer:
        """Answer one message; this home is always there."""
        return self._book.converse(message, store_ms=self._clock.wall_ms())

    async def declare(self, loss: Loss) -> Identity:
        """Begin the next epoch, if this one cannot be believed: a book that miscounts is a defect.

        From then on it answers as a ledger that was lost, and its only member restores it.
        """
        known = self._book.identity
        self._book = losses.declare(
            self._book,
            loss,
            store_ms=self._clock.wall_ms(),
            run_id=known.run_id,
            replication_id=known.replication_id,
        )
        return self._book.identity

    async def close(self) -> None:
        """Do nothing: there is no line to hang up."""
