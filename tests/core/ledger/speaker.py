"""A member before a book, both on one true clock that a test moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.loss import declare
from governor.core.ledger.messages import (
    Account,
    Answer,
    Ask,
    Doubt,
    DoubtReason,
    Grant,
    Identity,
    Loss,
    Message,
    Reply,
    WholeRow,
)
from governor.core.ledger.roster import Roster
from governor.core.window import Window

BEGIN_MS = 1_000_000_000
BEGUN = (BEGIN_MS, BEGIN_MS, 0)  # T, H and the boot clock's offset in the journal of a whole row
IDENTITY = Identity(1, "run", "replication")
DAY, MINUTE = Window(86_400_000), Window(60_000)
TOTAL = Account("day", 1_000, DAY.window_ms)
SHARE = Account("day/a", 300, DAY.window_ms)
SHORT = Account("minute", 500, MINUTE.window_ms)
FREE = Account("day/b", None, DAY.window_ms)
ACCOUNTS = (TOTAL, SHARE, SHORT, FREE)
GRANTED = Grant(granted=True)


class Speaker:
    """One member before a book, both on one true clock that the test moves."""

    def __init__(self, book: Book | None = None, name: str = "m") -> None:
        clocks = Clocks(BEGIN_MS, BEGIN_MS, 0)
        self.book = book or Book(ACCOUNTS, identity=IDENTITY, clocks=clocks)
        self.name, self.generation, self.seq, self.acked = name, 1, 0, 0
        self.now_ms = self.book.clocks.time_ms
        self.roster = Roster(0, ())  # as it has journaled it

    def message(self, **parts: Any) -> Message:  # noqa: ANN401  # any field of a Message
        self.seq += 1
        empty: dict[str, Any] = {
            "member": self.name,
            "identity": self.book.identity,
            "generation": self.generation,
            "seq": self.seq,
            "acked": self.acked,
            "nonce": f"{self.name}{self.generation}.{self.seq}",
            "boot_ms": self.now_ms,
            "values": {},
            "roster": self.roster.version,
        }
        return Message(**empty | parts)

    def hear(self, message: Message) -> Answer:
        answer = self.book.converse(message, store_ms=self.now_ms)
        if isinstance(answer, Reply):
            self.acked = max(self.acked, answer.seq)
            self.roster = answer.roster or self.roster
        return answer

    def say(self, **parts: Any) -> Answer:  # noqa: ANN401  # any field of a Message
        return self.hear(self.message(**parts))

    def reply(self, *asks: Ask, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        answer = self.say(asks=asks, **parts)

        assert isinstance(answer, Reply)
        return answer

    def join(self, *asks: Ask, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        return self.reply(*asks, **{"whole": WholeRow({}, {}, *BEGUN)} | parts)

    def lose(self, *, emptied: bool = False, **parts: Any) -> None:  # noqa: ANN401  # of a Loss
        """Declare the ledger lost, in a store that was started anew, and emptied or not."""
        known: dict[str, Any] = {
            "seen": self.book.identity,
            "time_ms": self.book.clocks.time_ms,
            "high_ms": self.book.clocks.high_ms,
            "accounts": ACCOUNTS,
            "roster": self.roster.entries,
        }
        self.roster = replace(self.roster, version=0)
        found = None if emptied else self.book
        store = {"store_ms": self.now_ms, "run_id": "later", "replication_id": "later"}
        self.book = declare(found, Loss(**known | parts), **store)  # type: ignore[arg-type]  # by name

    def restore(self, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        """Bring an empty row, and everybody whom the journal knows."""
        return self.join(whole=WholeRow({}, {}, *BEGUN, self.roster.entries), **parts)

    def restart(self) -> None:
        self.generation, self.seq, self.acked = self.generation + 1, 0, 0

    def doubt(self, **parts: Any) -> DoubtReason:  # noqa: ANN401  # any field of a Message
        answer = self.say(**parts)

        assert isinstance(answer, Doubt)
        return answer.reason


def ask(posts: int, *accounts: Account, patience_ms: int = 0) -> Ask:
    amounts = tuple((account.name, posts) for account in accounts or (TOTAL,))
    return Ask(amounts, patience_ms=patience_ms)


def refused(account: Account = TOTAL, retry_at_ms: int | None = None) -> Grant:
    return Grant(granted=False, account=account.name, retry_at_ms=retry_at_ms)
