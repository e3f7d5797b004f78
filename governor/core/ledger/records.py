"""What a journal holds: one record per durable fact, in the order in which they became true.

A journal is the truth from which a lost ledger is refilled, so a record states a fact and never an
intention; none is ever edited. Times are milliseconds of ledger time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from governor.core.ledger.messages import LAXEST, Account, Dated, Identity, Leniency, RowValue
from governor.core.ledger.roster import RosterEntry  # noqa: TC001  # likewise

Amounts = tuple[tuple[str, int], ...]  # account and posts
TOP_UP: Final = "+"  # parts the id of a request's hold from the number of a top-up (invariant 9)


class Outcome(StrEnum):
    """How a hold ended. There is no fourth way: a hold never expires."""

    SETTLED = "settled"  # the answer was read to its end and counted
    VOID = "void"  # nothing was written upstream
    ORPHANED = "orphaned"  # anything else: charged in full, or the count where that is higher


@dataclass(frozen=True, slots=True)
class Started:
    """A process opened this state directory; all messages of lower generations are dead."""

    member: str
    generation: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """This journal's contract is kept in the ledger of that identity, under these rules.

    An account that was adopted before and is not in `accounts` is still kept. `time_ms` is the
    ledger's time then, and `boot_ms` the boot clock's reading beside it.
    """

    contract: str
    home: str
    identity: Identity
    accounts: tuple[Account, ...]
    time_ms: int
    boot_ms: int
    leniency: Leniency = LAXEST


@dataclass(frozen=True, slots=True)
class Used:
    """An operator's word: so much was collected in the last window before the ledger began."""

    contract: str
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class Claimed:
    """A granted hold is about to be used: from here on a crash charges it in full.

    `hold` is the id of its request, and of a top-up `TOP_UP` and a number behind that.
    """

    contract: str
    hold: str
    job: str
    operation: str
    asked: int
    price: int
    amounts: Amounts
    catalog: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """A claimed hold ended. `lingers`: its last byte was not read, so it counts a little longer.

    `raised`: by how much per item the operation costs more from here on, for it brought too much.
    """

    contract: str
    hold: str
    outcome: Outcome
    received: int | None
    amounts: Amounts
    lingers: bool
    at_ms: int
    raised: int = 0


@dataclass(frozen=True, slots=True)
class Stamped:
    """The ledger acknowledged a message: growth up to `spread` was stamped at `high_ms`.

    `wall_offset_ms` is the wall clock less ledger time then; None in a journal of version 0.1.
    `periods`: how each calendar stood then.
    """

    contract: str
    seq: int
    spread: tuple[tuple[str, RowValue], ...]
    time_ms: int
    high_ms: int
    store_offset_ms: int
    boot_offset_ms: int
    wall_offset_ms: int | None = None
    periods: tuple[tuple[str, Dated], ...] = ()


@dataclass(frozen=True, slots=True)
class Rostered:
    """Everybody who has a row in the ledger, as of a version of it under the adopted identity."""

    contract: str
    version: int
    entries: tuple[RosterEntry, ...]


@dataclass(frozen=True, slots=True)
class Torn:
    """The journal was found damaged, and the rows behind the one before this may be lost.

    `found` says what was wrong, `kept` under which name in the state directory the damaged files
    are kept. Nobody can say what the lost rows held: `core.ledger.state` charges the worst case.
    """

    found: str
    kept: str


class Word(StrEnum):
    """What only an operator can say, and nobody can check."""

    RESTORED = "restored"  # all who have collected are known, though the ledger forgot them
    RAISED = "raised"  # the rules may be laxer from here on
    DROPPED = "dropped"  # a limit binds no more
    PASSED = "passed"  # so much time went by while no clock of ours ran
    ENDED = "ended"  # a contract is kept no more


@dataclass(frozen=True, slots=True)
class Vouched:
    """An operator's word, durable before it takes effect; `said` is what the command told of it.

    That a member is dead is not here, it stands in everybody's `Rostered`.
    """

    contract: str
    word: Word
    said: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An operator's word: the contract is kept in another home from here on; `Adopted` follows.

    `anew`: the ledger there has a time of its own, `time_ms` as it began to be ours, and all that
    still counts is stamped there again. Otherwise the ledger there goes on in the time before.
    """

    contract: str
    home: str
    anew: bool
    time_ms: int


Record = Started | Adopted | Used | Claimed | Resolved | Stamped | Rostered | Torn | Vouched | Moved
