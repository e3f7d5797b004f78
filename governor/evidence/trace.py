"""What one journal says of one contract in one ledger's time: the spans of all that it charged.

A charge is stamped by the message that first told it, and the journal has the ledger's answer. So
its span ends with the first `Stamped` record that covers it; the ledger's totals say which that is.
If the answer was lost, a later one covers it, much later perhaps. Then the end is no later than
`SILENT_MS` after the ledger was last heard: by then the member had closed what was under way.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from governor.conversation import FENCE_MS, HEARTBEAT_MS, PATIENCE_MS
from governor.core.ledger.messages import SHARE, RowValue
from governor.core.ledger.records import TOP_UP, Outcome
from governor.core.ledger.roster import MemberStanding
from governor.core.window import Window
from governor.evidence.spans import OPEN_MS, Spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.calendar import Period
    from governor.core.ledger.messages import Account, Identity, Unit
    from governor.core.ledger.records import Adopted, Amounts, Claimed, Resolved, Rostered, Stamped
    from governor.core.ledger.state import ContractState

SILENT_MS: Final = FENCE_MS + HEARTBEAT_MS  # the fence is looked at with each heartbeat
IN_FORCE_MS: Final = PATIENCE_MS  # a grant under the limits before may still be claimed for so long
_APART_MS: Final = 1_000  # wall clocks are compared with ledger time this exactly


@dataclass(slots=True)
class Charge:
    """A claim, or any other growth of an account, until its span is known.

    `told` is what the ledger hears of it; `posts`, what is counted, differs only for a tear.
    `heard_ms` is None while it is not resolved; `capped` says that it ended soon after.
    """

    account: str
    begin_ms: int
    posts: int
    told: int
    generation: int
    heard_ms: int | None = None
    lingers: bool = False
    capped: bool = True


@dataclass(slots=True)
class Trace:
    """See the module's first lines."""

    contract: str
    member: str
    identities: set[Identity] = field(default_factory=set)
    windows: dict[str, Window] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    calendars: dict[str, str] = field(default_factory=dict)  # empty: any window
    rules: list[tuple[int, dict[str, int | None]]] = field(default_factory=list)
    spans: dict[str, Spans] = field(default_factory=dict)
    frees_ms: dict[str, int] = field(default_factory=dict)  # of members that were retired
    members: set[str] = field(default_factory=set)  # all that were ever in the roster
    offsets: list[tuple[int, int]] = field(default_factory=list)  # of the wall clock, from when
    store_offsets: list[tuple[int, int]] = field(default_factory=list)  # likewise, the store's
    periods: dict[str, dict[int, Period]] = field(default_factory=dict)  # of calendars, that ran
    compared_ms: int = 0  # until when both were compared with ledger time
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    since_ms: int | None = None
    _shown: dict[str, int | None] | None = None
    _claims: dict[str, list[Charge]] = field(default_factory=dict)
    _untold: dict[tuple[str, bool], list[Charge]] = field(default_factory=dict)

    def begin(self, known: ContractState) -> None:
        """Begin in the middle: identity, limits and the roster are known, and nothing else."""
        self.identities.add(known.identity)
        self.members |= {entry.member for entry in known.roster}
        self._know(tuple(known.accounts.values()), known.time_ms)

    def adopt(self, record: Adopted) -> None:
        """Note identity and limits; those are in force when the ledger has heard of them."""
        self.identities.add(record.identity)
        self._know(record.accounts, record.time_ms)

    def _know(self, accounts: tuple[Account, ...], now_ms: int) -> None:
        self.windows |= {account.name: Window(account.window_ms) for account in accounts}
        self.units |= {account.name: account.unit for account in accounts}
        self.calendars |= {account.name: account.calendar for account in accounts}
        self._shown = {name: None for name in self.windows if SHARE not in name}  # dropped
        self._shown |= {account.name: account.limit for account in accounts}
        if not self.rules:
            self.rules.append((now_ms, self._shown))

    def claim(self, record: Claimed, generation: int) -> None:
        """Note that a request is about to be sent."""
        self._since(record.at_ms)
        self._claims[record.hold] = [
            Charge(account, record.at_ms, posts, posts, generation)
            for account, posts in record.amounts
        ]
        is_request = TOP_UP not in record.hold
        for account, _ in record.amounts:
            self._counted(account).update(requests=is_request, asked=record.asked)

    def resolve(self, record: Resolved, generation: int) -> None:
        """Note its end. One whose claim was removed as old was there from the beginning."""
        self._since(record.at_ms)
        charged = dict(record.amounts)
        charges = self._claims.pop(record.hold, None)
        if charges is None:
            begin_ms = self.since_ms or record.at_ms
            charges = [Charge(name, begin_ms, 0, 0, generation) for name in charged]
        for charge in charges:
            charge.posts = charge.told = charged.get(charge.account, 0)
            charge.heard_ms, charge.lingers = record.at_ms, record.lingers
            charge.capped = charge.generation == generation  # else it died, nobody knows when
            self._wait(charge)
            self._counted(charge.account).update(
                received=record.received or 0,
                charged=charge.posts,
                orphans=record.outcome is Outcome.ORPHANED,
            )

    def grow(
        self, amounts: Amounts, now_ms: int, *, why: str, lingers: bool = False, counts: bool = True
    ) -> None:
        """Charge what no request did, and note `why`; unless it `counts`, it is in no window."""
        self._since(now_ms)
        for account, told in amounts:
            posts = told if counts else 0
            self._wait(Charge(account, now_ms, posts, told, 0, now_ms, lingers, capped=False))
            self._counted(account)[why] += told

    def stamp(self, record: Stamped, before: Mapping[str, RowValue], wall_ms: int) -> None:
        """Note what the ledger took, all growth from `before` to what the record says."""
        self._since(record.time_ms)
        if self._shown is not None:
            self.rules.append((record.time_ms + IN_FORCE_MS, self._shown))
            self._shown = None
        self._compare_clocks(record, wall_ms)
        for calendar, dated in record.periods:
            self.periods.setdefault(calendar, {})[dated.period.number] = dated.period
        for account, value in record.spread:
            had = before.get(account, RowValue())
            self._cover(account, value.charged - had.charged, record.high_ms, lingers=False)
            self._cover(account, value.lingered - had.lingered, record.high_ms, lingers=True)

    def meet(self, record: Rostered) -> list[str]:
        """Note who is there, and who was declared dead: what it held counts until then.

        Return the newly dead ones.
        """
        self.members |= {entry.member for entry in record.entries}
        retired = {
            entry.member: entry.frees_ms
            for entry in record.entries
            if entry.standing is MemberStanding.RETIRED
        }
        new = [member for member in retired if member not in self.frees_ms]
        self.frees_ms |= retired
        return new

    def follow(self, left: Trace, now_ms: int) -> None:
        """Begin where the trace in another ledger's time ends; what that did not stamp is ours."""
        self.windows, self.units = dict(left.windows), dict(left.units)
        self.calendars = dict(left.calendars)
        self.since_ms = now_ms
        for place, charges in left._untold.items():
            moved = [replace(each, begin_ms=now_ms, heard_ms=now_ms) for each in charges]
            self._untold[place] = moved

    def close(self, frees_ms: int | None) -> None:
        """Give all that never ended its end: when the member was retired, or none."""
        waiting = [charge for charges in self._untold.values() for charge in charges]
        unresolved = [charge for charges in self._claims.values() for charge in charges]
        for charge in unresolved:
            self._counted(charge.account).update(open=charge.posts)
        for charge in waiting + unresolved:
            end_ms = OPEN_MS
            if frees_ms is not None:
                window = self.windows[charge.account]
                end_ms = frees_ms - window.window_ms - window.pad_ms
            self._add(charge, end_ms)
        self._untold.clear()
        self._claims.clear()

    def _since(self, now_ms: int) -> None:
        self.since_ms = now_ms if self.since_ms is None else min(self.since_ms, now_ms)

    def _counted(self, account: str) -> Counter[str]:
        return self.counts.setdefault(account, Counter())

    def _compare_clocks(self, record: Stamped, wall_ms: int) -> None:
        offset_ms = record.wall_offset_ms
        if offset_ms is None:
            offset_ms = wall_ms - record.time_ms
        both = ((self.offsets, offset_ms), (self.store_offsets, record.store_offset_ms))
        for offsets, found_ms in both:
            if not offsets or abs(found_ms - offsets[-1][1]) > _APART_MS:
                offsets.append((record.time_ms, found_ms))
        self.compared_ms = record.time_ms

    def _wait(self, charge: Charge) -> None:
        if charge.told:
            self._untold.setdefault((charge.account, charge.lingers), []).append(charge)

    def _cover(self, account: str, growth: int, high_ms: int, *, lingers: bool) -> None:
        """End the spans of as many charges as the growth is made of, the oldest first.

        One that does not fit was told after one behind it: two ended at the same time.
        """
        waiting = self._untold.get((account, lingers), [])
        left = []
        for charge in waiting:
            if charge.told > growth:
                left.append(charge)
                continue
            growth -= charge.told
            end_ms = high_ms
            if charge.capped and charge.heard_ms is not None:
                end_ms = min(high_ms, charge.heard_ms + SILENT_MS)
            self._add(charge, end_ms + (self.windows[account].linger_ms if lingers else 0))
        waiting[:] = left

    def _add(self, charge: Charge, end_ms: int) -> None:
        if charge.posts:
            spans = self.spans.setdefault(charge.account, Spans())
            spans.add(charge.begin_ms, end_ms, charge.posts)
