"""Random talk of several members with one ledger: what governors say, and what none should.

Members tell, ask, repeat, fall behind, restart with their rows or with older ones, leave, and talk
of a ledger that is not this one, while clocks run, jump and disagree. The ledger is lost, emptied,
or declared lost by somebody who is mistaken; members die and are retired. Draws crowd at the edges:
what just fits, what just does not, one millisecond before and after.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any, Final

from governor.core.calendar import HOUR_MS
from governor.core.ledger.messages import (
    LAXEST,
    Account,
    Answer,
    Ask,
    Leniency,
    Message,
    Reply,
    RowValue,
    WholeRow,
)
from governor.core.ledger.opening import awaited
from governor.core.ledger.roster import MemberStanding, RosterEntry, united
from governor.errors import DoubtError
from tests.conformance.twins import DAILY, MONTHLY

if TYPE_CHECKING:
    from governor.core.ledger.messages import Identity
    from tests.conformance.twins import Member, Twins

STEPS: Final = 300
ACCOUNTS: Final = (
    Account("day", 100_000, 86_400_000),
    Account("day/a", 30_000, 86_400_000),
    Account("day/b", None, 86_400_000),
    Account("minute", 2_000, 60_000),
    Account("second", 100, 1_000),
    Account("odd", 500, 17_393, "requests"),
    Account("daily", 900, 25 * HOUR_MS, calendar=DAILY),
    Account("daily/a", 300, 25 * HOUR_MS, calendar=DAILY),
    Account("monthly", 5_000, 31 * 24 * HOUR_MS, "units", MONTHLY),
)
NAMES: Final = tuple(account.name for account in ACCOUNTS)
OFFS_MS: Final = (0, 0, -1_900_000, -1_800_000, -3 * HOUR_MS, 6 * HOUR_MS, 7 * HOUR_MS)
SPANS_MS: Final = (1, 7, 900, 1_000, 1_002, 17_402, 60_032, 3_600_000, 86_444_929, 200_000_000)


class Talk:
    """One seeded conversation of several members with a ledger in both homes."""

    def __init__(self, twins: Twins, seed: int) -> None:
        self.twins = twins
        self.random = Random(seed)  # noqa: S311  # a schedule, not a secret
        self.sent: list[Message] = []
        self.forgetful: set[str] = set()  # not to be said again where nobody knows better any more
        self.older: dict[str, WholeRow] = {}
        self.kinds: set[object] = set()
        self.lost: list[Identity] = []

    async def run(self) -> None:
        for name in ("one", "two", "three"):
            member = self.twins.member(name)
            await self.hear(member, self.joining(member))
        for step in range(STEPS):
            self.time()
            chance = self.random.random()
            member = self.random.choice(list(self.twins.members.values()))
            if chance < 0.03:
                await self.lose(member)
            elif chance < 0.05:
                await self.bury()
            elif chance < 0.25 and not self.twins.book.open:
                await self.heal()
            else:
                await self.hear(member, self.next_message(member))
            if step % 10 == 0:
                self.twins.agree()
        self.twins.agree()

    async def hear(self, member: Member, message: Message) -> None:
        before = member.entries, member.version
        answer = await member.hear(message)
        self.note(answer)
        if message.nonce not in self.forgetful:
            self.sent.append(message)
        if self.random.random() < 0.1:
            member.entries, member.version = before  # it has not journaled the roster
        if isinstance(answer, Reply) and answer.seq == member.acked:  # and none from long ago
            member.totals |= message.values
            for grant, ask in zip(answer.grants, message.asks, strict=True):
                for account, posts in ask.amounts if grant.granted else ():
                    value = member.totals.get(account, RowValue())
                    member.totals[account] = replace(value, pending=value.pending + posts)

    def note(self, answer: Answer) -> None:
        """Note what kinds of answer there were: the tests say which there must be."""
        self.kinds.add(getattr(answer, "reason", type(answer)))
        if isinstance(answer, Reply):
            self.kinds |= {*answer.stepped, "open" if answer.open else "closed"}
            everybody = answer.roster.entries if answer.roster else ()
            self.kinds |= {entry.standing for entry in everybody}

    async def lose(self, member: Member) -> None:
        """Have a member declare a loss: of this ledger, of one before, or of an empty one."""
        seen = self.random.choice((self.twins.identity, *self.lost[-2:]))
        self.lost.append(self.twins.identity)
        journal = member.whole()
        parts: dict[str, Any] = {
            "seen": seen,
            "time_ms": journal.time_ms,
            "high_ms": journal.high_ms,
            "accounts": self.random.choice((ACCOUNTS, (replace(ACCOUNTS[3], limit=1_900),))),
            "roster": united(member.entries, self.rumours()),
            "leniency": self.random.choice((LAXEST, Leniency.SHADOW)),
            "named": self.random.random() < 0.2,
            "word": self.random.random() < 0.2,
            "vouches": self.random.random() < 0.5,
        }
        emptied = self.random.random() < 0.2
        if emptied:
            parts["accounts"] = ACCOUNTS
        await self.twins.declare(emptied=emptied, **parts)

    def rumours(self) -> tuple[RosterEntry, ...]:
        """Return what some journal may say of somebody, true or not."""
        if self.random.random() < 0.7:
            return ()
        standing = self.random.choice((*MemberStanding,))
        now_ms = self.twins.time_ms
        frees_ms = self.random.choice((now_ms - 1, now_ms, now_ms + 1, now_ms + 60_000))
        return (
            RosterEntry(
                self.random.choice((*self.twins.members, "stranger")),
                self.random.randrange(1, 9),
                standing,
                0 if standing is MemberStanding.ACTIVE else frees_ms,
            ),
        )

    async def heal(self) -> None:
        """Bring a closed ledger nearer to opening."""
        if self.twins.book.awaits_word:
            await self.twins.declare(seen=self.lost[-1], word=True)
        for name in awaited(self.twins.book):
            other = self.twins.members.get(name)
            if other is None or self.random.random() < 0.2:
                await self.bury(name)
            else:
                other.restart()
                await self.hear(other, self.joining(other))

    async def bury(self, name: str = "") -> None:
        """Have an operator declare somebody dead; a new member takes the place."""
        name = name or self.random.choice([*self.twins.members, "stranger"])
        if name not in self.twins.book.members.rows:
            return
        try:
            await self.twins.retire(name, self.random.choice((None, 0, 40)))
        except DoubtError:
            self.kinds.add("no date")
            return
        if self.twins.members.pop(name, None) is not None:
            self.twins.member(f"heir of {name}")

    def time(self) -> None:
        """Let time pass; now and then a clock is stepped."""
        chance = self.random.random()
        span_ms = self.random.choice(SPANS_MS) if chance < 0.3 else self.random.randrange(50)
        if chance < 0.9:
            self.twins.pass_ms(span_ms)
        elif chance < 0.95:
            self.twins.step_store_ms(self.random.choice((-span_ms, span_ms)))
        else:
            member = self.random.choice(list(self.twins.members.values()))
            member.boot_ms += self.random.choice((-span_ms, span_ms))

    def next_message(self, member: Member) -> Message:
        """Return what this member says next: mostly what a governor would."""
        if (member.generation, member.seq) == (1, 0):
            return self.joining(member)
        if self.random.random() < 0.2:
            member.off_ms = self.random.choice(OFFS_MS)
        match self.random.randrange(20):
            case 0:
                member.restart()
                return self.joining(member)
            case 1:
                return self.sent[-1] if self.sent[-1].member == member.name else self.stale(member)
            case 2:
                return self.stale(member)
            case 3:
                return self.foreign(member)
            case 4:
                return replace(member.message(), acked=member.acked + self.random.choice((0, 1)))
            case 5:
                leaving = self.random.random() < 0.5
                values = {
                    name: RowValue(0, value.charged + value.pending, value.lingered)
                    for name, value in member.totals.items()
                }
                return member.message(values=values, leaving=leaving, anchor=not leaving)
            case _:
                return member.message(values=self.values(member), asks=self.asks())

    def joining(self, member: Member) -> Message:
        """Return a first message: the row as it is, an older one, or one that is rebooted."""
        whole = member.whole()
        if self.random.random() < 0.2:
            whole = self.older.get(member.name, whole)
        self.older[member.name] = whole
        whole = replace(whole, roster=united(whole.roster, self.rumours()))
        if self.random.random() < 0.2:
            member.boot_ms = self.random.randrange(10_000)
            whole = replace(whole, boot_offset_ms=None)
        row = self.twins.book.members.rows.get(member.name)
        told = row.values if row else {}
        forgets = self.random.random() < 0.3 and any(
            value.charged > whole.spread.get(name, RowValue()).charged
            for name, value in told.items()
        )
        totals = whole.spread if forgets else member.totals
        values = {
            name: RowValue(
                charged=max(value.charged, whole.spread.get(name, RowValue()).charged),
                lingered=max(
                    value.lingered + value.pending, whole.spread.get(name, RowValue()).lingered
                ),
            )
            for name, value in totals.items()
        }
        accounts = self.random.choice(((), ACCOUNTS, (replace(ACCOUNTS[1], limit=29_000),)))
        message = member.message(
            whole=whole,
            values=values,
            accounts=accounts,
            asks=self.asks(),
            leniency=self.random.choice((LAXEST, LAXEST, Leniency.RECEIVED)),
        )
        if forgets:
            self.forgetful.add(message.nonce)
        return message

    def stale(self, member: Member) -> Message:
        """Return anything this member said before."""
        mine = [message for message in self.sent if message.member == member.name]
        return self.random.choice(mine)

    def foreign(self, member: Member) -> Message:
        """Return a message for another ledger, or under rules that this one does not have."""
        other = replace(self.twins.identity, run_id="another")
        return self.random.choice(
            (
                member.message(identity=other),
                member.message(accounts=(Account("year", 1, 86_400_000),)),
                member.message(accounts=(Account("day/new", 77, 86_400_000),)),
                member.message(accounts=(Account("minute", 2_000, 60_000, "requests"),)),
                member.message(values={"day": RowValue()}),
            )
        )

    def values(self, member: Member) -> dict[str, RowValue]:
        """Return a row that settled some of its holds, voided some, and let go of others."""
        told = {}
        for name in self.random.sample(NAMES, self.random.randrange(4)):
            value = member.totals.get(name, RowValue())
            ended = self.random.choice((0, 1, value.pending // 2, value.pending))
            ended = min(ended, value.pending)
            charged = self.random.choice((0, ended, ended + self.random.randrange(30)))
            lingers = self.random.random() < 0.3
            told[name] = RowValue(
                value.pending - ended,
                value.charged + (0 if lingers else charged),
                value.lingered + (charged if lingers else 0),
            )
        return told

    def asks(self) -> tuple[Ask, ...]:
        """Return asks of some accounts, near what each has left."""
        return tuple(
            Ask(
                tuple((name, self.posts(name)) for name in self.random.sample(NAMES, 2)),
                patience_ms=self.random.choice((0, 1, 4_000, 90_000_000)),
            )
            for _ in range(self.random.randrange(5))
        )

    def posts(self, name: str) -> int:
        state = self.twins.book.accounts[name]
        limit = state.limit or 1_000
        left = max(0, limit - state.usage)
        near = self.random.choice((0, 1, left, left + 1, left // 3, limit, limit + 1))
        return self.random.choice((near, self.random.randrange(1 + limit // 10)))
