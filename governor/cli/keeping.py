"""Keeping a journal short while its member lives: a checkpoint, and what is old removed, hourly.

A start replays what came after the last checkpoint, so without this a member that served for a
year would take minutes to start again, and nothing would ever leave its journal. Folding is done
in a thread, from the file, as any reader does it: what is in memory is not asked, because a
checkpoint must be what the rows come to.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from governor import recovery

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.core.ledger.state import MemberState
    from governor.journal import Journal

EVERY_MS: Final = 3_600_000  # an hour at full use is some 40,000 rows: a second to replay


async def keep_short(journal: Journal, clock: Clock, keep_ms: int) -> None:
    """Shorten the journal every hour, for ever. Raises JournalError when that fails."""
    while True:
        await clock.sleep_ms(EVERY_MS)
        await shorten(journal, clock, keep_ms)


async def shorten(journal: Journal, clock: Clock, keep_ms: int) -> None:
    """Write a checkpoint of all that is in the journal, and remove rows older than `keep_ms`."""
    state = await write_checkpoint(journal)
    await journal.prune(oldest_ms(state, clock.wall_ms()) - keep_ms)


async def write_checkpoint(journal: Journal) -> MemberState:
    """Write a checkpoint of all that is in the journal, and return it.

    The rows are verified first: a start does not look again at what a checkpoint covers. Raises
    DamagedError, and then the next start goes on from the last sound row.
    """
    await asyncio.to_thread(journal.verify_chain, tail=True)
    last, state = await asyncio.to_thread(recovery.load, journal)
    await journal.write_checkpoint(last, recovery.packed(state))
    return state


def oldest_ms(state: MemberState, now_ms: int) -> int:
    """Return the time, by the wall clock, from which the age of a row is reckoned.

    It is that clock or the latest ledger time, whichever is earlier: ledger time follows no step,
    so that a clock set far ahead cannot have the evidence removed.
    """
    times_ms = [contract.time_ms for contract in state.contracts.values()]
    return min(now_ms, max(times_ms, default=0))
