"""One journal, read from its first row to its last sound one: what it says, and what is wrong.

Rows are folded as a start folds them (`core.ledger.state`), only to know the totals that stamps are
measured by. A journal whose oldest rows retention removed begins in the middle: then contracts and
limits are taken from its checkpoint, which is sealed, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from governor.core.ledger.records import (
    Adopted,
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
)
from governor.core.ledger.state import MemberState
from governor.errors import LedgerError
from governor.evidence.trace import Trace
from governor.journal import Reader
from governor.journal.rows import damaged

if TYPE_CHECKING:
    from pathlib import Path

    from governor.core.ledger.messages import RowValue
    from governor.core.ledger.state import ContractState
    from governor.journal.rows import Row


@dataclass(frozen=True, slots=True)
class Said:
    """A word of an operator, or another event that counsel should know of. Wall-clock time."""

    at_ms: int
    contract: str
    what: str


@dataclass(slots=True)
class Read:
    """What one journal holds. `wrong` is empty if all of it is as it was written."""

    path: Path
    member: str = ""
    records: int = 0
    first_ms: int = 0  # by the wall clock, as the two below
    last_ms: int = 0
    head: str = ""  # the chain's last hash: noted elsewhere, it proves all rows up to it
    wrong: list[str] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    traces: list[Trace] = field(default_factory=list)


def read(path: Path) -> Read:
    """Read a journal, beside a live Governor too. What cannot be read is told in `wrong`."""
    found = Read(path)
    try:
        reader = Reader(path)
        found.member = reader.member
        folding = _Folding(found, _beginning(reader))
        for row, record in reader.sound():
            folding.take(row, record)
    except LedgerError as error:
        found.wrong.append(getattr(error, "found", str(error)))
    return found


def _beginning(reader: Reader) -> MemberState:
    """Return what is known before the first row: nothing, unless older rows were removed."""
    checkpoint = reader.checkpoint()
    if not reader.removed or checkpoint is None:
        return MemberState()
    try:
        state = msgspec.msgpack.decode(checkpoint[1], type=MemberState)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise damaged(f"The journal's checkpoint cannot be read: {error}.") from error
    contracts = {
        name: replace(known, totals={}, spread={}, buckets={}, claims={})
        for name, known in state.contracts.items()
    }
    return MemberState(state.member, 0, "", contracts)


class _Folding:
    """The state so far, and the trace of each contract in its present ledger's time."""

    def __init__(self, found: Read, state: MemberState) -> None:
        self._found, self._state = found, state
        self._traces: dict[str, Trace] = {}
        for name, known in state.contracts.items():
            self._begin(name).begin(known)

    def _begin(self, contract: str) -> Trace:
        trace = self._traces[contract] = Trace(contract, self._found.member)
        self._found.traces.append(trace)
        return trace

    def take(self, row: Row, record: Record) -> None:
        """Take the next sound row. Raises DamagedError for a contract that was never adopted."""
        found = self._found
        found.records += 1
        found.first_ms = found.first_ms or row.wall_ms
        found.last_ms, found.head = row.wall_ms, row.chain.hex()
        match record:
            case Started():
                self._state.apply(record)
            case Adopted():
                trace = self._traces.get(record.contract) or self._begin(record.contract)
                trace.adopt(record)
                self._state.apply(record)
            case Torn():
                self._tear(record, row.wall_ms)
            case _:
                known = self._state.contracts.get(record.contract)
                if known is None:
                    raise damaged(
                        f"Record {row.id} is about contract {record.contract!r}, which no record "
                        "before it knows."
                    )
                self._note(record, known, row.wall_ms)
                self._state.apply(record)

    def _note(
        self,
        record: Used | Claimed | Resolved | Stamped | Rostered | Moved | Vouched,
        known: ContractState,
        wall_ms: int,
    ) -> None:
        """Take a record of one contract, as `known` before it."""
        trace, generation = self._traces[record.contract], self._state.generation
        match record:
            case Claimed():
                trace.claim(record, generation)
            case Resolved():
                trace.resolve(record, generation)
            case Stamped():
                trace.stamp(record, known.spread, wall_ms)
            case Used():
                trace.grow(record.amounts, known.time_ms, why="word")
                amounts = ", ".join(f"{posts:,} of {name}" for name, posts in record.amounts)
                self._say(wall_ms, record.contract, f"used before the ledger began: {amounts}")
            case Rostered():
                for member in trace.meet(record):
                    self._say(wall_ms, record.contract, f"member {member} was retired as dead")
            case Vouched():
                self._say(wall_ms, record.contract, f"{record.word}: {record.said}")
            case Moved():
                self._say(wall_ms, record.contract, f"moved to {record.home}")
                if record.anew:
                    self._move(record, known)

    def _move(self, record: Moved, known: ContractState) -> None:
        """Go on in another ledger's time, with all that still counted in the one before."""
        after = replace(known, spread=dict(known.spread))
        after.move(record)
        left = self._traces[record.contract]
        trace = self._begin(record.contract)
        trace.follow(left, record.time_ms)
        for lingers in (False, True):
            carried = tuple(
                (account, _grown(value, lingers) - _grown(after.spread[account], lingers))
                for account, value in known.spread.items()
            )
            trace.grow(carried, record.time_ms, lingers=lingers, why="moved")

    def _tear(self, record: Torn, wall_ms: int) -> None:
        """Take a tear: its charge is the worst case, which nobody has seen counted."""
        for name, known in self._state.contracts.items():
            limits = tuple((each.name, each.limit or 0) for each in known.accounts.values())
            self._traces[name].grow(limits, known.time_ms, lingers=True, why="torn", counts=False)
            self._say(wall_ms, name, "the journal was torn: every limit was charged in full")
        self._found.wrong.append(f"{record.found} The damaged files were kept in {record.kept}.")
        self._state.apply(record)

    def _say(self, at_ms: int, contract: str, what: str) -> None:
        self._found.said.append(Said(at_ms, contract, what))


def _grown(value: RowValue, lingers: bool) -> int:  # noqa: FBT001  # the one flag
    return value.lingered if lingers else value.charged
