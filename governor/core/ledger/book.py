"""The ledger as a pure Python book: one contract's accounts, rows and time, and how it answers.

The same conversation is held by `lua/converse.lua` in Redis, step by step; `tests/conformance`
holds the two against each other. The order of the steps is the protocol, and each step that can
fail stands before the first one that writes, because a Lua script that fails half-way keeps what
it wrote:

    keys and eviction policy -> sound -> identity -> standing, generation, seq -> rules and values
    -> a repeated seq is answered with its stored reply                         (so far: checks)
    -> row of a new start or epoch -> clocks -> free -> whole row -> open, if it was closed and all
    have spoken -> growth into the bucket of H -> asks, in order -> last word -> recount

Why no limiter that we know of can be used instead: the platform may count a request at any instant
between its first byte and its last. So a hold is `pending`, without any clock, until its answer has
ended, and is charged at that end; a sum that never falls below what the platform may have counted
is the whole proof (design, section 1).

`loss` has what only happens when somebody's word about the ledger is taken: its loss, a death.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from governor.core.ledger.accounts import AccountState, stricter
from governor.core.ledger.agreeing import going_on, periods_agree, rules_agree
from governor.core.ledger.grants import decide
from governor.core.ledger.members import NOTHING, Members, RowState, none_shrank
from governor.core.ledger.messages import (
    LAXEST,
    Answer,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Leniency,
    Message,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from governor.core.ledger.opening import awaited, reopen
from governor.core.ledger.periods import Turns, shown
from governor.core.ledger.recount import Recount
from governor.core.ledger.ring import Ring
from governor.core.ledger.roster import MemberStanding
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.core.ledger.clocks import Clocks
    from governor.core.ledger.messages import Account
    from governor.core.ledger.periods import Dates, Span
    from governor.core.ledger.roster import RosterEntry


class Book:
    """One contract's ledger in process. `identity.run_id` names this very object.

    `sound` is False while a step that writes is under way, and after a recount that did not add
    up. `opens_ms`: ledger time before which a closed book does not open; `vouched`: whether
    somebody knows that whoever had left before the loss has not come back.
    """

    def __init__(self, accounts: Iterable[Account], *, identity: Identity, clocks: Clocks) -> None:
        self.identity = identity
        self.clocks = clocks
        self.open = self.sound = True
        self.awaits_word = self.vouched = False
        self.opens_ms = 0
        self.leniency: Leniency = LAXEST
        self.members = Members()
        self.accounts: dict[str, AccountState] = {}
        self.calendars: dict[str, Turns] = {}
        self.recount = Recount(clocks.time_ms)
        self.admit(accounts)

    @property
    def epoch(self) -> int:
        """Return the epoch: rows brought whole under it count."""
        return self.identity.epoch

    def admit(self, accounts: Iterable[Account]) -> tuple[str, ...]:
        """Allocate accounts that are new, keep the stricter limit of known ones; name the new."""
        new = []
        for account in accounts:
            known = self.accounts.get(account.name)
            if known is None:
                ring = Ring(self._span(account), self.clocks.time_ms)
                self.accounts[account.name] = AccountState(account.limit, ring, unit=account.unit)
                new.append(account.name)
            else:
                known.limit = stricter(known.limit, account.limit)
        return tuple(new)

    def _span(self, account: Account) -> Span:
        """Return what an account counts by: accounts of one calendar turn together."""
        if not account.calendar:
            return Window(account.window_ms)
        new = Turns(account.calendar, account.window_ms)
        return self.calendars.setdefault(account.calendar, new)

    def converse(self, message: Message, *, store_ms: int) -> Answer:
        """Answer one message. `store_ms` is a reading of the clock beside this book."""
        row = self.members.rows.get(message.member)
        refusal = self._refusal(message, row, store_ms)
        if refusal is not None:
            return refusal
        if row is not None and self._is_same(message, row) and message.seq == row.seq:
            return row.reply or Stale(message.nonce)
        self.sound = False
        self.admit(message.accounts)
        self.leniency &= message.leniency
        row = self._seat(message, row)
        stepped = self._read_clocks(message, row, store_ms)
        if message.whole is not None:
            self._replace(row, message.whole)
        if not self.open:
            reopen(self)
        if self.open:
            self._grow(row, message.values)
        else:
            self._hold(row, message.values)
        grants = self._decide(message.asks, row)
        if message.leaving:
            self._take_leave(row)
        self.sound = self.recount.adds_up(self)
        if not self.sound:
            return self._doubt(message, DoubtReason.MISCOUNTED)
        row.seq = message.seq
        row.reply = replace(self._reply(message, row, grants), stepped=stepped, store_ms=store_ms)
        return row.reply

    def _doubt(self, message: Message, reason: DoubtReason) -> Doubt:
        return Doubt(message.nonce, reason, self.identity)

    def _is_same(self, message: Message, row: RowState) -> bool:
        """Say whether this row is the sender's own of this start, brought under this epoch."""
        return row.generation == message.generation and row.epoch == self.epoch

    def _refusal(self, message: Message, row: RowState | None, store_ms: int) -> Answer | None:
        """Return why this message may change nothing, if so."""
        if not self.sound:
            return self._doubt(message, DoubtReason.MISCOUNTED)
        if message.identity != self.identity:
            return self._doubt(message, DoubtReason.FOREIGN)
        if row is None:
            if message.whole is None:
                return self._doubt(message, DoubtReason.UNKNOWN_ROW)
        elif (refusal := self._unheard(message, row)) is not None:
            return refusal
        return self._disagrees(message, store_ms) or self._forgets(message, row)

    def _unheard(self, message: Message, row: RowState) -> Answer | None:
        """Return why a member that has a row is not heard, if so."""
        if row.standing is MemberStanding.RETIRED:
            return self._doubt(message, DoubtReason.RETIRED)
        if message.generation < row.generation:
            return Fenced(message.nonce)
        if self._is_same(message, row):
            if row.seq < message.acked:
                return self._doubt(message, DoubtReason.ROLLED_BACK)
        elif message.whole is None:
            return self._doubt(message, DoubtReason.UNKNOWN_ROW)
        if message.generation == row.generation:
            if message.seq < row.seq:
                return Stale(message.nonce)
            if row.standing is MemberStanding.LEFT and message.seq > row.seq:
                return Fenced(message.nonce)
        return None

    def _disagrees(self, message: Message, store_ms: int) -> Doubt | None:
        """Return a doubt if the sender counts other accounts, or by other days."""
        calendars = going_on(message, self.calendars, resumes=not self.open)
        now_ms = self._resumed(message).time_ms
        if not rules_agree(message, self.accounts, calendars, now_ms=now_ms):
            return self._doubt(message, DoubtReason.RULES)
        if not periods_agree(message, self.accounts, calendars, store_ms=store_ms):
            return self._doubt(message, DoubtReason.CALENDAR)
        return None

    def _forgets(self, message: Message, row: RowState | None) -> Doubt | None:
        """Return a doubt if what only ever grows has shrunk.

        A whole row is measured against the ledger's too, counting or not: what was told was
        durable before, so a journal that knows less was put back from a copy, or lost a commit.
        One that ends too early may have forgotten holds, of which nothing was charged yet.
        """
        told: Mapping[str, RowValue] = row.values if row is not None else {}
        if row is not None and row.epoch == self.epoch and 0 < message.kept_ms < row.kept_ms:
            return self._doubt(message, DoubtReason.BEHIND)
        spread = told if message.whole is None else message.whole.spread
        if not none_shrank(spread, message.values, message.values):
            return self._doubt(message, DoubtReason.ROLLED_BACK)
        if message.whole is not None and not none_shrank(told, message.values, told):
            return self._doubt(message, DoubtReason.BEHIND)
        return None

    def _seat(self, message: Message, row: RowState | None) -> RowState:
        """Return the sender's row: a fresh one for a new start, or a new epoch.

        What was left in it stays until the whole row takes its place.
        """
        if row is None or not self._is_same(message, row):
            assert message.whole is not None
            clock = 0 if self.open else self.clocks.rebased  # a journal's is from the beginning
            row = self.members.seat(message.member, message.generation, self.epoch, clock)
            row.boot_offset_ms = message.whole.boot_offset_ms
            row.joined = self.members.changed()
        if not self.open and message.whole is not None:
            self.meet(entry for entry in message.whole.roster if entry.member != message.member)
        if message.anchor:
            row.boot_offset_ms = None
        row.roster, row.kept_ms = message.roster, message.kept_ms
        return row

    def _resumed(self, message: Message) -> Clocks:
        """Return the clocks as they resume: a lost ledger goes on from the highest journaled time.

        An open one never does. It has told nobody a time that it has not reached, so a journal
        that is ahead of it was written by a clock, and one wrong clock would free everything.
        """
        if message.whole is None or self.open:
            return self.clocks
        return self.clocks.resumed(message.whole.time_ms, message.whole.high_ms)

    def _read_clocks(self, message: Message, row: RowState, store_ms: int) -> tuple[str, ...]:
        """Let time pass, and free what it frees; return the clocks that were stepped.

        While the ledger is closed every journal may raise its time: that is no step of a clock.
        """
        tolerance_ms = min(state.ring.window.tolerance_ms for state in self.accounts.values())
        resumed = self._resumed(message)
        self.opens_ms += resumed.time_ms - self.clocks.time_ms
        self.clocks, row.boot_offset_ms, stepped = resumed.read(
            store_ms=store_ms,
            boot_ms=message.boot_ms,
            boot_offset_ms=row.boot_offset_ms,
            tolerance_ms=tolerance_ms,
            is_current=row.clock == resumed.rebased,
        )
        row.clock = resumed.rebased
        row.heard_ms = self.clocks.time_ms
        # Of one that names no periods nobody has looked whether its date fits.
        row.date_ms = message.date_ms if message.periods else 0
        if self.calendars:
            self._let_turn(message, row, store_ms)
        for state in self.accounts.values():
            state.ring.free(self.clocks.time_ms)
        return stepped if self.open else ()

    def _let_turn(self, message: Message, row: RowState, store_ms: int) -> None:
        """Let periods give way to later ones that have begun by all dates; see `periods`."""
        if message.whole is not None and not self.open:
            for text, turns in self.calendars.items():
                turns.resume(message.whole.periods.get(text))
        named = {text: (before, running) for text, before, running in message.periods}
        dates = self.dates(row, store_ms, message.date_ms)
        for text, turns in self.calendars.items():
            turns.turn(dates, named.get(text, ()), is_open=self.open)
            turns.look(dates, named.get(text, ()), time_ms=self.clocks.time_ms)

    def dates(self, row: RowState, store_ms: int, date_ms: int = 0) -> Dates:
        """Return the dates shown by these clocks, and by the members heard of late but for one."""
        others = (each for each in self.members.counting(self.epoch) if each is not row)
        return shown(store_ms, others, time_ms=self.clocks.time_ms, date_ms=date_ms)

    def _replace(self, row: RowState, whole: WholeRow) -> None:
        """Put a whole row in the place of the old one, never field by field."""
        self._uncount(row)
        row.values = {account: replace(value, pending=0) for account, value in whole.spread.items()}
        row.buckets = {account: dict(buckets) for account, buckets in whole.buckets.items()}
        self.count(row)

    def count(self, row: RowState) -> None:
        """Add a row to the sums."""
        self._add_up(row, 1)

    def meet(self, entries: Iterable[RosterEntry]) -> None:
        """Learn of members from a journal; a row that is older than its report counts no more."""
        for outdated in self.members.meet(entries, epoch=self.epoch):
            self._uncount(outdated)

    def _uncount(self, row: RowState) -> None:
        """Take a row out of the sums."""
        self._add_up(row, -1)

    def _add_up(self, row: RowState, sign: int) -> None:
        for account, value in row.values.items():
            self.accounts[account].pending += sign * value.pending
        for account, buckets in row.buckets.items():
            for bucket, posts in buckets.items():
                self.accounts[account].ring.add(bucket, sign * posts, self.clocks.time_ms)

    def _grow(self, row: RowState, values: Mapping[str, RowValue]) -> None:
        """Take the row's new values; stamp growth into the bucket of H, lingering ones later."""
        for account, value in values.items():
            before = row.values.get(account, NOTHING)
            state = self.accounts[account]
            state.pending += value.pending - before.pending
            window, high_ms = state.ring.window, self.clocks.high_ms
            charged, lingered = window.charged_in(high_ms), window.lingered_in(high_ms)
            self.stamp(row, account, value.charged - before.charged, charged)
            self.stamp(row, account, value.lingered - before.lingered, lingered)
            row.values[account] = value

    def _hold(self, row: RowState, values: Mapping[str, RowValue]) -> None:
        """Take the row's new values while closed, and hold growth instead of stamping it.

        Somebody's journal may yet raise the time, and what was stamped before would free too early.
        It is told again until the ledger is open.
        """
        for account, value in values.items():
            before = row.values.get(account, NOTHING)
            grown = value.charged - before.charged + value.lingered - before.lingered
            pending = value.pending + grown
            self.accounts[account].pending += pending - before.pending
            row.values[account] = replace(before, pending=pending)

    def stamp(self, row: RowState, account: str, posts: int, bucket: int) -> None:
        """Charge posts to a row and to its account's sum, in a bucket."""
        if posts == 0:
            return
        self.accounts[account].ring.add(bucket, posts, self.clocks.time_ms)
        buckets = row.buckets.setdefault(account, {})
        buckets[bucket] = buckets.get(bucket, 0) + posts

    def _take_leave(self, row: RowState) -> None:
        """Note the last word of a member that holds nothing any more."""
        if row.pending:
            return
        row.standing, row.final = MemberStanding.LEFT, True
        row.frees_ms = row.frees_at(self.accounts, self.clocks.time_ms)
        self.members.changed()

    def _decide(self, asks: tuple[Ask, ...], row: RowState) -> tuple[Grant, ...]:
        """Grant what fits, unless somebody does not know yet that this member joined."""
        may = self.open and self.members.all_know(row, epoch=self.epoch, now_ms=self.clocks.time_ms)
        if not may:
            return (Grant(granted=False),) * len(asks)
        grants = decide(asks, self.accounts, now_ms=self.clocks.time_ms)
        for ask, grant in zip(asks, grants, strict=True):
            for account, posts in ask.amounts if grant.granted else ():
                value = row.values.get(account, NOTHING)
                row.values[account] = replace(value, pending=value.pending + posts)
        return grants

    def _reply(self, message: Message, row: RowState, grants: tuple[Grant, ...]) -> Reply:
        assert row.boot_offset_ms is not None
        return Reply(
            nonce=message.nonce,
            seq=message.seq,
            identity=self.identity,
            time_ms=self.clocks.time_ms,
            high_ms=self.clocks.high_ms,
            store_offset_ms=self.clocks.store_offset_ms,
            boot_offset_ms=row.boot_offset_ms,
            open=self.open,
            grants=grants,
            usage={
                name: Usage(
                    state.ring.charged, state.pending, state.limit, state.ring.next_free_ms()
                )
                for name, state in self.accounts.items()
            },
            roster=None if message.roster == self.members.version else self.members.roster(),
            leniency=self.leniency,
            awaiting=() if self.open else awaited(self),
            awaits_word=self.awaits_word,
            periods={text: turns.dated for text, turns in self.calendars.items() if turns.dated},
        )
