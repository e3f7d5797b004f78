"""A ledger whose line can be cut, and a journal that can fail: faults on order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from governor.errors import JournalError, LedgerUnreachableError

if TYPE_CHECKING:
    from governor.core.ledger.book import Book
    from governor.core.ledger.messages import Answer, Message
    from governor.core.ledger.records import Record
    from tests.fakes.clock import FakeClock


@dataclass
class Home:
    """A real book behind a line that is cut before or after it hears a message.

    `answers` are given in place of the book's own, one by one.
    """

    book: Book
    clock: FakeClock
    heard: list[Message] = field(default_factory=list)
    sent: list[Message] = field(default_factory=list)
    cut: str = ""
    answers: list[Answer] = field(default_factory=list)

    async def converse(self, message: Message) -> Answer:
        await asyncio.sleep(0)
        self.sent.append(message)
        if self.cut == "before":
            raise LedgerUnreachableError("cut")
        self.heard.append(message)
        answer = self.book.converse(message, store_ms=self.clock.wall_ms())
        if self.cut == "after":
            raise LedgerUnreachableError("cut")
        if self.answers:
            answer = replace(self.answers.pop(0), nonce=message.nonce)
        return answer


@dataclass
class Memory:
    """A journal in a list, which can fail."""

    records: list[Record] = field(default_factory=list)
    failing: bool = False

    async def append(self, *records: Record) -> int:
        await asyncio.sleep(0)
        if self.failing:
            raise JournalError("disk full")
        self.records += records
        return len(self.records)
