"""What the ledger of a contract is now, as a verb finds it before it says a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.cli import parts
from governor.core.rules import Rules

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.state import ContractState
    from governor.store import Survey


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
    one. Of a ledger that cannot be believed, or is in this process, the journal knows them.
    """
    if there is not None and there.stands:
        return Rules({account.name: account for account in there.accounts}, there.leniency)
    return None if known is None else Rules(known.accounts, known.leniency)
