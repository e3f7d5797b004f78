"""A governor as a state machine plays it: the real composer and journal state, one step at a time.

It does what `conversation` and `exchange` do, without their waiting: it journals before it acts,
believes only replies, and declares a loss when it is told of one. The platform's truth is kept
beside it, in spans that no ledger sees.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governor import recovery
from governor.conversation.composing import Composer
from governor.conversation.noticing import adoption
from governor.conversation.talk import VOUCHING_MS
from governor.core.ledger.messages import (
    Account,
    Answer,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Message,
    Reply,
)
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Outcome,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
)
from governor.errors import LedgerUnreachableError
from tests.simulation.homes import CONTRACT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from governor.core.ledger.messages import Identity, Loss
    from tests.simulation.homes import Home
    from tests.simulation.hosts import Host
    from tests.simulation.platform import Platform, Span

LOSSES: Final = frozenset(
    {DoubtReason.MISSING, DoubtReason.FOREIGN, DoubtReason.ROLLED_BACK, DoubtReason.MISCOUNTED}
)
TRIES: Final = 4  # a loss, another one declared meanwhile, the row, the roster's receipt


@dataclass(eq=False)
class Held:
    """A granted hold; `span` once the platform may have counted it."""

    id: str
    posts: int
    span: Span | None = None


class Player:
    """One member, and its journal."""

    def __init__(
        self, name: str, host: Host, home: Home, platform: Platform, members: tuple[str, ...]
    ) -> None:
        self.name, self._host, self._home, self._platform = name, host, home, platform
        self._members = members
        self._records: list[Record] = []
        self.holds: list[Held] = []
        self.up = False
        self.last: Message | None = None
        self.is_heard = False  # by the ledger as it is now
        self.read_clocks = False
        self._heard: tuple[Identity, int] | None = None
        self._made = 0

    def found(self, identity: Identity, accounts: tuple[Account, ...], time_ms: int) -> None:
        """Do what `governor init` does."""
        self._records = [
            Started(self.name, 1, self._host.boot_id()),
            Adopted(CONTRACT, "home", identity, accounts, time_ms, self._host.boot_ms()),
        ]

    async def start(self) -> None:
        """Begin a generation, and charge what the one before left open."""
        self._state = await recovery.start(self, self._host)
        self._composer = Composer(CONTRACT, self._state, clock=self._host, members=self._members)
        self.up = True

    # The face of the journal that `recovery` reads and writes.

    @property
    def member(self) -> str:
        return self.name

    def checkpoint(self) -> None:
        """Return none: what is folded is the records."""

    def records(
        self,
        kinds: Collection[type[Record]] | None = None,  # noqa: ARG002  # all are asked for
        after: int = 0,
    ) -> Iterator[tuple[int, Record]]:
        yield from list(enumerate(self._records, 1))[after:]

    async def append(self, *records: Record) -> int:
        self._records += records
        return len(self._records)

    async def write_checkpoint(self, record_id: int, state: bytes) -> None:
        """Keep none."""

    def _keep(self, record: Record, *, live: bool = True) -> None:
        self._records.append(record)
        if live:
            self._state.apply(record)

    @property
    def account(self) -> str:
        return next(iter(self._state.contracts[CONTRACT].accounts))

    async def leave(self) -> None:
        """Go down cleanly, with nothing on its way."""
        message = self._composer.compose(leaving=True)
        with contextlib.suppress(LedgerUnreachableError):
            await self._take(message, await self._home.converse(message))
        self.crash()

    async def say_the_word(self) -> None:
        """Do what `governor restore` does from this state directory."""
        loss = recovery.loss(self._state.contracts[CONTRACT], members=self._members, word=True)
        await self._home.declare(loss)

    async def speak(self, posts: tuple[int, ...] = (), *, lost: str = "") -> None:
        """Say what there is to say, and all that follows from the answer.

        `lost` "request" or "reply": nothing comes back, and the message was heard or not.
        """
        self.is_heard = False
        for _ in range(TRIES):
            asks = tuple(Ask(((self.account, each),)) for each in posts)
            message = self._composer.compose(asks)
            if lost:
                if lost == "reply":
                    with contextlib.suppress(LedgerUnreachableError):
                        await self._home.converse(message)
                self._composer.abandon(message)
                return
            self.last = message
            try:
                answer = await self._home.converse(message)
            except LedgerUnreachableError:  # the store was restarted: its connections are gone
                self._composer.abandon(message)
                continue
            if not await self._take(message, answer):
                return
            posts = ()

    async def _take(self, message: Message, answer: Answer) -> bool:
        """Believe an answer, or recover; say whether to speak again at once."""
        match answer:
            case Reply():
                return self._believe(message, answer)
            case Doubt(reason=reason) if reason in LOSSES:
                known = self._state.contracts[CONTRACT]
                identity = await self._home.declare(self._loss())
                boot_ms = self._host.boot_ms()
                self._keep(adoption(CONTRACT, known, identity, boot_ms=boot_ms))
                self._composer.bring_whole()
                return True
            case Doubt(reason=DoubtReason.UNKNOWN_ROW):
                self._composer.bring_whole()
                return True
            case Doubt(reason=DoubtReason.RETIRED) | Fenced():
                self.crash()
        return False

    def _loss(self) -> Loss:
        """Return the loss of the ledger that the journal knows; vouch if it heard us until then."""
        known = self._state.contracts[CONTRACT]
        identity, heard_ms = self._heard or (None, 0)
        silent_ms = self._host.boot_ms() - heard_ms
        vouches = identity == known.identity and silent_ms <= VOUCHING_MS
        return recovery.loss(known, members=self._members, vouches=vouches)

    def _believe(self, message: Message, reply: Reply) -> bool:
        grew = self._composer.acknowledge(message, reply)
        self._keep(
            Stamped(
                contract=CONTRACT,
                seq=message.seq,
                spread=grew,
                time_ms=reply.time_ms,
                high_ms=reply.high_ms,
                store_offset_ms=reply.store_offset_ms,
                boot_offset_ms=reply.boot_offset_ms,
            )
        )
        usage = reply.usage[self.account]
        self.is_heard = self.read_clocks = True
        self._heard = (reply.identity, self._host.boot_ms())
        if reply.open:
            assert self._platform.countable() <= usage.charged + usage.pending
        if reply.roster is not None:
            self._keep(Rostered(CONTRACT, reply.roster.version, reply.roster.entries))
        for ask, grant in zip(message.asks, reply.grants, strict=True):
            if grant.granted:
                self._composer.row.granted(ask.amounts)
                self._composer.row.hold(ask.amounts)
                self._made += 1
                hold = f"{self.name}-{self._state.generation}-{self._made}"
                self.holds.append(Held(hold, ask.amounts[0][1]))
        return reply.roster is not None

    def send(self, hold: Held) -> None:
        """Make the claim durable, and write the first byte."""
        self._keep(
            Claimed(
                contract=CONTRACT,
                hold=hold.id,
                job="default",
                operation="page",
                asked=hold.posts,
                price=hold.posts,
                amounts=((self.account, hold.posts),),
                catalog="",
                at_ms=0,
            ),
            live=False,
        )
        hold.span = self._platform.begin(hold.posts)

    def end(self, hold: Held, charged: int, counted: int) -> None:
        """Settle an answer that was read to its end, at once; what was never sent costs nothing."""
        if hold.span is None:
            charged = 0
        else:
            self._platform.end(hold.span, counted, self._platform.loop.now_ms)
        self._resolve(hold, Outcome.SETTLED if hold.span else Outcome.VOID, charged, lingers=False)

    def abort(self, hold: Held) -> None:
        """Close the connection before the answer's end."""
        self._let_go(hold)
        self._resolve(hold, Outcome.ORPHANED, hold.posts, lingers=True)

    def _resolve(self, hold: Held, outcome: Outcome, posts: int, *, lingers: bool) -> None:
        self.holds.remove(hold)
        amounts = ((self.account, posts),)
        if hold.span is not None:
            self._keep(Resolved(CONTRACT, hold.id, outcome, None, amounts, lingers, 0), live=False)
        self._composer.row.release(((self.account, hold.posts),))
        self._composer.row.charge(amounts, lingers=lingers)

    def crash(self) -> None:
        """Die; what is on its way is let go of."""
        for hold in self.holds:
            self._let_go(hold)
        self.holds, self.up, self.is_heard, self._heard = [], False, False, None

    def _let_go(self, hold: Held) -> None:
        if hold.span is not None:
            now_ms = self._platform.loop.now_ms
            self._platform.end(hold.span, hold.posts, now_ms + self._platform.linger_ms)
