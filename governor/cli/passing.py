"""`governor restore --passed`: an operator's word on time that no clock of this machine saw pass.

While a machine is off, its boot clock stands still, and a wall clock that nobody keeps right may
say anything. Such time does not count, so posts stay charged for as much longer (invariant 6),
unless somebody who knows better says how much of it there was. Too much would free posts early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor import recovery
from governor.cli import parts
from governor.cli.idle import idle_member
from governor.clock import SystemClock
from governor.config.values import duration_text
from governor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.config import Config


async def let_pass(config: Config, passed_ms: int, say: Callable[[str], None]) -> None:
    """Let so much time have passed for every contract, and keep that word in the journal.

    Raises UsageError where the ledger is shared, InUseError while a Governor runs, and DoubtError.
    """
    if config.ledger.is_shared:
        raise UsageError(
            "a shared ledger keeps its time by the clocks of Redis and of all its governors, which "
            "went on meanwhile: nobody need say what they saw"
        )
    async with idle_member(config, SystemClock(), create=False) as idle:
        for contract in config.contracts():
            recovery.require_home(idle.state, contract.name, parts.home(config))
            await recovery.elapse(idle.journal, idle.state, contract.name, passed_ms, idle.clock)
            say(
                f"ledger of {contract.name}: you vouch that {duration_text(passed_ms)} have passed "
                "that no clock of this machine saw"
            )
