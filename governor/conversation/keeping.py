"""What is learned becomes durable first, and is believed then.

A journal that failed stays failed: nobody can know what of its last commit is on the disk. One that
does not answer may come back, so who needs a fact to be durable waits for it a few seconds only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.errors import JournalError
from governor.tasks import Interrupted, unless

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.conversation.parts import Journal
    from governor.core.ledger.records import Record
    from governor.core.ledger.state import MemberState

PATIENCE_MS = 5_000  # a grant that is older is given back unused (invariant 5)


class Keeper:
    """Writes facts of the conversation into the journal, then folds them into the live state."""

    def __init__(self, journal: Journal, state: MemberState, clock: Clock) -> None:
        self._journal, self._state, self._clock = journal, state, clock
        self._asked_ms: int | None = None
        self.broken = False

    def owed_ms(self) -> int:
        """Return for how long the journal has owed us a commit, by the boot clock."""
        return 0 if self._asked_ms is None else self._clock.boot_ms() - self._asked_ms

    async def keep(self, record: Record) -> bool:
        """Make a fact durable and believe it; say whether that succeeded."""
        if self._asked_ms is None:
            self._asked_ms = self._clock.boot_ms()
        try:
            await self._journal.append(record)
        except JournalError:
            self.broken = True
            return False
        self._asked_ms = None
        self._state.apply(record)
        return True

    async def keep_soon(self, record: Record) -> bool:
        """As `keep`, but give up after a few seconds. Then the fact is durable later, or not."""
        try:
            return await unless(self._clock.sleep_ms(PATIENCE_MS), self.keep(record))
        except Interrupted:
            return False
