"""The members of a ledger: each one's row, and who of them must speak before what.

A row counts if and only if it was brought whole under the ledger's epoch. A loss begins a new one,
so after it nothing counts until each member has spoken; what is left of the rows serves as a check
on what their members bring, and as the last word of those that had left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from governor.core.ledger.messages import Reply, RowValue
from governor.core.ledger.roster import MemberStanding, Roster, RosterEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from governor.core.ledger.accounts import AccountState

HEARD_MS = 10_000  # a member not heard from for so long is not waited for by one that joins
NO_EPOCH = 0  # of a row that another journal named, and that nobody has brought yet
NOTHING = RowValue()


@dataclass(slots=True)
class RowState:
    """One member's row: only it writes this, and only its highest generation does.

    `final`: the values are the last word of a member that left or was retired. `joined` is the
    roster's version that its join made, 0 once all who live have journaled that; `roster` is the
    version that it has journaled itself. `kept_ms`: up to when it has said to have journaled.
    `clock`: how often the store's had been re-based when this member's was read. `date_ms`: its
    wall clock when it was heard, 0 if it counts by no calendar.
    """

    generation: int
    epoch: int = NO_EPOCH
    boot_offset_ms: int | None = None
    seq: int = 0
    reply: Reply | None = None
    values: dict[str, RowValue] = field(default_factory=dict)
    buckets: dict[str, dict[int, int]] = field(default_factory=dict)
    standing: MemberStanding = MemberStanding.ACTIVE
    final: bool = False
    frees_ms: int = 0
    joined: int = 0
    roster: int = 0
    heard_ms: int = 0
    kept_ms: int = 0
    clock: int = 0
    date_ms: int = 0

    @property
    def pending(self) -> int:
        """Posts held, over all accounts: only whether there are any means something."""
        return sum(value.pending for value in self.values.values())

    def has_buckets(self, oldest: Mapping[str, int]) -> bool:
        """Say whether anything was charged in a bucket that is still kept."""
        return any(
            bucket >= oldest[account]
            for account in self.buckets
            for bucket in self.buckets[account]
        )

    def frees_at(self, accounts: Mapping[str, AccountState], now_ms: int) -> int:
        """Return when the last of its charges frees, `now_ms` if all have."""
        ends = [
            accounts[account].ring.window.gone_at(bucket)
            for account, buckets in self.buckets.items()
            for bucket in buckets
        ]
        return max([now_ms, *ends])


class Members:
    """All rows of a ledger. `version` counts the changes of the roster under its epoch."""

    def __init__(self) -> None:
        self.rows: dict[str, RowState] = {}
        self.version = 0

    def roster(self) -> Roster:
        """Return everybody who has a row."""
        return Roster(
            self.version,
            tuple(
                RosterEntry(member, row.generation, row.standing, row.frees_ms)
                for member, row in sorted(self.rows.items())
            ),
        )

    def counting(self, epoch: int) -> Iterator[RowState]:
        """Yield the rows whose posts are in the sums."""
        return (row for row in self.rows.values() if row.epoch == epoch)

    def changed(self) -> int:
        """Begin the next version of the roster, and return it."""
        self.version += 1
        return self.version

    def meet(self, entries: Iterable[RosterEntry], *, epoch: int) -> tuple[RowState, ...]:
        """Learn of members from a journal; return rows that counted and must not any more.

        Of a row that is older than the report nothing is believed: a later start of that member
        has written since.
        """
        outdated = []
        before = self.roster().entries
        known = {entry.member: entry for entry in before}
        for entry in entries:
            if entry.member in known and not entry.is_newer_than(known[entry.member]):
                continue
            known[entry.member] = entry
            row = self.rows.setdefault(entry.member, RowState(entry.generation))
            if row.epoch == epoch:
                outdated.append(replace(row))
            if entry.generation > row.generation:
                row.seq = 0
            row.epoch, row.final = NO_EPOCH, False
            row.generation, row.standing = entry.generation, entry.standing
            row.frees_ms = entry.frees_ms
        if self.roster().entries != before:
            self.changed()
        return tuple(outdated)

    def seat(self, member: str, generation: int, epoch: int, clock: int) -> RowState:
        """Give a member a fresh row, for a new start or a new epoch.

        What stood in the one before under this epoch stays until the whole row takes its place; so
        does what is known of its clock, in place of `clock`.
        """
        before = self.rows.get(member)
        row = RowState(generation, epoch, clock=clock)
        if before is not None and before.epoch == epoch:
            row.values, row.buckets, row.clock = before.values, before.buckets, before.clock
        self.rows[member] = row
        return row

    def all_know(self, row: RowState, *, epoch: int, now_ms: int) -> bool:
        """Say whether everybody who lives has journaled that this member joined.

        Until then a loss could leave nobody who knows that it must restore. Generation 0 is a row
        that `governor init` made and no process speaks for.
        """
        if row.joined and all(
            other.roster >= row.joined
            for other in self.counting(epoch)
            if other is not row
            and other.standing is MemberStanding.ACTIVE
            and other.generation > 0
            and now_ms - other.heard_ms < HEARD_MS
        ):
            row.joined = 0
        return row.joined == 0

    def drop_idle(self, since_ms: int, oldest: Mapping[str, int]) -> None:
        """Forget members not heard from since then that hold nothing and were charged nothing.

        `oldest` is, of each account, the first bucket that is still kept.
        """
        idle = [
            member
            for member, row in self.rows.items()
            if row.heard_ms < since_ms and not row.pending and not row.has_buckets(oldest)
        ]
        for member in idle:
            del self.rows[member]
        if idle:
            self.changed()


def none_shrank(
    before: Mapping[str, RowValue], after: Mapping[str, RowValue], accounts: Iterable[str]
) -> bool:
    """Say whether what only grows is no lower after than before, in these accounts."""
    return all(
        after.get(each, NOTHING).charged >= before.get(each, NOTHING).charged
        and after.get(each, NOTHING).lingered >= before.get(each, NOTHING).lingered
        for each in accounts
    )
