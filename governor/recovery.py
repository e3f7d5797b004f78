"""Starting: from a journal to a member that may speak.

Nothing but the journal is believed. A new generation is durable before the first message, so that
whatever its predecessor still says is dead; and every claim that never ended is charged in full,
stamped a linger from now, because the platform may have counted it as late as that (invariant 5).

Time that passed while the machine was off is nobody's to see: no boot clock ran. It counts as
elapsed only if the wall clock was known to be right before and is now, or on an operator's word
(invariant 6); else posts count for so much longer.

A ledger that was lost is brought back by the conversation, with what stands here of it: `loss`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import LAXEST, Loss
from governor.core.ledger.records import (
    Adopted,
    Outcome,
    Record,
    Resolved,
    Stamped,
    Started,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import RosterEntry, united
from governor.core.ledger.state import ContractState, MemberState
from governor.errors import DoubtError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from governor.clock import Clock
    from governor.core.ledger.messages import Account, Identity, Leniency
    from governor.core.ledger.records import Amounts

EMBEDDED = "embedded"  # the home of a ledger that lives in its only governor's memory


class Readable(Protocol):
    """What is read of a journal, beside a live governor too."""

    @property
    def member(self) -> str:
        """Return whose journal it is."""
        ...

    def checkpoint(self) -> tuple[int, bytes] | None:
        """Return the newest checkpoint and the record it covers up to."""
        ...

    def records(
        self, kinds: Collection[type[Record]] | None = None, after: int = 0
    ) -> Iterator[tuple[int, Record]]:
        """Yield every record after one, in order; of some kinds, if they are named."""
        ...


class Journal(Readable, Protocol):
    """A journal that this process may write to."""

    async def append(self, *records: Record) -> int:
        """Return once all are durable, with the last one's number. Raises JournalError."""
        ...

    async def write_checkpoint(self, record_id: int, state: bytes) -> None:
        """Keep a state that covers all records up to one."""
        ...


def load(journal: Readable) -> tuple[int, MemberState]:
    """Fold the journal; return its last record's number and the state."""
    kept = journal.checkpoint()
    last, state = 0, MemberState(member=journal.member)
    if kept is not None:
        last, state = kept[0], msgspec.msgpack.decode(kept[1], type=MemberState)
    for number, record in journal.records(after=last):
        state.apply(record)
        last = number
    return last, state


async def start(journal: Journal, clock: Clock) -> MemberState:
    """Raise the generation, charge what a predecessor left open, and return the state.

    Both are durable on return; what a reboot makes of the clocks is in the state only. Raises
    JournalError.
    """
    _, state = load(journal)
    records: list[Record] = [Started(journal.member, state.generation + 1, clock.boot_id())]
    for name, contract in state.contracts.items():
        records += (orphan(name, contract, hold) for hold in contract.claims)
    await write(journal, state, *records)
    if clock.synchronised():
        for contract in state.contracts.values():
            anchor(contract, clock)
    return state


def anchor(known: ContractState, clock: Clock) -> None:
    """Anchor the boot clock of a new boot so that it reads what the wall clock says has passed.

    Only while both are known to be right: the wall clock now, and the offset as it was journaled.
    An embedded ledger has the same clock beside it, which then agrees. One in Redis has its own,
    and only if that agrees is such time believed.
    """
    if known.boot_offset_ms is None and known.wall_offset_ms is not None:
        time_ms = clock.wall_ms() - known.wall_offset_ms
        known.boot_offset_ms = clock.boot_ms() - time_ms


async def elapse(
    journal: Journal, state: MemberState, contract: str, passed_ms: int, clock: Clock
) -> None:
    """Take an operator's word that so much time passed while no clock of ours ran.

    Too much frees posts before their window has passed, and nobody can check it. Not while the
    member talks. A ledger in Redis takes it only if it was lost as well: else other clocks ran.
    """
    known = state.contracts[contract]
    time_ms = known.time_ms + passed_ms
    vouched = Vouched(contract, Word.PASSED, f"{passed_ms} ms", known.time_ms)
    stamped = Stamped(
        contract=contract,
        seq=0,
        spread=(),
        time_ms=time_ms,
        high_ms=max(known.high_ms, time_ms),
        store_offset_ms=known.store_offset_ms,
        boot_offset_ms=clock.boot_ms() - time_ms,
    )
    await write(journal, state, vouched, stamped)


def orphan(contract: str, state: ContractState, hold: str) -> Resolved:
    """Return the resolution of a claim that never ended: all of it, lingering."""
    claim = state.claims[hold]
    return Resolved(
        contract=contract,
        hold=hold,
        outcome=Outcome.ORPHANED,
        received=None,
        amounts=claim.amounts,
        lingers=True,
        at_ms=state.high_ms,
    )


async def write(journal: Journal, state: MemberState, *records: Record) -> None:
    """Make records durable, fold them in, and keep the result as a checkpoint.

    Only for a journal that nobody else is writing to.
    """
    last = await journal.append(*records)
    for record in records:
        state.apply(record)
    await journal.write_checkpoint(last, packed(state))


def packed(state: MemberState) -> bytes:
    """Return a state as a checkpoint keeps it."""
    return msgspec.msgpack.encode(state)


async def adopt(  # noqa: PLR0913  # all that the record holds, by name
    journal: Journal,
    state: MemberState,
    contract: str,
    *,
    home: str,
    identity: Identity,
    accounts: tuple[Account, ...],
    clock: Clock,
    leniency: Leniency | None = None,
    time_ms: int | None = None,
    used: Amounts = (),
) -> None:
    """Journal in which ledger a contract is kept, before the first word to it (invariant 1).

    `leniency` None: as it was known. `time_ms` is the ledger's time, if it has one already: that
    of one made now begins with the wall clock.
    `used` is an operator's word on what was collected before the ledger, or a limit of it, began.
    Both are durable together: a ledger that had begun without it would begin with nothing used.
    """
    known = state.contracts.get(contract)
    if leniency is None:
        leniency = known.leniency if known else LAXEST
    if time_ms is None:
        time_ms = known.time_ms if known else clock.wall_ms()
    adopted = Adopted(contract, home, identity, accounts, time_ms, clock.boot_ms(), leniency)
    await write(journal, state, adopted, *((Used(contract, used),) if used else ()))


def require_home(state: MemberState, contract: str, home: str) -> ContractState:
    """Return a contract's state, if this journal keeps it in that home. Raises DoubtError."""
    known = state.contracts.get(contract)
    if known is None:
        raise DoubtError(
            f"the journal knows no contract {contract!r}: its posts are in no ledger yet. "
            "Run `governor init`."
        )
    if known.home != home:
        raise DoubtError(
            f"the journal keeps contract {contract!r} in {known.home}, but the configuration says "
            f"{home}. "
            "Posts already counted would be forgotten; put the ledger setting back or, to keep it "
            "there from now on, run `governor init --move`."
        )
    return known


def loss(
    known: ContractState,
    *,
    members: Collection[str] = (),
    word: bool = False,
    vouches: bool = False,
) -> Loss:
    """Return what is declared when the ledger that this journal knows is not there any more.

    `members` are all who share it, if the configuration names them. `word` is an operator's that
    it may be opened again although nobody can know who collected (`governor restore`). `vouches`:
    the ledger heard this process until it was lost.
    """
    return Loss(
        seen=known.identity,
        time_ms=known.time_ms,
        high_ms=known.high_ms,
        accounts=tuple(known.accounts.values()),
        roster=united(known.roster, named(members)),
        leniency=known.leniency,
        named=bool(members),
        word=word,
        vouches=vouches,
    )


def named(members: Collection[str]) -> tuple[RosterEntry, ...]:
    """Return the roster of members that only the configuration knows of."""
    return tuple(RosterEntry(member, 0) for member in members)


def book(known: ContractState) -> Book:
    """Return an embedded ledger as the journal has it; the row is brought by the first message."""
    clocks = Clocks(known.time_ms, known.high_ms, known.store_offset_ms)
    found = Book(known.accounts.values(), identity=known.identity, clocks=clocks)
    for text, turns in found.calendars.items():
        turns.resume(known.periods.get(text))
    return found
