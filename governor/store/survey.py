"""What a ledger is to an operator who looks at it from outside, without a row in it.

The verbs that act on somebody's word (`restore`, `retire`, `init`) must tell what they are about to
change, and `check` what stands in the way. None of that is a message: whoever only looks must not
be waited for after a loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from governor.core.ledger.messages import Account, DoubtReason, Identity, Leniency, Unit
from governor.core.ledger.roster import MemberStanding


@dataclass(frozen=True, slots=True)
class Seen:
    """One member as the ledger has it.

    `counts`: its row is in the sums; else it is of before a loss, or only its name is known.
    `silent_ms` is the time since it was last heard, None if this ledger never heard it.
    `awaited`: it must speak, or be retired, before a closed ledger opens.
    """

    member: str
    generation: int
    standing: MemberStanding
    frees_ms: int
    counts: bool
    silent_ms: int | None
    awaited: bool


@dataclass(frozen=True, slots=True)
class Survey:
    """A ledger that is there, whole or not. `amiss`: why no message to it would be answered.

    `is_here`: it was written by this run of this Redis. `time_ms` is ledger time.
    """

    identity: Identity
    amiss: DoubtReason | None
    is_here: bool
    time_ms: int
    open: bool
    awaits_word: bool
    leniency: Leniency
    accounts: tuple[Account, ...]
    members: tuple[Seen, ...]

    @property
    def stands(self) -> bool:
        """Whether it can be spoken to: whole, of this run, and nothing amiss."""
        return self.amiss is None and self.is_here

    def awaited(self) -> tuple[Seen, ...]:
        """Return the members that must speak before a closed ledger opens."""
        if self.open:
            return ()
        return tuple(seen for seen in self.members if seen.awaited)


class SurveyWire(msgspec.Struct, array_like=True, tag="survey"):
    """What `survey.lua` returns of a ledger that this Governor can read."""

    amiss: str
    is_here: int
    identity: tuple[int, str, str]
    time_ms: int
    open: int
    awaits_word: int
    leniency: int
    accounts: tuple[tuple[str, int, int, Unit, str], ...]
    members: tuple[tuple[str, int, int, int, int, int, int], ...]


class NewerWire(msgspec.Struct, array_like=True, tag="schema"):
    """What it returns of one that a newer Governor wrote."""

    schema: int


_DECODER = msgspec.msgpack.Decoder(SurveyWire | NewerWire)


def decode(said: bytes) -> Survey | int | None:
    """Return what was found: nothing, a ledger, or the schema of one that we cannot read.

    Raises msgspec.MsgspecError for bytes that `survey.lua` does not return.
    """
    found = _DECODER.decode(said)
    if isinstance(found, NewerWire):
        return found.schema
    if not found.identity[0] and not found.members:
        return None
    return Survey(
        identity=Identity(*found.identity),
        amiss=DoubtReason(found.amiss) if found.amiss else None,
        is_here=bool(found.is_here),
        time_ms=found.time_ms,
        open=bool(found.open),
        awaits_word=bool(found.awaits_word),
        leniency=Leniency(found.leniency),
        accounts=tuple(
            Account(name, None if limit < 0 else limit, window_ms, unit, calendar)
            for name, limit, window_ms, unit, calendar in found.accounts
        ),
        members=tuple(_seen(*each) for each in sorted(found.members)),
    )


def _seen(
    member: str,
    generation: int,
    standing: int,
    frees_ms: int,
    counts: int,
    silent_ms: int,
    awaited: int,
) -> Seen:
    return Seen(
        member=member,
        generation=generation,
        standing=MemberStanding(standing),
        frees_ms=frees_ms,
        counts=bool(counts),
        silent_ms=None if silent_ms < 0 else silent_ms,
        awaited=bool(awaited),
    )
