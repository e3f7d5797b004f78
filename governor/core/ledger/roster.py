"""Who must have spoken before a lost ledger may be believed again.

A ledger that lost its memory cannot say who used it. So every member journals the roster, each
time it changes, before it uses a grant that came with it; after a loss the contract stays closed
until everybody whom any of the journals names has brought its row, or is known to have nothing
left in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class MemberStanding(IntEnum):
    """What is known of one generation of a member. Of two reports the later one here is newer."""

    ACTIVE = 0  # it may hold or charge anything
    LEFT = 1  # its last word: nothing is pending, and nothing more will come
    RETIRED = 2  # an operator's word that it is dead; it may not speak again


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One member. `frees_ms`: when the last of its charges frees; 0 while it is active."""

    member: str
    generation: int
    standing: MemberStanding = MemberStanding.ACTIVE
    frees_ms: int = 0

    def is_newer_than(self, other: RosterEntry) -> bool:
        """Say whether this is the later report of the same member."""
        return (self.generation, self.standing) > (other.generation, other.standing)


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody, sorted by name. `version` counts the changes under one identity, from 1."""

    version: int
    entries: tuple[RosterEntry, ...]


def united(*rosters: Iterable[RosterEntry]) -> tuple[RosterEntry, ...]:
    """Return everybody in any of these, each by its latest report, sorted by name."""
    known: dict[str, RosterEntry] = {}
    for roster in rosters:
        for entry in roster:
            before = known.get(entry.member)
            if before is None or entry.is_newer_than(before):
                known[entry.member] = entry
    return tuple(known[member] for member in sorted(known))
