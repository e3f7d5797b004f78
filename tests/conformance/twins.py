"""A book and a Redis that hear the same messages at the same instants, and must answer alike.

Redis reads its own clock and says in its reply what it read; the book is then given that reading.
Time passes when a test says so: the ledger's offset of the store's clock is moved in both homes,
which is what a step of that clock looks like from inside, and members' boot clocks are only
numbers in their messages.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from governor.clock import SystemClock
from governor.core.calendar import HOUR_MS, Period
from governor.core.ledger import loss as losses
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.members import RowState
from governor.core.ledger.messages import (
    Account,
    Answer,
    Doubt,
    DoubtReason,
    Identity,
    Loss,
    Message,
    Reply,
    RowValue,
    WholeRow,
)
from governor.core.ledger.records import Stamped
from governor.core.ledger.state import ContractState
from governor.errors import DoubtError
from governor.store import RedisStore
from tests.conformance import inside
from tests.conformance.inside import CONTRACT, LEDGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.ledger.messages import Ask, Retired
    from governor.core.ledger.roster import RosterEntry
    from tests.fakes.redis import Server

DAILY: Final = "day Here"
MONTHLY: Final = "month Here from 15"
LENGTHS_MS: Final = {DAILY: 24 * HOUR_MS, MONTHLY: 30 * 24 * HOUR_MS}
FIRST_PERIOD: Final = 20_000
HALF_AN_HOUR_MS: Final = HOUR_MS // 2
LEAD_MS: Final = 500  # the store's clock runs this far ahead, so that T is the boot clock exactly


@dataclass(frozen=True)
class Copy:
    """A ledger as it was in both homes."""

    keys: Mapping[str, bytes]
    book: Book


class Twins:
    """One ledger in both homes. `say` fails the test when they disagree."""

    def __init__(self, server: Server, store: RedisStore, book: Book) -> None:
        self.server, self.store, self.book = server, store, book
        self.inside = server.client()
        self.members: dict[str, Member] = {}
        self.calendars: tuple[str, ...] = ()
        self._store_ms = self.began_ms = book.clocks.time_ms

    @classmethod
    async def create(cls, server: Server, *accounts: Account) -> Twins:
        """Create the ledger in Redis, and its twin in this process."""
        store = RedisStore(server.url, CONTRACT, clock=SystemClock())
        created = await store.create(accounts)
        clocks = Clocks(created.time_ms, created.time_ms, store_offset_ms=0)
        twins = cls(server, store, Book(accounts, identity=created.identity, clocks=clocks))
        twins.calendars = tuple(dict.fromkeys(each.calendar for each in accounts if each.calendar))
        return twins

    @property
    def identity(self) -> Identity:
        """Return which ledger this is, as created or moved since."""
        return self.book.identity

    @property
    def time_ms(self) -> int:
        """Return T."""
        return self.book.clocks.time_ms

    @property
    def now(self) -> tuple[int, int]:
        """Return T and H, as a journal that was written just now has them."""
        return self.book.clocks.time_ms, self.book.clocks.high_ms

    def member(self, name: str = "m") -> Member:
        """Return a member whose boot clock reads ledger time; it has not joined yet."""
        self.members[name] = Member(self, name, boot_ms=self.time_ms)
        return self.members[name]

    async def say(self, message: Message) -> Answer:
        """Say one message in both homes and return what both answered."""
        answer = await self.store.converse(message)
        if isinstance(answer, Reply):
            self._store_ms = answer.store_ms
        expected = self.book.converse(message, store_ms=self._store_ms)

        assert expected == answer
        return answer

    async def declare(self, *, emptied: bool = False, **parts: Any) -> Identity:  # noqa: ANN401  # any field of a Loss
        """Declare a loss in both homes; `emptied`: nothing is there."""
        known: dict[str, Any] = {
            "seen": self.identity,
            "time_ms": self.time_ms,
            "high_ms": self.book.clocks.high_ms,
            "accounts": self.rules(),
            "roster": (),
        }
        if emptied:
            self.inside.flushall()
        loss = Loss(**known | parts)
        identity = await self.store.declare(loss)
        self.book = losses.declare(
            None if emptied else self.book,
            loss,
            store_ms=inside.store_ms(self.inside),
            run_id=identity.run_id,
            replication_id=identity.replication_id,
        )

        assert self.book.identity == identity
        self.agree()
        return identity

    def copy(self) -> Copy:
        """Take a copy of both homes, as an append-only file or a lagging replica may have it."""
        dumped = {
            str(key): self.inside.execute_command("DUMP", key, NEVER_DECODE=True)  # type: ignore[no-untyped-call]  # theirs
            for key in self.inside.keys("*")
        }
        return Copy(dumped, deepcopy(self.book))

    def put_back(self, copy: Copy) -> None:
        """Put both homes back to what a copy has."""
        self.inside.flushall()
        for key, value in copy.keys.items():
            self.inside.restore(key, 0, value)
        self.book = deepcopy(copy.book)

    async def retire(self, member: str, charged: int | None = None) -> Retired:
        """Retire a member in both homes. Raises DoubtError if both do."""
        before_ms = self.read_ms()
        try:
            done = await self.store.retire(member, charged)
        except DoubtError:
            with pytest.raises(DoubtError):
                losses.retire(self.book, member, charged, store_ms=before_ms)
            raise
        before = self.book
        for store_ms in range(before_ms, self.read_ms() + 1):  # it does not say what it read
            self.book = deepcopy(before)
            if losses.retire(self.book, member, charged, store_ms=store_ms) == done:
                break

        self.agree()
        return done

    def read_ms(self) -> int:
        """Return what the store's clock reads."""
        seconds, microseconds = self.inside.time()
        return int(seconds) * 1_000 + int(microseconds) // 1_000

    def period(self, calendar: str, date_ms: int) -> Period:
        """Return a period of an invented zone: one began half an hour before the ledger did."""
        length_ms = LENGTHS_MS[calendar]
        since_ms = date_ms - self.began_ms + HALF_AN_HOUR_MS
        number = FIRST_PERIOD + since_ms // length_ms
        begins_ms = date_ms - since_ms % length_ms
        return Period(number, begins_ms, begins_ms + length_ms)

    def agree(self) -> None:
        """Fail the test if the homes differ in anything that no answer shows."""
        assert inside.of_book(self.book) == inside.of_redis(self.inside, self.book)

    def rules(self) -> tuple[Account, ...]:
        """Return the accounts as they are enforced."""
        return tuple(state.shown(name) for name, state in self.book.accounts.items())

    def pass_ms(self, duration_ms: int) -> None:
        """Let time pass on every clock."""
        self.step_store_ms(duration_ms)
        for member in self.members.values():
            member.boot_ms += duration_ms

    def step_store_ms(self, step_ms: int) -> None:
        """Step the store's clock, ahead or back."""
        self.set_store_offset_ms(self.book.clocks.store_offset_ms - step_ms)

    def set_store_offset_ms(self, offset_ms: int) -> None:
        """Have the ledger read the store's clock less this."""
        self.inside.hset(LEDGER, "store_offset", offset_ms)
        self.book.clocks = replace(self.book.clocks, store_offset_ms=offset_ms)

    def lead(self, boot_ms: int) -> None:
        """Set the store's clock a little ahead of a reading, so that the reading is T."""
        seconds, microseconds = self.inside.time()
        self.set_store_offset_ms(seconds * 1_000 + microseconds // 1_000 - boot_ms - LEAD_MS)

    def begin(self, member: str, account: Account, posts: int) -> None:
        """Give the book an account that begins with posts used, as `create.lua` does in Redis."""
        self.book.admit((account,))
        self.book.accounts[account.name].pending = posts
        row = RowState(0, self.book.epoch, values={account.name: RowValue(posts, posts)})
        self.book.members.rows[member] = row
        self.book.members.changed()

    async def end(self) -> None:
        """Hang up."""
        self.inside.close()
        await self.store.close()


@dataclass
class Member:
    """One governor as the ledger meets it: what it tells, and what its journal would hold."""

    twins: Twins
    name: str
    boot_ms: int
    generation: int = 1
    seq: int = 0
    acked: int = 0
    totals: dict[str, RowValue] = field(default_factory=dict)
    journal: ContractState | None = None
    told: dict[str, RowValue] = field(default_factory=dict)
    entries: tuple[RosterEntry, ...] = ()  # everybody whom its journal knows
    version: int = 0  # of that, under this identity
    off_ms: int = 0  # of its wall clock, from the store's

    def message(self, **parts: Any) -> Message:  # noqa: ANN401  # any field of a Message
        """Return the next message, of the parts that differ from an empty one."""
        self.seq += 1
        empty: dict[str, Any] = {
            "member": self.name,
            "identity": self.twins.identity,
            "generation": self.generation,
            "seq": self.seq,
            "acked": self.acked,
            "nonce": f"{self.name}-{self.generation}-{self.seq}",
            "boot_ms": self.boot_ms,
            "values": {},
            "roster": self.version,
            **self.dated(),
        }
        return Message(**empty | parts)

    def dated(self) -> dict[str, Any]:
        """Return this member's date, and the periods of all calendars then."""
        if not self.twins.calendars:
            return {}
        date_ms = self.twins.read_ms() + self.off_ms
        periods = []
        for calendar in self.twins.calendars:
            running = self.twins.period(calendar, date_ms)
            before = self.twins.period(calendar, running.begins_ms - 1)
            periods.append((calendar, before, running))
        return {"date_ms": date_ms, "periods": tuple(periods)}

    async def say(self, **parts: Any) -> Answer:  # noqa: ANN401  # any field of a Message
        """Say the next message at the instant that this member's boot clock reads."""
        row = self.twins.book.members.rows.get(self.name)
        self.twins.lead(self.boot_ms - (row.boot_offset_ms or 0 if row else 0))
        return await self.hear(self.message(**parts))

    async def hear(self, message: Message) -> Answer:
        """Say a message as it is, and journal what the reply says was stamped."""
        answer = await self.twins.say(message)
        if isinstance(answer, Reply) and answer.seq > self.acked:
            self.acked = answer.seq
            self._stamp(message, answer)
            self.told |= message.values
            if answer.roster is not None:
                self.entries, self.version = answer.roster.entries, answer.roster.version
        return answer

    async def ask(self, *asks: Ask, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        """Ask, and return the reply that there must be."""
        reply = await self.say(asks=asks, **parts)

        assert isinstance(reply, Reply)
        return reply

    async def tell(self, **values: RowValue) -> Reply:
        """Tell what the row holds now, by account."""
        return await self.ask(values=values)

    async def join(self, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        """Bring the whole row, as the first message of a generation does."""
        whole = self.whole()
        return await self.ask(**{"whole": whole, "values": dict(whole.spread)} | parts)

    def whole(self) -> WholeRow:
        """Return the row as the journal has it; an empty one if nothing was ever stamped."""
        if self.journal is not None:
            return replace(self.journal.whole_row(), roster=self.entries)
        now_ms = self.twins.time_ms
        return WholeRow({}, {}, now_ms, now_ms, self.boot_ms - now_ms, self.entries)

    def restart(self) -> None:
        """Begin the next generation."""
        self.generation += 1
        self.seq = self.acked = 0

    async def restore(self, **parts: Any) -> Reply:  # noqa: ANN401  # any field of a Message
        """Bring the whole row to a ledger of another identity: none of its roster is journaled."""
        self.version = 0
        return await self.join(**{"values": dict(self.told)} | parts)

    def _stamp(self, message: Message, reply: Reply) -> None:
        """Journal where growth went: nowhere, while the ledger is closed and only holds it."""
        values = message.values if reply.open else {}
        accounts = {account.name: account for account in self.twins.rules()}
        if self.journal is None:
            self.journal = ContractState("", self.twins.identity, accounts, 0, 0, 0, None)
        self.journal.accounts = accounts
        if message.whole is not None:  # it may have been an older one
            self.journal.spread = dict(message.whole.spread)
            self.journal.buckets = {at: dict(each) for at, each in message.whole.buckets.items()}
            self.journal.periods = dict(message.whole.periods)
        spread = tuple((name, replace(value, pending=0)) for name, value in values.items())
        self.journal.stamp(
            Stamped(
                CONTRACT,
                reply.seq,
                spread,
                reply.time_ms,
                reply.high_ms,
                reply.store_offset_ms,
                reply.boot_offset_ms,
                periods=tuple(reply.periods.items()),
            )
        )


def reason(answer: Answer) -> DoubtReason:
    assert isinstance(answer, Doubt)
    return answer.reason


async def joined(twins: Twins, name: str = "m") -> Member:
    member = twins.member(name)
    await member.join()
    return member


async def acquainted(twins: Twins, name: str, other: str) -> tuple[Member, Member]:
    """Return two members that have journaled each other."""
    one, two = await joined(twins, name), await joined(twins, other)
    for _ in range(2):
        await one.tell()
        await two.tell()
    return one, two


async def spent(twins: Twins, account: str, posts: int) -> Member:
    """Return a member that was just charged so many posts."""
    member = await joined(twins)
    await member.tell(**{account: RowValue(charged=posts)})
    return member
