"""One member's talk with the ledger of one contract: ask, tell, and keep the row true.

One message is under way at a time; what gathers meanwhile goes into the next, so throughput comes
from batching and order needs no locks. State changes between two awaits, never across one.

    reserve(hold)   an ask joins the queue; it is granted, refused, or in doubt
    end(hold, ...)  the hold leaves the row, what it was charged stays in it for ever

A message without a reply is repeated as it was until a reply comes: the ledger may have heard it.
Only a reply grants, never our own reckoning, and while in doubt every ask is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from governor.core.ledger.decisions import (
    REMEDIES,
    Decision,
    Doubted,
    Granted,
    Refused,
    Snapshot,
)
from governor.core.ledger.holds import Event, Hold, State
from governor.core.ledger.messages import (
    Answer,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Message,
    Reply,
    Stale,
)
from governor.core.ledger.records import Stamped
from governor.core.ledger.row import Row
from governor.errors import DoubtError, JournalError, LedgerUnreachableError
from governor.tasks import Interrupted, Tasks, unless

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.clock import Clock
    from governor.core.ledger.records import Amounts, Record
    from governor.core.ledger.state import MemberState

HEARTBEAT_MS = 1_000  # T must not grow stale: a joiner's clock is anchored at it
POLL_MS = 100  # while holds stand in the way: other governors' ends are seen this soon
SOONEST_MS = 5  # between two messages that nothing but time calls for
REPEAT_MS = 200  # between two tries of an unanswered message; the store waits for its connection
STAMP_EVERY_MS = 10_000  # T and H are journaled at least this often: after a loss they resume there
CLOSE_S = 3  # a reply takes at most 2 s; longer and the ledger is away
MOST_ASKS = 256  # in one message: some 20 KB, a few ms of Lua
MOST_WAITING = 10_000  # waiters in all; more than any crawler fleet has connections


class Ledger(Protocol):
    """A home of the ledger."""

    async def converse(self, message: Message) -> Answer:
        """Deliver one message. Raises LedgerUnreachableError if no reply came."""
        ...


class Journal(Protocol):
    """Where facts become durable."""

    async def append(self, *records: Record) -> int:
        """Return once all are durable. Raises JournalError."""
        ...


@dataclass(slots=True, eq=False)
class Waiting:
    """One ask in the queue, in the order of arrival."""

    hold: Hold
    since_ms: int
    until_ms: int
    decision: asyncio.Future[Decision]
    again_ms: int = 0  # when it is worth asking again

    def ask(self, now_ms: int) -> Ask:
        """Return it as the ledger is asked now."""
        return Ask(self.hold.amounts, patience_ms=max(0, self.until_ms - now_ms))


class Conversation:
    """See the module's first lines. Give it the state that the journal was folded into."""

    def __init__(
        self,
        contract: str,
        state: MemberState,
        *,
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        observe: Callable[[float], None],
    ) -> None:
        self.contract: Final = contract
        self._member, self._generation = state.member, state.generation
        self._state = state.contracts[contract]
        self._ledger, self._journal, self._clock, self._tasks = ledger, journal, clock, tasks
        self._observe = observe
        self._row = Row(totals=self._state.totals, spread=self._state.spread)
        self._holds: dict[str, Hold] = {}
        self._queue: deque[Waiting] = deque()
        self._seq = self._acked = 0
        self._stir = asyncio.Event()
        self._closing = False
        self._talking: asyncio.Task[None] | None = None
        self._reply: Reply | None = None
        self._replied_ms = self._stamped_ms = clock.monotonic_ms()
        self.doubt: DoubtReason | None = DoubtReason.UNREACHABLE

    async def join(self) -> None:
        """Bring the whole row, and start talking. Raises DoubtError if the ledger will not have us.

        Returns when the ledger has answered or could not be reached; in the latter case the same
        message is repeated in the background and everything is refused until it is heard.
        """
        message = self._compose(())
        message = replace(
            message,
            whole=self._state.whole_row(),
            accounts=tuple(self._state.accounts.values()),
            values=self._row.values(),
        )
        try:
            answer = await self._ledger.converse(message)
        except LedgerUnreachableError:
            self._start(message)
            return
        self._take(message, (), answer)
        if self.doubt is not None:
            raise DoubtError(
                f"the ledger of contract {self.contract!r} cannot be trusted ({self.doubt}): "
                f"{REMEDIES[self.doubt]}"
            )
        self._start(None)

    def _start(self, unanswered: Message | None) -> None:
        self._talking = self._tasks.start(self._talk(unanswered), f"conversation {self.contract}")

    async def reserve(self, hold: Hold, *, patience_ms: int) -> Decision:
        """Ask for a hold, first come first served, and wait for it up to `patience_ms`.

        The caller must `end` the hold whatever happens here, cancellation included.
        """
        if self._closing:
            return Doubted(DoubtReason.CLOSED)
        if self.doubt is not None:
            return Doubted(self.doubt)
        if len(self._queue) >= MOST_WAITING:
            return self._refused(hold, Grant(granted=False, account=hold.amounts[0][0]), 0)
        now_ms = self._clock.monotonic_ms()
        decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        waiting = Waiting(hold, now_ms, now_ms + patience_ms, decision)
        self._queue.append(waiting)
        self._stir.set()
        try:
            return await decision
        finally:
            decision.cancel()

    async def probe(self) -> DoubtReason | None:
        """Ask for a hold of nothing, through the whole path; return what stands in the way."""
        accounts = tuple((account, 0) for account in self._state.accounts)
        hold = Hold(f"probe-{secrets.token_hex(4)}", accounts)
        try:
            decision = await self.reserve(hold, patience_ms=0)
        finally:
            self.end(hold, (), lingers=False)
        return decision.reason if isinstance(decision, Doubted) else None

    def take(self, hold: Hold) -> None:
        """Hold without the ledger's leave: shadow mode records the truth and refuses nothing."""
        hold.on(Event.GRANT)
        hold.granted_ms = self._clock.monotonic_ms()
        self._keep(hold)

    def end(self, hold: Hold, amounts: Amounts, *, lingers: bool) -> None:
        """Let the hold go and tell the ledger what it was charged.

        Call it once, after the resolution is durable (invariant 1); a hold that was never granted
        is simply forgotten.
        """
        hold.on(Event.END)
        if self._holds.pop(hold.id, None) is None:
            return
        self._row.release(hold.amounts)
        self._row.charge(amounts, lingers=lingers)
        self._stir.set()

    @property
    def time_ms(self) -> int:
        """Return ledger time as of the last reply, 0 before the first."""
        return self._reply.time_ms if self._reply else 0

    def snapshot(self) -> Snapshot:
        """Return what is known now, as of the last reply."""
        reply = self._reply
        now_ms = self._clock.monotonic_ms()
        ages_ms = (now_ms - hold.granted_ms for hold in self._holds.values())
        return Snapshot(
            contract=self.contract,
            doubt=self.doubt,
            usage=reply.usage if reply else {},
            time_ms=reply.time_ms if reply else 0,
            high_ms=reply.high_ms if reply else 0,
            waiting=len(self._queue),
            holds=len(self._holds),
            oldest_hold_ms=max(ages_ms, default=None),
            stepped=reply.stepped if reply else (),
        )

    async def close(self) -> None:
        """Tell the ledger what is still untold, and stop; what it does not hear, it hears later.

        Open holds stay pending there: the next start of this member charges them.
        """
        self._closing = True
        self._stir.set()
        if self._talking is not None:
            await asyncio.wait((self._talking,), timeout=CLOSE_S)
            if not self._talking.done():
                return
        was_sure = self.doubt is None
        self._doubt_all(DoubtReason.CLOSED)
        if was_sure:
            message = self._compose(())
            with contextlib.suppress(LedgerUnreachableError):
                self._take(message, (), await self._ledger.converse(message))

    async def _talk(self, unanswered: Message | None) -> None:
        """Send one message after the other until closed; ended by a defect, refuse everything."""
        try:
            if unanswered is not None:
                self._take(unanswered, (), await self._deliver(unanswered))
            while await self._due():
                batch = self._batch()
                message = self._compose(batch)
                self._take(message, batch, await self._deliver(message))
        finally:
            if not self._closing:
                self._doubt_all(DoubtReason.CLOSED)

    async def _due(self) -> bool:
        """Wait until there is something to say, or it is time to be heard; False once closing."""
        with contextlib.suppress(Interrupted):
            await unless(self._clock.sleep_ms(self._next_ms()), self._stir.wait())
        self._stir.clear()
        return not self._closing

    def _next_ms(self) -> int:
        """Return how long the next message may wait if nothing happens."""
        if not self._queue:
            return HEARTBEAT_MS
        due_ms = min(min(each.until_ms, each.again_ms) for each in self._queue)
        return max(SOONEST_MS, min(HEARTBEAT_MS, due_ms - self._clock.monotonic_ms()))

    def _batch(self) -> tuple[Waiting, ...]:
        self._queue = deque(waiting for waiting in self._queue if not waiting.decision.done())
        return tuple(waiting for waiting, _ in zip(self._queue, range(MOST_ASKS), strict=False))

    def _compose(self, batch: tuple[Waiting, ...]) -> Message:
        self._seq += 1
        now_ms = self._clock.monotonic_ms()
        return Message(
            member=self._member,
            identity=self._state.identity,
            generation=self._generation,
            seq=self._seq,
            acked=self._acked,
            nonce=secrets.token_hex(8),
            boot_ms=self._clock.boot_ms(),
            values=self._row.untold(),
            asks=tuple(waiting.ask(now_ms) for waiting in batch),
        )

    async def _deliver(self, message: Message) -> Answer:
        """Repeat one message, byte for byte, until it is answered."""
        while True:
            began_ms = self._clock.monotonic_ms()
            try:
                answer = await self._ledger.converse(message)
            except LedgerUnreachableError:
                self._doubt_all(DoubtReason.UNREACHABLE)
                await self._clock.sleep_ms(REPEAT_MS)
                continue
            self._observe((self._clock.monotonic_ms() - began_ms) / 1_000)
            return answer

    def _take(self, message: Message, batch: tuple[Waiting, ...], answer: Answer) -> None:
        """Believe one answer to one message."""
        assert answer.nonce == message.nonce, "an answer to another message"
        match answer:
            case Reply():
                self._believe(message, batch, answer)
            case Doubt():
                self._doubt_all(answer.reason)
            case Fenced():
                self._doubt_all(DoubtReason.FENCED)
            case Stale():
                self._doubt_all(DoubtReason.ROLLED_BACK)

    def _believe(self, message: Message, batch: tuple[Waiting, ...], reply: Reply) -> None:
        self._reply, self._acked = reply, message.seq
        self._replied_ms = self._clock.monotonic_ms()
        self._note_stamps(message, reply)
        if not reply.open:
            self._doubt_all(DoubtReason.CLOSED)
            return
        if self.doubt is not DoubtReason.JOURNAL:
            self.doubt = None
        for waiting, grant in zip(batch, reply.grants, strict=True):
            self._decide(waiting, grant)
        self._queue = deque(waiting for waiting in self._queue if not waiting.decision.done())

    def _decide(self, waiting: Waiting, grant: Grant) -> None:
        """Pass one grant on. A grant that nobody waits for any more is given back."""
        hold = waiting.hold
        if grant.granted:
            self._row.granted(hold.amounts)
            if waiting.decision.done() or hold.state is not State.ASKED:
                self._stir.set()
                return
            hold.on(Event.GRANT)
            hold.granted_ms = self._replied_ms
            self._keep(hold)
            waiting.decision.set_result(Granted(self._replied_ms - waiting.since_ms))
        elif not waiting.decision.done():
            left_ms = waiting.until_ms - self._replied_ms
            refused = self._refused(hold, grant, self._replied_ms - waiting.since_ms)
            too_long = refused.retry_ms is not None and refused.retry_ms > left_ms
            if grant.never or left_ms <= 0 or too_long:
                waiting.decision.set_result(refused)
            again_ms = POLL_MS if refused.retry_ms is None else refused.retry_ms
            waiting.again_ms = self._replied_ms + again_ms

    def _refused(self, hold: Hold, grant: Grant, waited_ms: int) -> Refused:
        assert self._reply is not None
        account = grant.account or hold.amounts[0][0]
        usage = self._reply.usage[account]
        now_ms = self._reply.time_ms
        return Refused(
            grant=grant,
            usage=usage,
            retry_ms=None if grant.retry_at_ms is None else max(0, grant.retry_at_ms - now_ms),
            free_ms=None if usage.next_free_ms is None else max(0, usage.next_free_ms - now_ms),
            waited_ms=waited_ms,
        )

    def _keep(self, hold: Hold) -> None:
        self._holds[hold.id] = hold
        self._row.hold(hold.amounts)

    def _note_stamps(self, message: Message, reply: Reply) -> None:
        """Journal into which buckets growth went; if this is lost it is stamped again, later."""
        grew = self._row.acknowledge(message.values)
        due = self._replied_ms - self._stamped_ms >= STAMP_EVERY_MS
        if not (grew or due or message.whole):
            return
        self._stamped_ms = self._replied_ms
        record = Stamped(
            contract=self.contract,
            seq=message.seq,
            spread=grew,
            time_ms=reply.time_ms,
            high_ms=reply.high_ms,
            store_offset_ms=reply.store_offset_ms,
            boot_offset_ms=reply.boot_offset_ms,
        )
        self._tasks.start(self._append(record), "journal stamp")

    async def _append(self, record: Record) -> None:
        try:
            await self._journal.append(record)
        except JournalError:
            self._doubt_all(DoubtReason.JOURNAL)

    def _doubt_all(self, reason: DoubtReason) -> None:
        """Refuse everything that waits, and everything to come until a reply is believed.

        A journal that failed stays failed: no reply can mend it.
        """
        if self.doubt is not DoubtReason.JOURNAL:
            self.doubt = reason
        for waiting in self._queue:
            if not waiting.decision.done():
                waiting.decision.set_result(Doubted(reason))
