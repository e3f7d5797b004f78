"""Governor's ledger behind the adversary's face: one member that asks, and tells what has ended.

No governor stands around it, for the rule is the ledger's: what is held counts without a clock,
and what has ended counts for one window from its last byte on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import (
    Account,
    Answer,
    Ask,
    Identity,
    Message,
    Reply,
    RowValue,
    WholeRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.adversary import Time

ACCOUNT: Final = "limit"
ONE_POST: Final = Ask(((ACCOUNT, 1),))


class Home(Protocol):
    """A home of the ledger."""

    async def converse(self, message: Message) -> Answer:
        """Deliver one message, and return the ledger's answer to it."""
        ...


class BookHome:
    """The book in this process, and the time that is its wall clock."""

    def __init__(self, limit: int, window_ms: int, time: Time) -> None:
        self.identity: Final = Identity(1, "run", "replication")
        self._time: Final = time
        clocks = Clocks(time.now_ms(), time.now_ms(), store_offset_ms=0)
        account = Account(ACCOUNT, limit, window_ms)
        self._book: Final = Book((account,), identity=self.identity, clocks=clocks)

    async def converse(self, message: Message) -> Answer:
        return self._book.converse(message, store_ms=self._time.now_ms())


class Ours:
    """One member of one ledger. `join` comes before anything else."""

    def __init__(self, home: Home, identity: Identity, boot_ms: Callable[[], int]) -> None:
        self._home, self._identity, self._boot_ms = home, identity, boot_ms
        self._seq = self._acked = self._roster = 0
        self._value = RowValue()

    async def join(self, now_ms: int) -> None:
        """Bring an empty row; `now_ms` is the time of a ledger that was just created."""
        await self._say(whole=WholeRow({}, {}, now_ms, now_ms, None))

    async def admit(self) -> bool:
        reply = await self._say(asks=(ONE_POST,))
        if reply.grants[0].granted:
            self._value = RowValue(self._value.pending + 1, self._value.charged)
        return reply.grants[0].granted

    async def end(self, requests: int) -> None:
        value = self._value
        self._value = RowValue(value.pending - requests, value.charged + requests)
        await self._say()

    async def _say(self, *, asks: tuple[Ask, ...] = (), whole: WholeRow | None = None) -> Reply:
        self._seq += 1
        message = Message(
            member="member",
            identity=self._identity,
            generation=1,
            seq=self._seq,
            acked=self._acked,
            nonce=str(self._seq),
            boot_ms=self._boot_ms(),
            values={ACCOUNT: self._value},
            asks=asks,
            whole=whole,
            roster=self._roster,
        )
        answer = await self._home.converse(message)
        assert isinstance(answer, Reply), answer
        self._acked = answer.seq
        if answer.roster is not None:
            self._roster = answer.roster.version
        return answer
