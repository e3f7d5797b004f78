"""A ledger whose line can be cut, and a journal that can fail: faults on order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from governor.core.ledger import loss as losses
from governor.core.ledger.messages import Doubt, DoubtReason
from governor.errors import JournalError, LedgerUnreachableError

if TYPE_CHECKING:
    from governor.core.ledger.book import Book
    from governor.core.ledger.messages import Answer, Identity, Loss, Message
    from governor.core.ledger.records import Record
    from tests.fakes.clock import FakeClock


@dataclass
class Home:
    """A real book behind a line that is cut before or after it hears a message.

    `answers` are given in place of the book's own, one by one. `book` None: nothing is there.
    """

    book: Book | None
    clock: FakeClock
    run_id: str = "run"
    replication_id: str = "replication"
    heard: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    declared: list[Loss] = field(default_factory=list)
    cut: str = ""
    answers: list[Answer] = field(default_factory=list)

    async def converse(self, message: Message) -> Answer:
        await asyncio.sleep(0)
        self.sent.append(message)
        if self.cut == "before":
            raise LedgerUnreachableError("cut")
        self.heard.append(message)
        answer = self._answer(message)
        if self.cut == "after":
            raise LedgerUnreachableError("cut")
        if self.answers:
            answer = replace(self.answers.pop(0), nonce=message.nonce)
        return answer

    def _answer(self, message: Message) -> Answer:
        if self.book is None:
            return Doubt(message.nonce, DoubtReason.MISSING)
        if self.book.identity.run_id != self.run_id:
            return Doubt(message.nonce, DoubtReason.FOREIGN, self.book.identity)
        return self.book.converse(message, store_ms=self.clock.wall_ms())

    async def declare(self, loss: Loss) -> Identity:
        await asyncio.sleep(0)
        if self.cut == "before":
            raise LedgerUnreachableError("cut")
        self.declared.append(loss)
        self.book = losses.declare(
            self.book,
            loss,
            store_ms=self.clock.wall_ms(),
            run_id=self.run_id,
            replication_id=self.replication_id,
        )
        if self.cut == "after":
            raise LedgerUnreachableError("cut")
        return self.book.identity


def _set() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class Memory:
    """A journal in a list, which can fail, or not answer while `stuck` is cleared."""

    records: list[Record] = field(default_factory=list)
    failing: bool = False
    stuck: asyncio.Event = field(default_factory=_set)

    async def append(self, *records: Record) -> int:
        await asyncio.sleep(0)
        await self.stuck.wait()
        if self.failing:
            raise JournalError("disk full")
        self.records += records
        return len(self.records)
