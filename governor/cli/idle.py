"""A member for which no Governor runs, in the hands of a verb.

`init` and `restore` must speak to the ledger as this member does, and as nobody else may at the
same time: they hold its journal's lock, begin a generation, and take leave when they are done.
"""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor import recovery
from governor.cli import parts, tears
from governor.conversation import Conversation
from governor.errors import LedgerError
from governor.journal import Journal
from governor.tasks import Tasks
from governor.zones import Periods

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.records import Record
    from governor.core.ledger.state import MemberState

STAMPS_S = 1.0  # for what the ledger answered last to be journaled: one commit


@dataclass(frozen=True, slots=True)
class IdleMember:
    """One member and its journal. `state` is what the journal says, kept up to date."""

    config: Config
    journal: Journal
    state: MemberState
    clock: Clock

    async def write(self, *records: Record) -> None:
        """Make records durable, all or none. Not while the member talks."""
        await recovery.write(self.journal, self.state, *records)

    @asynccontextmanager
    async def talking(self, contract: str) -> AsyncIterator[Conversation]:
        """Bring this member's row to the ledger of a contract, and take leave at the end.

        Raises DoubtError if the ledger needs an operator, LedgerError if a defect ends the talk.
        """
        failures: list[BaseException] = []
        tasks = Tasks(lambda _, error: failures.append(error))
        store = parts.store(self.config, contract, self.state.contracts[contract], self.clock)
        talk = Conversation(
            contract,
            self.state,
            ledger=store,
            journal=self.journal,
            clock=self.clock,
            tasks=tasks,
            members=self.config.ledger.members,
            periods=Periods(),
        )
        try:
            await talk.join()
            yield talk
            await talk.close()
            await tasks.drain(STAMPS_S)
        finally:
            await tasks.cancel()
            await store.close()
        if failures:
            raise LedgerError(f"the ledger could not be told: {failures[0]}")


@asynccontextmanager
async def idle_member(config: Config, clock: Clock, *, create: bool) -> AsyncIterator[IdleMember]:
    """Take hold of the configured state directory; with `create`, it and its journal are made.

    A journal that was damaged is told on stderr. Raises InUseError while a Governor runs there,
    and LedgerError if the journal cannot be had.
    """
    journal = Journal.open(config.ledger.state, clock=clock, create=create)
    if journal.torn is not None:
        sys.stderr.write(f"governor: {tears.said(journal.torn, config.ledger.state)}\n")
    try:
        yield IdleMember(config, journal, await recovery.start(journal, clock), clock)
    finally:
        await journal.close()
