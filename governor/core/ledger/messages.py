"""What a governor and a ledger say to each other: one message, one reply.

A message carries absolute values, never differences, so a message that is lost, repeated, delayed
or overtaken changes nothing (invariant 2). A governor sends one at a time and batches what gathered
meanwhile; a message is repeated byte for byte or not at all.

An account is named by its limit (`x-24h`), or by its limit and a job (`x-24h/elections`): the
contract's own total, and that job's share of it. All times are milliseconds of ledger time, except
`boot_ms`, a reading of the sender's CLOCK_BOOTTIME.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from typing import TYPE_CHECKING

from governor.core.calendar import Period  # noqa: TC001  # a checkpoint decodes by annotation
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.ledger.roster import Roster, RosterEntry

MOST_POSTS = 2**31  # a limit, or one hold, in posts: fits a 32-bit slot of a ring with room above
Unit = str  # posts or what they are called, requests, or one in which a catalog states costs
SHARE = "/"  # parts a limit's name from a job's in an account


@dataclass(frozen=True, slots=True)
class Identity:
    """Which ledger this is: anything else that answers is not the one we wrote to."""

    epoch: int
    run_id: str
    replication_id: str


class Leniency(IntFlag):
    """In what a contract's rules are laxer than the strictest there are.

    The ledger keeps what all rules that it was shown have in common, so the strictest bind all
    (invariant 10).
    """

    SHADOW = 1  # mode = "shadow", not "enforce"
    RECEIVED = 2  # basis = "received", not "asked"
    UNKNOWN_CHARGED = 4  # unknown = "charge", not "refuse"
    ERRORS_FREE = 8  # errors = "free", not "charge"


LAXEST = Leniency(15)  # says nothing: a rule that nobody has shown binds nobody


@dataclass(frozen=True, slots=True)
class Account:
    """One sum that may not pass `limit` (None: counted, not limited) in any `window_ms`.

    What it counts never changes under a name: a sum of requests says nothing about posts. With a
    `calendar` (the text of one) it is the sum of each of its periods, and `window_ms` is the
    longest that they last.
    """

    name: str
    limit: int | None
    window_ms: int
    unit: Unit = "posts"
    calendar: str = ""

    def __post_init__(self) -> None:
        Window(self.window_ms)
        if self.limit is not None and not 0 <= self.limit <= MOST_POSTS:
            raise ValueError(f"a limit is from 0 to {MOST_POSTS} {self.unit}, not {self.limit}")

    @property
    def is_share(self) -> bool:
        """Whether this is one job's share of a limit and not the limit itself."""
        return SHARE in self.name


@dataclass(frozen=True, slots=True)
class RowValue:
    """One account of a member's row: `pending` as it stands, the other two only ever grow.

    `charged` grows at the last byte read; `lingered` by what was let go of before its last byte,
    which the platform may count up to `Window.linger_ms` later.
    """

    pending: int = 0
    charged: int = 0
    lingered: int = 0

    def __post_init__(self) -> None:
        if min(self.pending, self.charged, self.lingered) < 0:
            raise ValueError(f"a row holds no fewer than 0 posts: {self}")


@dataclass(frozen=True, slots=True)
class Dated:
    """How a calendar stood at one message: the period that is running, as far as all clocks agree.

    `charges` and `lingers` are the periods (by number) into which growth told then was stamped.
    """

    period: Period
    charges: int
    lingers: int


@dataclass(frozen=True, slots=True)
class WholeRow:
    """A member's row with its buckets, as its journal has it. It replaces the ledger's, whole.

    `spread` says how much of each account's growth `buckets` already holds; what the message's
    values have beyond it is stamped now. `boot_offset_ms` is None when the machine was rebooted
    since: that clock must be anchored anew. `roster` is everybody whom the journal, or the
    configuration, knows. `periods`: of each calendar the latest period that it was told of.
    """

    spread: Mapping[str, RowValue]
    buckets: Mapping[str, Mapping[int, int]]
    time_ms: int
    high_ms: int
    boot_offset_ms: int | None
    roster: tuple[RosterEntry, ...] = ()
    periods: Mapping[str, Period] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A hold asked for: granted on all of its accounts or on none.

    While it may still wait `patience_ms`, later asks that share an account it was refused on do
    not overtake it.
    """

    amounts: tuple[tuple[str, int], ...]
    patience_ms: int = 0

    def __post_init__(self) -> None:
        accounts = {account for account, _ in self.amounts}
        if len(accounts) < len(self.amounts):
            raise ValueError(f"an ask names each account once: {self.amounts}")
        if any(not 0 <= posts <= MOST_POSTS for _, posts in self.amounts):
            raise ValueError(f"an ask is from 0 to {MOST_POSTS} posts: {self.amounts}")


@dataclass(frozen=True, slots=True)
class Message:
    """All that one governor tells the ledger of one contract, and asks of it.

    `roster` is the version that it has journaled under this identity (0: none). `anchor`: the
    reading that set my clock's offset came late, forget it. `leaving`: my last word, nothing is
    pending. `leniency` are the rules it runs under, shown with a whole row. `kept_ms`: up to which
    ledger time its journal is durable; 0: it lost rows, and does not know. `date_ms` is the
    sender's wall clock (0: not told), and `periods` are, of each calendar by its text, the period
    before that date's and the one that has it, by the sender's rules of time zones.
    """

    member: str
    identity: Identity
    generation: int
    seq: int
    acked: int
    nonce: str
    boot_ms: int
    values: Mapping[str, RowValue]
    asks: tuple[Ask, ...] = ()
    whole: WholeRow | None = None
    accounts: tuple[Account, ...] = ()
    roster: int = 0
    anchor: bool = False
    leaving: bool = False
    leniency: Leniency = LAXEST
    kept_ms: int = 0
    date_ms: int = 0
    periods: tuple[tuple[str, Period, Period], ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """A member's word that the ledger it knew as `seen` cannot be believed, and what it knows.

    `named`: the roster is complete, the configuration says so. `word`: an operator says that
    collection may go on although nobody can know who collected (`governor restore`). `vouches`:
    this member was heard until the last moment, so whoever came back had to wait for it.
    """

    seen: Identity
    time_ms: int
    high_ms: int
    accounts: tuple[Account, ...]
    roster: tuple[RosterEntry, ...]
    leniency: Leniency = LAXEST
    named: bool = False
    word: bool = False
    vouches: bool = False


@dataclass(frozen=True, slots=True)
class Retired:
    """What retiring a dead member charged, by account, and when the last of it frees."""

    charged: tuple[tuple[str, int], ...]
    frees_ms: int


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to one ask. Refused: `account` says by which, `retry_at_ms` when it fits.

    `retry_at_ms` is exact as far as charged posts stand in the way. None: holds still pending
    stand in the way and may end at any moment. A price above the limit has `never` set.
    """

    granted: bool
    account: str = ""
    retry_at_ms: int | None = None
    never: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What an account holds now: `usage` is charged plus held; `limit` is the enforced one.

    `next_free_ms` is the first instant at which any charged post frees (None: none is charged).
    """

    charged: int
    pending: int
    limit: int | None
    next_free_ms: int | None


class DoubtReason(StrEnum):
    """Why a ledger's word cannot be taken. Nothing is sent while any of these holds."""

    MISSING = "missing"  # no ledger there, or a key of it is gone or short
    EVICTING = "evicting"  # maxmemory-policy is not noeviction
    FOREIGN = "foreign"  # another run, another replication history, another epoch
    ROLLED_BACK = "rolled_back"  # my row is older than what was acknowledged to me
    BEHIND = "behind"  # my journal is older than my row: it was put back from a copy
    UNKNOWN_ROW = "unknown_row"  # it does not know me, and I did not bring my whole row
    RULES = "rules"  # a limit it has never heard of, or one with another window or unit
    CALENDAR = "calendar"  # my days begin or end at other instants, or my date is far off
    MISCOUNTED = "miscounted"  # the sums do not add up to the rows
    CLOSED = "closed"  # a loss is being recovered from
    UNREACHABLE = "unreachable"  # no reply in time
    JOURNAL = "journal"  # our own journal cannot be written
    FENCED = "fenced"  # a later start of this member has taken over
    RETIRED = "retired"  # an operator declared this member dead
    SCHEMA = "schema"  # a newer Governor wrote it
    ERROR = "error"  # Redis refused our script, or it failed half-way


@dataclass(frozen=True, slots=True)
class Doubt:
    """The ledger refuses to answer, and why; `identity` is what it is now, if it is there.

    `detail` is what the store itself said of an error.
    """

    nonce: str
    reason: DoubtReason
    identity: Identity | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Fenced:
    """A later start of the same member has spoken: this process may say nothing more."""

    nonce: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A later message of this member was heard already; its reply is not kept any more."""

    nonce: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The ledger's answer. Growth told in the message was stamped into the bucket of `high_ms`.

    `store_ms` is what the clock beside the ledger read, uncorrected. `roster` is there if it is
    another than the message named. `periods` is how each calendar stands, by its text. While the
    ledger is closed, `awaiting` are the members that have not restored, and `awaits_word` says that
    an operator must allow it to open.
    """

    nonce: str
    seq: int
    identity: Identity
    time_ms: int
    high_ms: int
    store_offset_ms: int
    boot_offset_ms: int
    open: bool
    grants: tuple[Grant, ...]
    usage: Mapping[str, Usage]
    stepped: tuple[str, ...] = field(default=())
    store_ms: int = 0
    roster: Roster | None = None
    leniency: Leniency = LAXEST
    awaiting: tuple[str, ...] = ()
    awaits_word: bool = False
    periods: Mapping[str, Dated] = field(default_factory=dict)


Answer = Reply | Doubt | Fenced | Stale
