"""`governor init --move`: a contract is kept in another home from now on.

To move is to join with the whole row. What was counted must not be lost on the way, so:

- A Redis that has no ledger is given one, declared lost from the start, with this journal's time,
  rules and roster. It opens when everybody in that roster has moved too, or is known to be gone.
- A ledger that is there already has a time of its own, in which nobody can say how old our posts
  are. All that still counts is stamped there anew, and counts for another whole window.
- An embedded ledger has one member, so it takes one in who was alone, or is alone by now.

The old home is not told: who stays there goes on counting there, and what this member charged stays
in its row. Both homes then grant the whole limit, which is why it is said aloud.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor import recovery
from governor.cli import parts
from governor.cli.making import (
    Begun,
    Done,
    adopt,
    begin_shared,
    said_of_rules,
    tell,
    vouched_for,
)
from governor.core.ledger.messages import Identity, Loss
from governor.core.ledger.records import Moved
from governor.core.ledger.roster import MemberStanding
from governor.errors import DoubtError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.cli.idle import IdleMember
    from governor.cli.making import Plan, Words
    from governor.core.ledger.state import ContractState
    from governor.store import Survey


async def move(member: IdleMember, plan: Plan, words: Words) -> Done:
    """Keep a contract in the home that the configuration names, and say so.

    Raises DoubtError if what was counted would be lost, and what the ledger there raises.
    """
    known, there, name = plan.known, plan.there, plan.contract.name
    assert known is not None, "only what is kept somewhere can be moved"
    lines = (*_said(member, plan, known), *said_of_rules(plan, words))
    vouched = tuple(vouched_for(plan, words))
    if not member.config.ledger.is_shared:
        _require_alone(member, plan, known)
        identity = Identity(known.identity.epoch + 1, member.state.member, recovery.EMBEDDED)
    elif there is None:
        if vouched:
            await member.write(*vouched)
            vouched = ()
        identity = await _declare(member, plan, known)
    else:
        identity = _require_open(plan, there)
    charged = {limit: begins.joined for limit, begins in plan.begins.items()}
    time_ms = known.time_ms if there is None else there.time_ms
    begun = Begun(identity, time_ms, charged, tuple(charged))
    moved = Moved(name, plan.home, anew=there is not None, time_ms=time_ms)
    await adopt(member, plan, begun, *vouched, moved)
    if there is not None and there.open:
        await begin_shared(member, plan, words)
    await tell(member, plan)
    return Done(lines, began=bool(charged))


def _others(member: IdleMember, known: ContractState) -> Iterator[str]:
    """Yield who else may still count posts in the home that is left, as the journal knows it."""
    for entry in known.roster:
        is_gone = entry.standing is not MemberStanding.ACTIVE and entry.frees_ms <= known.time_ms
        if entry.member != member.state.member and not is_gone:
            yield entry.member


def _require_alone(member: IdleMember, plan: Plan, known: ContractState) -> None:
    others = ", ".join(_others(member, known))
    if others:
        raise DoubtError(
            f"contract {plan.contract.name!r} is shared in {known.home} with {others}, and an "
            "embedded ledger is for one governor alone: posts of theirs would be forgotten. Stop "
            "them, wait until what they charged is free, and run this governor there once more."
        )


def _require_open(plan: Plan, there: Survey) -> Identity:
    """Return which ledger is there: open or, if it needs nothing of us but our row, closed.

    Raises DoubtError for one that is lost itself.
    """
    if there.stands and (there.open or not plan.begins):
        return there.identity
    raise DoubtError(
        f"the ledger of contract {plan.contract.name!r} in {plan.home} is lost or closed itself, "
        "and its rules do not change before it is open again: restore it first."
    )


async def _declare(member: IdleMember, plan: Plan, known: ContractState) -> Identity:
    """Let a Redis that has no ledger keep ours: it was lost there, as it were, and is restored."""
    accounts = known.accounts | {each.name: each for each in plan.bound.accounts}
    store = parts.redis_store(member.config, plan.contract.name, member.clock)
    try:
        return await store.declare(
            Loss(
                seen=known.identity,
                time_ms=known.time_ms,
                high_ms=known.high_ms,
                accounts=tuple(accounts.values()),
                roster=known.roster,
                leniency=plan.bound.leniency,
                word=True,
            )
        )
    finally:
        await store.close()


def _said(member: IdleMember, plan: Plan, known: ContractState) -> Iterator[str]:
    name, others = plan.contract.name, ", ".join(_others(member, known))
    yield (
        f"ledger of {name}: moved from {known.home} to {plan.home}, on your word that from now on "
        "nobody collects under the old one"
    )
    if plan.there is not None:
        yield f"ledger of {name}: what still counts was stamped there anew, for a whole window"
    elif others:
        yield (
            f"ledger of {name}: it opens when these have moved too (`governor init --move`) or are "
            f"retired: {others}"
        )
