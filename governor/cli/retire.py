"""`governor retire --dead`: an operator's word that a member will never speak again.

Whatever it held is charged, and after a loss nobody waits for it any more. If it lived after all,
what it still does would be counted by nobody: so it must not have been heard just now, and its row
is fenced, for good. The word stands in the roster, which every governor journals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor import clock as clocks
from governor.cli import parts
from governor.cli.looking import SECOND_MS, look
from governor.core.ledger.roster import MemberStanding
from governor.errors import DoubtError, UsageError

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.messages import Retired
    from governor.store import Seen

HEARD_MS: Final = 10_000  # one that lives speaks every second


async def retire(config: Config, member: str, *, dead: bool, charged: int | None) -> list[str]:
    """Retire a member in every contract's ledger that knows it, and say what it was charged.

    Raises UsageError for one that cannot be meant, DoubtError for one that lives or a ledger that
    cannot be believed, and LedgerError or LedgerUnreachableError.
    """
    if not dead:
        raise UsageError(
            f"retire needs --dead, your word that the process of member {member} has ended and "
            "will not start again; what it still did would be counted by nobody"
        )
    if not config.ledger.is_shared:
        raise UsageError("an embedded ledger has no member but this one: there is none to retire")
    if parts.read_journal(config).member == member:
        raise UsageError(
            f"{member} is the member of this state directory: start it with `governor run`, which "
            "charges what it left open"
        )
    clock = clocks.SystemClock()
    known = await _known(config, member, clock)
    for contract, seen in known.items():
        _require_silent(contract, seen)
    said = []
    for contract, seen in known.items():
        store = parts.redis_store(config, contract, clock)
        try:
            said += _said(contract, seen, await store.retire(member, charged), charged)
        finally:
            await store.close()
    return said


async def _known(config: Config, member: str, clock: Clock) -> dict[str, Seen]:
    """Return the member as each contract's ledger has it. Raises UsageError if none has it."""
    known: dict[str, Seen] = {}
    others: set[str] = set()
    for contract in config.contracts():
        there = await look(config, contract.name, clock)
        if there is None:
            raise DoubtError(
                f"the ledger of contract {contract.name!r} is gone, and with it who has used it: "
                "`governor run` restores it, or asks for `governor restore`; then say this again"
            )
        for seen in there.members:
            others.add(seen.member)
            if seen.member == member:
                known[contract.name] = seen
    if not known:
        raise UsageError(
            f"no ledger knows a member {member}; these are known: "
            f"{', '.join(sorted(others)) or 'none'}"
        )
    return known


def _require_silent(contract: str, seen: Seen) -> None:
    if seen.standing is not MemberStanding.ACTIVE or seen.silent_ms is None:
        return
    if seen.silent_ms < HEARD_MS:
        raise DoubtError(
            f"the ledger of contract {contract!r} heard {seen.member} "
            f"{seen.silent_ms / SECOND_MS:.0f} s ago: it lives. Stop it first; if it has just "
            f"died, say this again in {HEARD_MS // SECOND_MS} s"
        )


def _said(contract: str, seen: Seen, retired: Retired, charged: int | None) -> list[str]:
    """Return what the word came to, for one contract."""
    if seen.standing is MemberStanding.RETIRED and seen.counts:
        return [f"ledger of {contract}: {seen.member} was retired before"]
    posts = ", ".join(f"{posts:,} posts of {account}" for account, posts in retired.charged)
    until = clocks.utc(retired.frees_ms)
    lines = [
        f"ledger of {contract}: {seen.member} is retired, and charged {posts or 'nothing more'}",
        f"ledger of {contract}: all that it was ever charged is free by {until}, ledger time",
    ]
    if not seen.counts and charged is None:
        lines.append(
            f"ledger of {contract}: what it did last was lost with the ledger, so that is the "
            "whole of every limit"
        )
    if seen.counts and charged is not None:
        lines.append(
            f"ledger of {contract}: --charged {charged} was not needed, for the ledger knows what "
            "it held"
        )
    return lines
