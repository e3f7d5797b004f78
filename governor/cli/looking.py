"""What the ledger of a contract is now, as a verb finds it before it says a word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor.cli import parts
from governor.config.values import duration_text
from governor.core import policy
from governor.core.ledger.accounts import stricter
from governor.core.ledger.roster import MemberStanding
from governor.core.rules import Rules

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.messages import Account
    from governor.core.ledger.state import ContractState
    from governor.core.policy import Contract
    from governor.store import Seen, Survey

SECOND_MS: Final = 1_000


async def look(config: Config, contract: str, clock: Clock) -> Survey | None:
    """Return what Redis holds of a contract, None if that is nothing, or the ledger is embedded.

    Raises SchemaError if a newer Governor wrote it, LedgerUnreachableError if Redis is away.
    """
    if not config.ledger.is_shared:
        return None
    store = parts.redis_store(config, contract, clock)
    try:
        return await store.survey()
    finally:
        await store.close()


def in_force(known: ContractState | None, there: Survey | None) -> Rules | None:
    """Return the rules that bind now, None if there are none yet.

    They are the ledger's, for another governor may have been told of a new limit, or of a higher
    one. Of a ledger that cannot be believed, is in this process, or is another one than `known`,
    it is the journal that knows what binds this member. As long as a tear of it counts, no limit is
    above the one that the tear was charged under.
    """
    if known is None:
        return rules_of(there) if there is not None and there.stands else None
    if there is None or not there.stands or there.identity != known.identity:
        return Rules(known.accounts, known.leniency)
    rules = rules_of(there)
    if not known.counts_tear(there.time_ms):
        return rules
    held = {name: _held(each, known.accounts.get(name)) for name, each in rules.accounts.items()}
    return replace(rules, accounts=held)


def _held(there: Account, known: Account | None) -> Account:
    """Return an account with the lower of two limits; one that was dropped stays so."""
    was_dropped = there.limit is None and not there.is_share
    if known is None or was_dropped:
        return there
    return replace(there, limit=stricter(there.limit, known.limit))


def configured(config: Config, contract: Contract) -> Rules:
    """Return the rules that the configuration shows of a contract."""
    accounts = policy.accounts(contract, config.jobs())
    return Rules({account.name: account for account in accounts}, policy.leniency(contract))


def last_ms(known: ContractState, there: Survey | None) -> int:
    """Return ledger time as the ledger that the journal knows has it, or else the journal."""
    if there is None or not there.stands or there.identity != known.identity:
        return known.time_ms
    return there.time_ms


def rules_of(there: Survey) -> Rules:
    """Return the rules that a ledger has."""
    return Rules({account.name: account for account in there.accounts}, there.leniency)


def waits_for(there: Survey) -> list[str]:
    """Return what a closed ledger waits for, one thing a line, each with what can be done."""
    word = ["an operator's word, for it was lost whole: `governor restore`"]
    return [*(word if there.awaits_word else ()), *map(_awaited, there.awaited())]


def return_or_retire(member: str) -> str:
    """Return what an operator can do about a member that a closed ledger waits for, and its price.

    Its row does not count, so nobody knows what it did last: `retire` takes the worst.
    """
    return (
        f"start that governor or, if it is dead for good, `governor retire --dead {member}` "
        "(charges the whole of every limit for two windows, unless --charged N says what it cost)"
    )


def _awaited(seen: Seen) -> str:
    heard = "not heard since it was lost"
    if seen.silent_ms is not None:
        heard = f"last heard {duration_text(seen.silent_ms // SECOND_MS * SECOND_MS)} ago"
    left = ""
    if seen.standing is MemberStanding.LEFT:
        left = "; it had left, and if it has not come back `governor restore` says so"
    ends = return_or_retire(seen.member)
    return f"{seen.member}, generation {seen.generation}, {heard}: {ends}{left}"
