"""A process that appends to a journal and says what was acknowledged, until it is killed or full.

`python appending.py DIRECTORY [KILOBYTES]`: prints `open MEMBER`, then one line `ID HOLD` for each
acknowledged record. With KILOBYTES no file of this process may grow beyond that. At the first
failure it prints `failed MESSAGE` and what a second append does (`refused` or `written`), removes
DIRECTORY/filler and its limit, opens the journal anew, prints `open` and one more line, and ends.
"""

from __future__ import annotations

import asyncio
import itertools
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from governor.clock import SystemClock
from governor.core.ledger.records import Claimed
from governor.errors import JournalError
from governor.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

ABREAST = 8  # callers at a time, so that commits carry several records


def claim(hold: str) -> Claimed:
    """Return a claim as a search page makes it."""
    amounts = (("x-24h", 130), ("x-24h/elections", 130))
    return Claimed(
        contract="x",
        hold=hold,
        job="elections",
        operation="tweets/search/recent",
        asked=100,
        price=130,
        amounts=amounts,
        catalog="7f3a",
        at_ms=1_795_478_400_000,
    )


def _say(*words: object) -> None:
    """Write one line at once and whole."""
    sys.stdout.write(" ".join(str(word) for word in words) + "\n")
    sys.stdout.flush()


async def _acknowledge(journal: Journal, holds: Iterator[int]) -> None:
    """Append for ever; say each record when it is acknowledged."""
    for number in holds:
        hold = f"hold-{number}"
        record_id = await journal.append(claim(hold))
        _say(record_id, hold)


async def _run(directory: Path) -> None:
    journal = Journal.open(directory, clock=SystemClock(), create=True)
    _say("open", journal.member)
    holds = itertools.count()
    work = (_acknowledge(journal, holds) for _ in range(ABREAST))
    failures = await asyncio.gather(*work, return_exceptions=True)
    assert all(isinstance(failure, JournalError) for failure in failures), failures
    _say("failed", failures[0])
    (directory / "filler").unlink(missing_ok=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    try:
        await journal.append(claim("after the failure"))
        _say("written")
    except JournalError:
        _say("refused")
    await journal.close()
    journal = Journal.open(directory, clock=SystemClock(), create=False)
    _say("open", journal.member)
    _say(await journal.append(claim("anew")), "anew")
    await journal.close()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        most = int(sys.argv[2]) * 1024
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    asyncio.run(_run(Path(sys.argv[1])))
