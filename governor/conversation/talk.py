"""The conversation itself: what a member asks and tells, and what it makes of each answer.

Read `_speak` first, then what it calls: it is one message and all that may follow from its answer.

    Reply             the row is acknowledged, a new roster journaled, and then each ask decided
    a loss            it is declared, the ledger that takes its place journaled, the row brought
    unknown row       the row is brought
    another doubt     it stays, and the same is asked again: waiting, or an operator, may mend it
    no answer         the message is abandoned, and the next one says all of it anew

While in doubt every ask is refused at once. Fenced, declared dead, or with a journal that failed,
this process has nothing more to say, and says nothing more.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Final

from governor.conversation.composing import Composer
from governor.conversation.desk import Desk
from governor.conversation.keeping import Keeper
from governor.conversation.noticing import adoption, binds_unheard_of, noticed, turned
from governor.conversation.parts import Unobserved, no_periods
from governor.conversation.trust import FINAL, Trust
from governor.conversation.vigil import Vigil
from governor.core.ledger.decisions import (
    LOSSES,
    NEEDS_OPERATOR,
    REMEDIES,
    Decision,
    Doubted,
    Snapshot,
)
from governor.core.ledger.holds import Hold
from governor.core.ledger.messages import LAXEST, Doubt, DoubtReason, Reply
from governor.core.ledger.records import Rostered, Stamped
from governor.errors import DoubtError, LedgerUnreachableError, OperatorError
from governor.recovery import loss
from governor.tasks import Interrupted, Tasks, unless

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.conversation.parts import Journal, Ledger, Observer, Periods
    from governor.conversation.waiting import Waiting
    from governor.core.ledger.messages import Fenced, Leniency, Loss, Message, Stale
    from governor.core.ledger.records import Amounts, Record
    from governor.core.ledger.roster import Roster
    from governor.core.ledger.state import MemberState

HEARTBEAT_MS = 1_000  # T must not grow stale: a joiner's clock is anchored at it
SOONEST_MS = 5  # between two messages that nothing but time calls for
RETRY_MS = 200  # after a message that was not answered; the store waits for its connection
STAMP_EVERY_MS = 10_000  # T and H are journaled at least this often: after a loss they resume there
VOUCHING_MS = 5_000  # half of what a join waits for who is silent: a reply takes its time too
CLOSE_S = 3  # a reply takes at most 2 s; longer and the ledger is away
JOINING = 4  # messages at a start: a loss, another one meanwhile, the row, the roster's receipt


class Conversation:
    """See the package's first lines. Give it the state that the journal was folded into.

    It keeps that state up to date with what it journals itself. `members` are all who share the
    ledger, if the configuration names them.
    """

    def __init__(  # noqa: PLR0913  # all that it talks to, by name
        self,
        contract: str,
        state: MemberState,
        *,
        ledger: Ledger,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        observe: Observer | None = None,
        heartbeat_ms: int = HEARTBEAT_MS,
        members: tuple[str, ...] = (),
        periods: Periods = no_periods,
    ) -> None:
        self.contract: Final = contract
        self._member, self._known = state.member, state.contracts[contract]
        self._ledger, self._clock, self._tasks = ledger, clock, tasks
        self._observe: Observer = observe or Unobserved()
        self._heartbeat_ms, self._members = heartbeat_ms, members
        self._stir = asyncio.Event()
        self._composer = Composer(contract, state, clock=clock, members=members, periods=periods)
        self._desk = Desk(self._composer.row, clock, self._stir)
        self._keeper = Keeper(journal, state, clock)
        self._vigil = Vigil(clock, self._keeper)
        self._trust = Trust(clock, self._observe)
        self._reply: Reply | None = None
        self._stamped_ms = clock.monotonic_ms()
        self._closing = False
        self._running: tuple[asyncio.Task[None], ...] = ()

    @property
    def doubt(self) -> DoubtReason | None:
        """Why nothing is sent; None while the ledger's word is believed."""
        return self._trust.doubt

    @property
    def time_ms(self) -> int:
        """Ledger time as of the last reply, 0 before the first."""
        return self._reply.time_ms if self._reply else 0

    @property
    def silent_ms(self) -> int:
        """How long ago the ledger last replied, by the boot clock."""
        return self._vigil.silent_ms

    @property
    def leniency(self) -> Leniency:
        """In what the rules may be lax, as of the last reply: the strictest shown to the ledger."""
        return self._known.leniency & (self._reply.leniency if self._reply else LAXEST)

    async def join(self) -> None:
        """Bring the whole row, and start talking. Raises DoubtError if an operator is needed.

        Returns with the ledger open, or closed by a loss, or unreachable; then everything is
        refused until it opens.
        """
        for _ in range(JOINING):
            await self._speak(())
            if not self._stir.is_set():
                break
        if self.doubt in NEEDS_OPERATOR:
            raise DoubtError(
                f"the ledger of contract {self.contract!r} cannot be trusted ({self.doubt}): "
                f"{REMEDIES[self.doubt]}"
            )
        self._running = (
            self._tasks.start(self._talk(), f"conversation {self.contract}"),
            self._tasks.start(self._vigil.watch(self._heartbeat_ms), f"vigil {self.contract}"),
        )

    async def severed(self) -> None:
        """Return when all that is on its way upstream must be let go of (invariant 5).

        That is after a minute without a reply, or with a journal that owes a commit for as long,
        or when this member was fenced: a later start took over, or an operator declared it dead.
        """
        await self._vigil.severed()

    async def reserve(self, hold: Hold, *, patience_ms: int, flowing: bool = False) -> Decision:
        """Ask for a hold, first come first served, and wait for it up to `patience_ms`.

        Who asks more for an answer that is `flowing` comes before all who have not begun.
        The caller must `end` the hold whatever happens here, cancellation included.
        """
        if self._closing:
            return Doubted(DoubtReason.CLOSED)
        if self.doubt is not None:
            return Doubted(self.doubt)
        return await self._desk.reserve(hold, patience_ms, flowing=flowing)

    async def probe(self) -> DoubtReason | None:
        """Ask for a hold of nothing, through the whole path; return what stands in the way."""
        accounts = tuple((account, 0) for account in self._known.accounts)
        hold = Hold(f"probe-{secrets.token_hex(4)}", accounts)
        try:
            decision = await self.reserve(hold, patience_ms=0)
        finally:
            self.end(hold, (), lingers=False)
        return decision.reason if isinstance(decision, Doubted) else None

    def take(self, hold: Hold) -> None:
        """Hold without the ledger's leave: shadow mode records the truth and refuses nothing."""
        self._desk.take(hold)

    def end(self, hold: Hold, amounts: Amounts, *, lingers: bool) -> None:
        """Let the hold go and tell the ledger what it was charged.

        Call it once, after the resolution is durable (invariant 1); a hold that was never granted
        is simply forgotten.
        """
        self._desk.end(hold, amounts, lingers=lingers)

    def snapshot(self) -> Snapshot:
        """Return what is known now, as of the last reply."""
        reply = self._reply
        return Snapshot(
            contract=self.contract,
            doubt=self.doubt,
            usage=reply.usage if reply else {},
            time_ms=self.time_ms,
            high_ms=reply.high_ms if reply else 0,
            waiting=len(self._desk.queue),
            holds=len(self._desk),
            oldest_hold_ms=self._desk.oldest_hold_ms,
            stepped=reply.stepped if reply else (),
            doubt_ms=self._trust.doubt_ms,
            members=tuple(entry.member for entry in self._known.roster),
            awaiting=reply.awaiting if reply else (),
            awaits_word=reply.awaits_word if reply else False,
        )

    async def close(self) -> None:
        """Tell the ledger what is still untold, take leave if nothing is pending, and stop.

        Open holds stay pending there: the next start of this member charges them. What the ledger
        does not hear now, it hears then.
        """
        self._closing = True
        self._stir.set()
        is_silent = await self._stop()
        self._desk.dismiss(DoubtReason.CLOSED)
        if is_silent and self.doubt in (None, DoubtReason.CLOSED):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._take_leave(), CLOSE_S)

    async def _take_leave(self) -> None:
        """Say the last word; with the whole row, if the ledger is found lost. All wait for that."""
        for _ in range(JOINING):
            await self._speak((), leaving=self._composer.row.is_idle)
            if not self._composer.brings_whole:
                break

    async def _stop(self) -> bool:
        """End what runs beside; return False if a message is still under way."""
        if not self._running:
            return True
        talking, watching = self._running
        watching.cancel()
        ended, _ = await asyncio.wait((talking,), timeout=CLOSE_S)
        return bool(ended)

    async def _talk(self) -> None:
        """Send one message after the other until closed; ended by a defect, refuse everything."""
        try:
            while await self._due():
                await self._speak(self._desk.queue.batch())
        finally:
            if not self._closing:
                self._mistrust(DoubtReason.CLOSED, for_good=True)

    async def _due(self) -> bool:
        """Wait until there is something to say, or it is time to be heard; False at the end."""
        if self._closing or self._trust.is_final:
            return False
        if self.doubt is DoubtReason.UNREACHABLE:
            await self._clock.sleep_ms(RETRY_MS)
        else:
            with contextlib.suppress(Interrupted):
                await unless(self._clock.sleep_ms(self._pause_ms()), self._stir.wait())
        return not self._closing

    def _pause_ms(self) -> int:
        """Return how long the next message may wait if nothing happens."""
        due_ms = self._desk.queue.due_ms()
        if due_ms is None:
            return self._heartbeat_ms
        return max(SOONEST_MS, min(self._heartbeat_ms, due_ms - self._clock.monotonic_ms()))

    async def _speak(self, batch: tuple[Waiting, ...], *, leaving: bool = False) -> None:
        """Say one message, and believe or doubt what is answered."""
        began_ms = self._clock.monotonic_ms()
        self._stir.clear()
        asks = tuple(waiting.ask(began_ms) for waiting in batch)
        message = self._composer.compose(asks, leaving=leaving)
        try:
            answer = await self._ledger.converse(message)
        except LedgerUnreachableError:
            self._composer.abandon(message)
            self._mistrust(DoubtReason.UNREACHABLE)
            return
        assert answer.nonce == message.nonce, "an answer to another message"
        self._observe.answered((self._clock.monotonic_ms() - began_ms) / 1_000)
        if isinstance(answer, Reply):
            await self._believe(message, batch, answer)
        else:
            await self._disbelieve(message, answer)

    async def _believe(self, message: Message, batch: tuple[Waiting, ...], reply: Reply) -> None:
        """Take a reply's word: first what the ledger knows now, then what it grants."""
        before, self._reply = self._reply, reply
        self._vigil.hear()
        for clock in reply.stepped:
            self._observe.stepped(clock)
        self._note_stamps(message, reply)
        self._desk.note_grants(batch, reply)
        if reply.roster is not None and not await self._meet(reply.roster):
            return
        boot_ms = self._clock.boot_ms()
        for news in noticed(self.contract, self._known, before, reply, boot_ms=boot_ms):
            if not await self._is_durable(news):
                return
        if not reply.open:
            self._mistrust(DoubtReason.CLOSED)
            self._trust.await_all(reply.awaiting, word=reply.awaits_word)
        elif binds_unheard_of(self._known, reply):
            self._mistrust(DoubtReason.RULES)
        else:
            self._trust.regain()
            self._desk.decide(batch, reply)
        if reply.roster is not None or self._composer.is_urgent:
            self._stir.set()

    async def _disbelieve(self, message: Message, answer: Doubt | Fenced | Stale) -> None:
        """Take a refusal's word: recover from a loss, or let the doubt stand.

        Nobody but another process that took this state directory for its own can have said later
        messages of this start (Stale). Twice in a row a recovery waits like everything else: the
        ledger may be lost again and again.
        """
        reason = answer.reason if isinstance(answer, Doubt) else DoubtReason.FENCED
        is_new = reason is not self.doubt
        self._mistrust(reason)
        if reason is DoubtReason.ERROR:
            self._composer.abandon(message)  # a script that fails half-way keeps what it wrote
        if reason in LOSSES:
            recovered = await self._adopt()
        else:
            recovered = reason is DoubtReason.UNKNOWN_ROW
        if recovered:
            self._composer.bring_whole()
            if is_new:
                self._stir.set()

    async def _adopt(self) -> bool:
        """Declare the ledger lost, and journal which one takes its place."""
        known = self._known
        try:
            identity = await self._ledger.declare(self._loss())
        except LedgerUnreachableError:
            self._mistrust(DoubtReason.UNREACHABLE)
            return False
        except OperatorError:
            self._mistrust(DoubtReason.ERROR)
            return False
        boot_ms = self._clock.boot_ms()
        return await self._is_durable(adoption(self.contract, known, identity, boot_ms=boot_ms))

    def _loss(self) -> Loss:
        """Return the loss of the ledger that the journal knows.

        Whoever joins waits for those who are heard: if we were, we vouch that nobody came back.
        """
        heard = self._reply is not None and self._reply.identity == self._known.identity
        vouches = heard and self._vigil.silent_ms <= VOUCHING_MS
        return loss(self._known, members=self._members, vouches=vouches)

    async def _meet(self, roster: Roster) -> bool:
        """Journal who has a row, before any grant is used: after a loss they must all restore."""
        before = {entry.member for entry in self._known.roster} | {self._member}
        if not await self._is_durable(Rostered(self.contract, roster.version, roster.entries)):
            return False
        now = {entry.member for entry in roster.entries} | {self._member}
        if now != before:
            self._observe.met(tuple(sorted(now - before)), tuple(sorted(before - now)))
        return True

    async def _is_durable(self, record: Record) -> bool:
        """Journal what must be durable before the next step; say whether it is."""
        if await self._keeper.keep_soon(record):
            return True
        self._mistrust(DoubtReason.JOURNAL, for_good=self._keeper.broken)
        return False

    def _note_stamps(self, message: Message, reply: Reply) -> None:
        """Journal into which buckets growth went; if this is lost it is stamped again, later."""
        grew = self._composer.acknowledge(message, reply)
        now_ms = self._clock.monotonic_ms()
        due = now_ms - self._stamped_ms >= STAMP_EVERY_MS and not self._keeper.owed_ms()
        wall_offset_ms = self._wall_offset_ms(reply)
        if not (grew or due or message.whole or turned(self._known, reply, wall_offset_ms)):
            return
        self._stamped_ms = now_ms
        record = Stamped(
            contract=self.contract,
            seq=message.seq,
            spread=grew,
            time_ms=reply.time_ms,
            high_ms=reply.high_ms,
            store_offset_ms=reply.store_offset_ms,
            boot_offset_ms=reply.boot_offset_ms,
            wall_offset_ms=wall_offset_ms,
            periods=tuple(reply.periods.items()),
        )
        self._tasks.start(self._stamp(record), "journal stamp")

    def _wall_offset_ms(self, reply: Reply) -> int | None:
        """Return by how much the wall clock is ahead of ledger time, if it is known to be right."""
        if not self._clock.synchronised():
            return None
        return self._clock.wall_ms() - reply.time_ms

    async def _stamp(self, record: Stamped) -> None:
        if not await self._keeper.keep(record):
            self._mistrust(DoubtReason.JOURNAL, for_good=True)

    def _mistrust(self, reason: DoubtReason, *, for_good: bool = False) -> None:
        """Refuse everything that waits, and everything to come until a reply is believed."""
        self._stir.clear()
        self._trust.lose(reason, for_good=for_good)
        self._desk.dismiss(self.doubt or reason)
        if reason in FINAL:
            self._vigil.fence()
