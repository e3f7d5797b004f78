"""The ledger as a pure Python book: one contract's accounts, rows and time, and how it answers.

The same conversation is held by `lua/converse.lua` in Redis, step by step; `tests/conformance`
holds the two against each other. The order of the steps is the protocol, and each step that can
fail stands before the first one that writes, because a Lua script that fails half-way keeps what
it wrote:

    keys and eviction policy -> identity -> generation -> seq -> rules and values      (checks)
    -> a repeated seq is answered with its stored reply
    -> clocks -> free -> whole row -> growth into the bucket of H -> asks, in order -> recount

Why no limiter that we know of can be used instead: the platform may count a request at any instant
between its first byte and its last. So a hold is `pending`, without any clock, until its answer has
ended, and is charged at that end; a sum that never falls below what the platform may have counted
is the whole proof (design, section 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from governor.core.ledger.messages import (
    Account,
    Answer,
    Ask,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Message,
    Reply,
    RowValue,
    Stale,
    Usage,
    WholeRow,
)
from governor.core.ledger.ring import Ring
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.core.ledger.clocks import Clocks

RECOUNT_MS = 30_000  # every account's turn comes within this and a heartbeat: twice a minute
NOTHING = RowValue()


@dataclass(slots=True)
class AccountState:
    """One account's rule and its sums over all rows."""

    limit: int | None
    ring: Ring
    pending: int = 0

    @property
    def usage(self) -> int:
        """Charged and held posts: what the platform may have counted in the last window."""
        return self.ring.charged + self.pending

    def shortage(self, posts: int) -> int:
        """Return how many posts must free before `posts` more fit; at most 0 when they do."""
        return -posts if self.limit is None else self.usage + posts - self.limit


@dataclass(slots=True)
class RowState:
    """One member's row: only it writes this, and only its highest generation does."""

    generation: int
    boot_offset_ms: int | None
    seq: int = 0
    reply: Reply | None = None
    values: dict[str, RowValue] = field(default_factory=dict)
    buckets: dict[str, dict[int, int]] = field(default_factory=dict)


class Book:
    """One contract's ledger in process. `identity.run_id` names this very object."""

    def __init__(self, accounts: Iterable[Account], *, identity: Identity, clocks: Clocks) -> None:
        self.identity = identity
        self.clocks = clocks
        self.open = True
        self._rows: dict[str, RowState] = {}
        self._accounts: dict[str, AccountState] = {}
        self._recounted_ms = clocks.time_ms
        self._turn = 0
        self.admit(accounts)

    def admit(self, accounts: Iterable[Account]) -> tuple[str, ...]:
        """Allocate accounts that are new, keep the stricter limit of known ones; name the new."""
        new = []
        for account in accounts:
            known = self._accounts.get(account.name)
            if known is None:
                ring = Ring(Window(account.window_ms), self.clocks.time_ms)
                self._accounts[account.name] = AccountState(account.limit, ring)
                new.append(account.name)
            else:
                known.limit = stricter(known.limit, account.limit)
        return tuple(new)

    def converse(self, message: Message, *, store_ms: int) -> Answer:
        """Answer one message. `store_ms` is a reading of the clock beside this book."""
        row = self._rows.get(message.member)
        refusal = self._refusal(message, row)
        if refusal is not None:
            return refusal
        if row is not None and message.generation == row.generation and message.seq == row.seq:
            return row.reply or Stale(message.nonce)
        self.admit(message.accounts)
        if row is None or message.generation > row.generation:
            row = self._succeed(message, row)
        stepped = self._read_clocks(message, row, store_ms)
        if message.whole is not None:
            self._replace(row, message.whole)
        self._grow(row, message.values)
        grants = self._decide(message.asks, row)
        if not self._recount():
            return self._doubt(message, DoubtReason.MISCOUNTED)
        row.seq = message.seq
        row.reply = replace(self._reply(message, row, grants), stepped=stepped, store_ms=store_ms)
        return row.reply

    def _doubt(self, message: Message, reason: DoubtReason) -> Doubt:
        return Doubt(message.nonce, reason, self.identity)

    def _refusal(self, message: Message, row: RowState | None) -> Answer | None:
        """Return why this message may change nothing, if so."""
        if message.identity != self.identity:
            return self._doubt(message, DoubtReason.FOREIGN)
        if row is not None and message.generation < row.generation:
            return Fenced(message.nonce)
        same = row is not None and message.generation == row.generation
        if message.whole is None and not same:
            return self._doubt(message, DoubtReason.UNKNOWN_ROW)
        if same and row is not None:
            if row.seq < message.acked:
                return self._doubt(message, DoubtReason.ROLLED_BACK)
            if message.seq < row.seq:
                return Stale(message.nonce)
        if not self._rules_agree(message):
            return self._doubt(message, DoubtReason.RULES)
        if not self._values_grow(message, row):
            return self._doubt(message, DoubtReason.ROLLED_BACK)
        return None

    def _rules_agree(self, message: Message) -> bool:
        """Say whether all accounts named are known: a share may be new, a limit may not.

        A window must be as it was, and every bucket brought must have a place in its ring.
        """
        windows = {name: state.ring.window for name, state in self._accounts.items()}
        for account in message.accounts:
            known = windows.get(account.name)
            if known is None and not account.is_share:
                return False
            if known is not None and known.window_ms != account.window_ms:
                return False
            windows[account.name] = Window(account.window_ms)
        named = {account for ask in message.asks for account, _ in ask.amounts} | {*message.values}
        if message.whole is None:
            return named <= windows.keys()
        named |= message.whole.spread.keys() | message.whole.buckets.keys()
        now_ms = self._resumed(message).time_ms
        return named <= windows.keys() and all(
            windows[account].in_ring(bucket, now_ms)
            for account, buckets in message.whole.buckets.items()
            for bucket in buckets
        )

    def _values_grow(self, message: Message, row: RowState | None) -> bool:
        """Say whether all that only ever grows has not shrunk.

        A whole row is measured against the ledger's too: what was told was durable before, so a
        journal that knows less was put back from a copy, or lost a commit.
        """
        told: Mapping[str, RowValue] = row.values if row is not None else {}
        if message.whole is None:
            return _none_shrank(told, message.values, message.values)
        return _none_shrank(message.whole.spread, message.values, message.values) and (
            _none_shrank(told, message.values, told)
        )

    def _succeed(self, message: Message, row: RowState | None) -> RowState:
        """Open the row of a new generation; its whole row will replace what was left."""
        assert message.whole is not None
        successor = RowState(message.generation, message.whole.boot_offset_ms)
        if row is not None:
            successor.values, successor.buckets = row.values, row.buckets
        self._rows[message.member] = successor
        return successor

    def _resumed(self, message: Message) -> Clocks:
        """Return the clocks as they resume: a lost ledger goes on from the highest journaled time.

        An open one never does. It has told nobody a time that it has not reached, so a journal
        that is ahead of it was written by a clock, and one wrong clock would free everything.
        """
        if message.whole is None or self.open:
            return self.clocks
        return replace(
            self.clocks,
            time_ms=max(self.clocks.time_ms, message.whole.time_ms),
            high_ms=max(self.clocks.high_ms, message.whole.high_ms),
        )

    def _read_clocks(self, message: Message, row: RowState, store_ms: int) -> tuple[str, ...]:
        tolerance_ms = min(state.ring.window.tolerance_ms for state in self._accounts.values())
        self.clocks, row.boot_offset_ms, stepped = self._resumed(message).read(
            store_ms=store_ms,
            boot_ms=message.boot_ms,
            boot_offset_ms=row.boot_offset_ms,
            tolerance_ms=tolerance_ms,
        )
        for state in self._accounts.values():
            state.ring.free(self.clocks.time_ms)
        return stepped

    def _replace(self, row: RowState, whole: WholeRow) -> None:
        """Put a whole row in the place of the old one, never field by field."""
        now_ms = self.clocks.time_ms
        for account, value in row.values.items():
            self._accounts[account].pending -= value.pending
        for account, buckets in row.buckets.items():
            for bucket, posts in buckets.items():
                self._accounts[account].ring.add(bucket, -posts, now_ms)
        row.values = {account: replace(value, pending=0) for account, value in whole.spread.items()}
        row.buckets = {account: dict(buckets) for account, buckets in whole.buckets.items()}
        for account, buckets in row.buckets.items():
            for bucket, posts in buckets.items():
                self._accounts[account].ring.add(bucket, posts, now_ms)

    def _grow(self, row: RowState, values: Mapping[str, RowValue]) -> None:
        """Take the row's new values; stamp growth into the bucket of H, lingering ones later."""
        for account, value in values.items():
            before = row.values.get(account, NOTHING)
            state = self._accounts[account]
            state.pending += value.pending - before.pending
            high_ms, linger_ms = self.clocks.high_ms, state.ring.window.linger_ms
            self._stamp(row, account, value.charged - before.charged, high_ms)
            self._stamp(row, account, value.lingered - before.lingered, high_ms + linger_ms)
            row.values[account] = value

    def _stamp(self, row: RowState, account: str, posts: int, at_ms: int) -> None:
        if posts == 0:
            return
        ring = self._accounts[account].ring
        bucket = ring.window.bucket(at_ms)
        ring.add(bucket, posts, self.clocks.time_ms)
        buckets = row.buckets.setdefault(account, {})
        buckets[bucket] = buckets.get(bucket, 0) + posts

    def _decide(self, asks: tuple[Ask, ...], row: RowState) -> tuple[Grant, ...]:
        """Grant each ask on all of its accounts or on none, in order; the patient keep theirs."""
        ahead: dict[str, int] = {}
        grants = []
        for ask in asks:
            grant = self._grant(ask, ahead) if self.open else Grant(granted=False)
            if grant.granted:
                for account, posts in ask.amounts:
                    self._accounts[account].pending += posts
                    value = row.values.get(account, NOTHING)
                    row.values[account] = replace(value, pending=value.pending + posts)
            elif self._may_wait(ask, grant):
                for account, posts in ask.amounts:
                    if self._accounts[account].shortage(posts + ahead.get(account, 0)) > 0:
                        ahead[account] = ahead.get(account, 0) + posts
            grants.append(grant)
        return tuple(grants)

    def _grant(self, ask: Ask, ahead: Mapping[str, int]) -> Grant:
        """Decide one ask, with `ahead` posts of each account promised to those before it."""
        for account, posts in ask.amounts:
            limit = self._accounts[account].limit
            if limit is not None and posts > limit:
                return Grant(granted=False, account=account, never=True)
        latest: Grant | None = None
        for account, posts in ask.amounts:
            state = self._accounts[account]
            short = state.shortage(posts + ahead.get(account, 0))
            if short <= 0:
                continue
            retry_at_ms = state.ring.frees_ms(short)
            if retry_at_ms is None:
                return Grant(granted=False, account=account)
            if latest is None or retry_at_ms > (latest.retry_at_ms or 0):
                latest = Grant(granted=False, account=account, retry_at_ms=retry_at_ms)
        return latest or Grant(granted=True)

    def _may_wait(self, ask: Ask, refused: Grant) -> bool:
        """Say whether a refused ask keeps its place before those that came after it."""
        if refused.never or ask.patience_ms == 0:
            return False
        waits_until_ms = self.clocks.time_ms + ask.patience_ms
        return refused.retry_at_ms is None or refused.retry_at_ms <= waits_until_ms

    def _recount(self) -> bool:
        """Recompute the accounts whose turn it is; a mismatch closes the ledger (I12)."""
        names = tuple(self._accounts)
        passed_ms = self.clocks.time_ms - self._recounted_ms
        due = min(len(names), passed_ms * len(names) // RECOUNT_MS)
        if due > 0:
            self._recounted_ms = self.clocks.time_ms
        for _ in range(due):
            self._turn += 1
            if not self._adds_up(names[self._turn % len(names)]):
                self.identity = replace(self.identity, epoch=self.identity.epoch + 1)
                self.open = False
                return False
        return True

    def _adds_up(self, account: str) -> bool:
        """Recompute one account from the rows, and let them forget buckets that are too old."""
        state, now_ms = self._accounts[account], self.clocks.time_ms
        first = state.ring.window.first_counting(now_ms)
        oldest = state.ring.window.first_kept(now_ms)
        for row in self._rows.values():
            buckets = row.buckets.get(account, {})
            for bucket in [bucket for bucket in buckets if bucket < oldest]:
                del buckets[bucket]
        pending = sum(row.values.get(account, NOTHING).pending for row in self._rows.values())
        charged = sum(
            posts
            for row in self._rows.values()
            for bucket, posts in row.buckets.get(account, {}).items()
            if bucket >= first
        )
        return (pending, charged) == (state.pending, state.ring.charged)

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
                for name, state in self._accounts.items()
            },
        )


def _none_shrank(
    before: Mapping[str, RowValue], after: Mapping[str, RowValue], accounts: Iterable[str]
) -> bool:
    """Say whether what only grows is no lower after than before, in these accounts."""
    return all(
        after.get(each, NOTHING).charged >= before.get(each, NOTHING).charged
        and after.get(each, NOTHING).lingered >= before.get(each, NOTHING).lingered
        for each in accounts
    )


def stricter(one: int | None, other: int | None) -> int | None:
    """Return the lower of two limits; None is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
