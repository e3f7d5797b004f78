"""What a member knows by its journal alone: the records, folded in order.

A process that starts has nothing else. From this it rebuilds its row for the ledger, whole: what it
ever charged, in which buckets the ledger put it, and which claims never ended. Growth that no
`Stamped` record covers is stamped again, later: that can only make posts count longer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from governor.core.calendar import Period  # noqa: TC001  # a checkpoint decodes by annotation
from governor.core.ledger.messages import (
    LAXEST,
    Account,
    Identity,
    Leniency,
    RowValue,
    WholeRow,
)
from governor.core.ledger.periods import Turns
from governor.core.ledger.records import (
    Adopted,
    Amounts,
    Claimed,
    Moved,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
    Torn,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import RosterEntry  # noqa: TC001  # a checkpoint decodes by annotation
from governor.core.ledger.row import grown
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.ledger.messages import Dated
    from governor.core.ledger.periods import Span

# What lost rows cannot have reached. Journals were folded with these numbers: never lower them.
MOST_LOST_POSTS: Final = 100_000_000_000  # 270 years at a million a day; exact in Lua and cjson
MOST_LOST_STARTS: Final = 1_000_000_000  # of one state directory
UNTOLD_MS: Final = 2**62  # when a tear frees that no ledger has been told of


@dataclass(slots=True)
class ContractState:
    """One contract as the journal has it. `boot_offset_ms` None: the machine was rebooted."""

    home: str
    identity: Identity
    accounts: dict[str, Account]
    time_ms: int
    high_ms: int
    store_offset_ms: int
    boot_offset_ms: int | None
    totals: dict[str, RowValue] = field(default_factory=dict)
    spread: dict[str, RowValue] = field(default_factory=dict)
    buckets: dict[str, dict[int, int]] = field(default_factory=dict)
    claims: dict[str, Claimed] = field(default_factory=dict)
    wall_offset_ms: int | None = None
    roster: tuple[RosterEntry, ...] = ()
    roster_version: int = 0  # under `identity`
    kept_ms: int = 0  # T of the last stamp under `identity`; 0 if rows after it may be lost
    leniency: Leniency = LAXEST
    raises: dict[str, int] = field(default_factory=dict)  # by operation: the largest per item
    raises_of: str = ""  # the hash of the catalog whose prices they raise
    periods: dict[str, Period] = field(default_factory=dict)  # by calendar: the latest told
    ended: bool = False  # an operator said so, and nothing was collected since
    tear_frees_ms: int = 0  # from when on T what rows that were lost may have held is free

    def whole_row(self) -> WholeRow:
        """Return the row to restore in the ledger; `totals` beyond it are still to be stamped."""
        return WholeRow(
            spread=dict(self.spread),
            buckets={account: dict(buckets) for account, buckets in self.buckets.items()},
            time_ms=self.time_ms,
            high_ms=self.high_ms,
            boot_offset_ms=self.boot_offset_ms,
            roster=self.roster,
            periods=dict(self.periods),
        )

    def apply(
        self, record: Used | Claimed | Resolved | Stamped | Rostered | Moved | Vouched
    ) -> None:
        """Fold in the next record of this contract."""
        match record:
            case Used():
                self.charge(record.amounts, lingers=False)
            case Claimed():
                self.claims[record.hold] = record
                self.ended = False
            case Resolved():
                self.resolve(record)
            case Stamped():
                self.stamp(record)
            case Rostered():
                self.meet(record)
            case Moved():
                self.move(record)
            case Vouched():  # what other words allowed stands in the records that follow
                self.ended = record.word is Word.ENDED

    def resolve(self, record: Resolved) -> None:
        """End a claim, once: charge it, and note what it taught of its operation's price."""
        claim = self.claims.pop(record.hold, None)
        if claim is None:
            return
        self.charge(record.amounts, lingers=record.lingers)
        if record.raised:
            self.raises, self.raises_of = self.raises_under(claim.catalog), claim.catalog
            known = self.raises.get(claim.operation, 0)
            self.raises[claim.operation] = max(known, record.raised)

    def raises_under(self, catalog: str) -> dict[str, int]:
        """Return the raises of a catalog's prices, by its hash: those of another say nothing."""
        return self.raises if self.raises_of == catalog else {}

    def charge(self, amounts: Amounts, *, lingers: bool) -> None:
        """Add to what was ever charged."""
        for account, posts in amounts:
            self.totals[account] = grown(self.totals.get(account, RowValue()), posts, lingers)

    def stamp(self, record: Stamped) -> None:
        """Note into which buckets the ledger put the growth since the last such record."""
        stood = dict(record.periods)
        self.periods |= {
            text: dated.period
            for text, dated in stood.items()
            if text not in self.periods or dated.period.number > self.periods[text].number
        }
        for account, value in record.spread:
            span = self._span(account, stood)
            if span is not None:
                self._stamp(account, value, span, record)
        if record.spread and self.tear_frees_ms == UNTOLD_MS:
            self.tear_frees_ms = max(
                window.frees_at(window.lingered_in(record.high_ms))
                for window in map(_longest, self.accounts.values())
            )
        self.time_ms, self.high_ms = record.time_ms, record.high_ms
        if record.seq:  # what an operator says has passed, the ledger may not know
            self.kept_ms = record.time_ms
        self.store_offset_ms = record.store_offset_ms
        self.boot_offset_ms = record.boot_offset_ms
        self.wall_offset_ms = record.wall_offset_ms

    def _span(self, account: str, stood: Mapping[str, Dated]) -> Span | None:
        """Return what an account counts by, as its calendar stood; None if nobody said how."""
        known = self.accounts[account]
        if not known.calendar:
            return Window(known.window_ms)
        dated = stood.get(known.calendar)
        return None if dated is None else Turns.at(dated, known.calendar, known.window_ms)

    def _stamp(self, account: str, value: RowValue, span: Span, record: Stamped) -> None:
        """Note into which buckets the ledger put one account's growth."""
        before = self.spread.get(account, RowValue())
        buckets = self.buckets.setdefault(account, {})
        for posts, bucket in (
            (value.charged - before.charged, span.charged_in(record.high_ms)),
            (value.lingered - before.lingered, span.lingered_in(record.high_ms)),
        ):
            if posts:
                buckets[bucket] = buckets.get(bucket, 0) + posts
        # From the front: a day has 17,000 of them, and one behind a lingering one may wait.
        oldest = span.first_kept(record.time_ms)
        while (first := next(iter(buckets), oldest)) < oldest:
            del buckets[first]
        self.spread[account] = value

    def tear(self) -> None:
        """Charge what rows that are lost may have held: the whole of every limit, lingering.

        Whatever they held was counted before that frees, so no window can hold both it and a grant
        made afterwards. Totals also jump beyond all that the ledger can have been told: they only
        ever grow. The jump is in no bucket. The boot clock's offset may be among what is lost.
        """
        for name, account in self.accounts.items():
            for values in (self.totals, self.spread):
                value = values.get(name, RowValue())
                values[name] = replace(
                    value,
                    charged=value.charged + MOST_LOST_POSTS,
                    lingered=value.lingered + MOST_LOST_POSTS,
                )
            self.charge(((name, account.limit or 0),), lingers=True)
        self.boot_offset_ms, self.kept_ms, self.tear_frees_ms = None, 0, UNTOLD_MS

    def counts_tear(self, now_ms: int) -> bool:
        """Say whether posts that only lost rows knew of may still count.

        They were charged under the limits that are left here, which an operator may have raised in
        those very rows. So until then no limit may be above them.
        """
        return now_ms < self.tear_frees_ms

    def adopt(self, record: Adopted) -> None:
        """Note under which identity and rules it is kept from now on.

        A share of a job that is gone stays known: its posts are still in the row. So does the
        roster, until the ledger of a new identity has told a newer one: it says who must restore.
        """
        if record.identity != self.identity:
            self.roster_version = self.kept_ms = 0
        self.home, self.identity = record.home, record.identity
        self.leniency = record.leniency
        self.accounts |= {account.name: account for account in record.accounts}

    def move(self, record: Moved) -> None:
        """Note that it is kept elsewhere from now on.

        In a time of another's nobody can say when posts were counted, so all that still counted
        here becomes growth, which the ledger there stamps as if it were counted now; what may have
        lingered lingers again. Which periods ran here says nothing of what runs there: a clock that
        was once a year ahead would, after a loss, stop everybody there for that year.
        """
        self.home, self.boot_offset_ms = record.home, None
        if not record.anew:
            return
        for account, buckets in self.buckets.items():
            known = self.accounts[account]
            if known.calendar:
                first = self.periods[known.calendar].number
            else:
                first = Window(known.window_ms).first_counting(self.time_ms)
            posts = sum(posts for bucket, posts in buckets.items() if bucket >= first)
            spread = self.spread[account]
            lingered = min(posts, spread.lingered)
            self.spread[account] = replace(
                spread,
                charged=spread.charged - (posts - lingered),
                lingered=spread.lingered - lingered,
            )
        self.tear_frees_ms = UNTOLD_MS if self.counts_tear(self.time_ms) else 0
        self.buckets, self.periods, self.roster, self.wall_offset_ms = {}, {}, (), None
        self.time_ms = self.high_ms = record.time_ms

    def meet(self, record: Rostered) -> None:
        """Note who has a row. Who is missing there, as the ledger is open, has nothing left."""
        self.roster, self.roster_version = record.entries, record.version


def _longest(account: Account) -> Window:
    """Return a window in which an account's charges free, even those that go a period ahead."""
    return Window(account.window_ms * (3 if account.calendar else 1))


@dataclass(slots=True)
class MemberState:
    """All that one journal says. An empty one is that of a journal just made.

    `torn`: rows were lost once, so a contract or limit that is not here may yet have been used.
    """

    member: str = ""
    generation: int = 0
    boot_id: str = ""
    contracts: dict[str, ContractState] = field(default_factory=dict)
    torn: bool = False

    def apply(self, record: Record) -> None:
        """Fold in the next record. KeyError for a contract that was never adopted."""
        match record:
            case Started():
                self._start(record)
            case Adopted():
                self._adopt(record)
            case Torn():
                self._tear()
            case _:
                self.contracts[record.contract].apply(record)

    def _start(self, record: Started) -> None:
        if record.boot_id != self.boot_id:
            for contract in self.contracts.values():
                contract.boot_offset_ms = None
        self.member, self.generation = record.member, record.generation
        self.boot_id = record.boot_id

    def _tear(self) -> None:
        self.torn = True
        self.generation += MOST_LOST_STARTS  # a lost row may have held the start of a later one
        for contract in self.contracts.values():
            contract.tear()

    def _adopt(self, record: Adopted) -> None:
        known = self.contracts.get(record.contract)
        if known is not None:
            known.adopt(record)
            return
        self.contracts[record.contract] = ContractState(
            home=record.home,
            identity=record.identity,
            accounts={account.name: account for account in record.accounts},
            time_ms=record.time_ms,
            high_ms=record.time_ms,
            store_offset_ms=0,
            boot_offset_ms=record.boot_ms - record.time_ms,
            leniency=record.leniency,
        )
