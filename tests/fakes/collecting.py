"""A real member that collects, and stands still after each record until it is told to go on.

`python -m tests.fakes.collecting DIRECTORY`: for each commit it prints one line, `ID KIND POSTS`
(POSTS: what a claim holds or a resolution charged, else 0), and waits for a line on its input. At
that moment the commit is on the disk and nothing behind it is: kill it there, or copy its files.
It ends by itself after `REQUESTS` requests, which end in every way there is; the last stays open.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from governor import recovery
from governor.clock import SystemClock
from governor.conversation import Conversation
from governor.core.ledger.decisions import Granted
from governor.core.ledger.holds import Hold
from governor.core.ledger.messages import Account, Identity
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.journal import Journal
from governor.store import EmbeddedStore
from governor.tasks import Tasks

if TYPE_CHECKING:
    from governor.core.ledger.records import Record

CONTRACT: Final = "x"
LIMIT: Final = 10_000
ACCOUNTS: Final = (
    Account("x-1h", LIMIT, 3_600_000),
    Account("x-1h/elections", 5_000, 3_600_000),
)
USED: Final = 40
REQUESTS: Final = 8
ENDS: Final = (  # how a request ends, and how many tenths of its price it is charged
    (Outcome.SETTLED, 7),
    (Outcome.ORPHANED, 10),
    (Outcome.VOID, 0),
    (Outcome.SETTLED, 12),  # more was received than priced
)


class Halting:
    """A journal that says each commit and waits for leave, the whole process with it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._turn = asyncio.Lock()  # else two would share a commit

    async def append(self, *records: Record) -> int:
        """Append, say what, and wait."""
        async with self._turn:
            return self._halt(records, await self._journal.append(*records))

    def _halt(self, records: tuple[Record, ...], last: int) -> int:
        record = records[-1]
        posts = 0
        if isinstance(record, Claimed | Resolved):
            posts = dict(record.amounts).get("x-1h", 0)
        sys.stdout.write(f"{last} {type(record).__name__} {posts}\n")
        sys.stdout.flush()
        if not sys.stdin.readline():
            raise SystemExit(1)
        return last


async def _collect(directory: Path) -> None:
    clock, tasks = SystemClock(), Tasks(lambda _, error: sys.exit(repr(error)))
    journal = Journal.open(directory, clock=clock, create=True)
    state = await recovery.start(journal, clock)
    await recovery.adopt(
        journal,
        state,
        CONTRACT,
        home=recovery.EMBEDDED,
        identity=Identity(1, "", ""),
        accounts=ACCOUNTS,
        clock=clock,
        used=(("x-1h", USED),),
    )
    halting = Halting(journal)
    talk = Conversation(
        CONTRACT,
        state,
        ledger=EmbeddedStore(recovery.book(state.contracts[CONTRACT]), clock),
        journal=halting,
        clock=clock,
        tasks=tasks,
    )
    await talk.join()
    for number in range(REQUESTS):
        await _request(talk, halting, number)
    await talk.close()
    await tasks.drain(1)
    await journal.close()


async def _request(talk: Conversation, journal: Halting, number: int) -> None:
    price = 100 + number
    amounts = tuple((account.name, price) for account in ACCOUNTS)
    hold = Hold(f"hold-{number}", amounts)
    decision = await talk.reserve(hold, patience_ms=1_000)
    assert isinstance(decision, Granted), decision
    asked = price // 2
    await journal.append(
        Claimed(CONTRACT, hold.id, "elections", "op", asked, price, amounts, "", talk.time_ms)
    )
    if number == REQUESTS - 1:
        return
    outcome, tenths = ENDS[number % len(ENDS)]
    charged = tuple((account.name, price * tenths // 10) for account in ACCOUNTS if tenths)
    lingers = outcome is Outcome.ORPHANED
    await journal.append(Resolved(CONTRACT, hold.id, outcome, None, charged, lingers, talk.time_ms))
    talk.end(hold, charged, lingers=lingers)


if __name__ == "__main__":
    asyncio.run(_collect(Path(sys.argv[1])))
