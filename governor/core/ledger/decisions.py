"""What a conversation says of one hold, and of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governor.core.ledger.messages import DoubtReason, Grant, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Granted:
    """The ledger granted the hold."""

    waited_ms: int


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not fit in time.

    `retry_ms` from now it will (None: that depends on holds not yet ended); `free_ms` from now the
    oldest charged posts free (None: none are charged). `usage` is that of the refusing account.
    """

    grant: Grant
    usage: Usage
    retry_ms: int | None
    free_ms: int | None
    waited_ms: int


@dataclass(frozen=True, slots=True)
class Doubted:
    """The ledger's word cannot be had or taken: nothing is sent."""

    reason: DoubtReason


Decision = Granted | Refused | Doubted


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a status page shows of one conversation, as of the ledger's last reply.

    Ledger times, but two ages: that of the oldest hold of this member, and how long its present
    doubt has lasted. `members` are those in the roster, `awaiting` those for whom a closed ledger
    waits; `awaits_word`: it also waits for an operator's.
    """

    contract: str
    doubt: DoubtReason | None
    usage: Mapping[str, Usage]
    time_ms: int
    high_ms: int
    waiting: int
    holds: int
    oldest_hold_ms: int | None
    stepped: tuple[str, ...]
    doubt_ms: int | None = None
    members: tuple[str, ...] = ()
    awaiting: tuple[str, ...] = ()
    awaits_word: bool = False


# The ledger is not the one that was known: it is declared lost, and restored from all journals.
LOSSES: Final = frozenset(
    {DoubtReason.MISSING, DoubtReason.FOREIGN, DoubtReason.ROLLED_BACK, DoubtReason.MISCOUNTED}
)
# No waiting helps: a process that starts says so and ends.
NEEDS_OPERATOR: Final = frozenset(
    {
        DoubtReason.EVICTING,
        DoubtReason.BEHIND,
        DoubtReason.RULES,
        DoubtReason.CALENDAR,
        DoubtReason.JOURNAL,
        DoubtReason.FENCED,
        DoubtReason.RETIRED,
        DoubtReason.SCHEMA,
    }
)

_NEWER_JOURNAL: Final = (
    "Put the newer journal back; if it is lost, move this state directory away, run `governor "
    "init` and `governor retire --dead` with the old member's name"
)
REMEDIES: Final = {
    DoubtReason.MISSING: "it is not there, or a key of it is gone; run `governor init` if it never "
    "was there, else `governor run` restores it, or asks for `governor restore`",
    DoubtReason.EVICTING: "Redis may evict its keys; set maxmemory-policy to noeviction",
    DoubtReason.FOREIGN: "Redis was restarted, restored or replaced since this journal knew it; "
    "`governor run` restores it",
    DoubtReason.ROLLED_BACK: "it is older than what it had acknowledged: it was put back from a "
    "copy; `governor run` restores it",
    DoubtReason.BEHIND: "this journal is older than what the ledger was told: it was put back from "
    f"a copy. {_NEWER_JOURNAL}",
    DoubtReason.UNKNOWN_ROW: "it does not know this governor",
    DoubtReason.RULES: "it has a limit that the configuration lacks, or the configuration has one "
    "that it lacks or with another window; `governor init` says which",
    DoubtReason.CALENDAR: "governors compute different boundaries of days or months, or dates that "
    "are hours apart: give all the same tzdata, and set the clocks of this machine and the store's",
    DoubtReason.MISCOUNTED: "its sums do not add up to its rows; `governor run` restores it",
    DoubtReason.CLOSED: "a loss is being recovered from, or this governor is going down; `governor "
    "check` says whom the ledger waits for",
    DoubtReason.UNREACHABLE: "it does not answer; is Redis up, and the address right?",
    DoubtReason.JOURNAL: "the journal cannot be written; free the disk and start again",
    DoubtReason.SCHEMA: "a newer Governor wrote it; upgrade this one",
    DoubtReason.ERROR: "Redis refused the ledger's script or it failed; see the log of Redis",
    DoubtReason.RETIRED: "an operator declared this member dead; move its state directory away and "
    "run `governor init` to go on as a new one",
    DoubtReason.FENCED: "a later start of this state directory has spoken: it runs elsewhere (stop "
    f"this one), or this directory was put back from an old copy. {_NEWER_JOURNAL}",
}
