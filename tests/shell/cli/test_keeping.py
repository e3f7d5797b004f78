"""A member that lives for long keeps its journal short, and what it holds whole."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Final

import pytest

from governor import recovery
from governor.cli import keeping
from governor.core.ledger.messages import Account, Identity
from governor.core.ledger.records import Stamped, Used
from governor.core.ledger.state import MemberState
from governor.errors import DamagedError
from governor.journal import JOURNAL, Journal
from governor.tasks import Tasks
from tests.fakes.appending import claim
from tests.fakes.clock import MIDNIGHT_MS, FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR_MS: Final = 3_600_000
ACCOUNTS: Final = (Account("x-24h", 1_000, 86_400_000),)


@asynccontextmanager
async def member(state: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    """Give the journal of a member that keeps contract x."""
    journal = Journal.open(state, clock=clock, create=True)
    started = await recovery.start(journal, clock)
    await recovery.adopt(
        journal,
        started,
        "x",
        home=recovery.EMBEDDED,
        identity=Identity(1, "", ""),
        accounts=ACCOUNTS,
        clock=clock,
    )
    try:
        yield journal
    finally:
        await journal.close()


def told(clock: FakeClock, seq: int) -> Stamped:
    """Return the word of a ledger that it is as late as the wall clock says."""
    now_ms = clock.wall_ms()
    return Stamped("x", seq, (), now_ms, now_ms, 0, 0)


async def test_every_hour_a_checkpoint_covers_all_and_what_is_old_is_removed(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    failures: list[str] = []
    tasks = Tasks(lambda name, _: failures.append(name))
    async with member(tmp_path / "state", clock) as journal:
        tasks.start(keeping.keep_short(journal, clock, 2 * HOUR_MS), "retention")
        for hour in range(5):
            await clock.until_sleeping()
            await journal.append(claim(f"hold-{hour}"), told(clock, hour))
            clock.advance_ms(HOUR_MS)
        await clock.until_sleeping()
        covered, state = recovery.load(journal)

        assert journal.checkpoint() == (covered, recovery.packed(state))
        assert covered == journal.head.id
        assert next(journal.records())[1] == claim("hold-2")
        assert state.contracts["x"].claims.keys() == {f"hold-{hour}" for hour in range(5)}
        assert journal.verify_chain() == 6
        await tasks.cancel()

    assert failures == []


async def test_what_is_appended_meanwhile_is_not_covered(tmp_path: Path) -> None:
    """A checkpoint stands for rows that were folded, and for no other."""
    clock = FakeClock()
    async with member(tmp_path / "state", clock) as journal:
        await keeping.shorten(journal, clock, HOUR_MS)
        await journal.append(Used("x", (("x-24h", 7),)))
        covered = journal.checkpoint()

        assert covered is not None
        assert covered[0] == journal.head.id - 1
        assert recovery.load(journal)[1].contracts["x"].totals["x-24h"].charged == 7


async def test_a_checkpoint_covers_no_row_that_is_damaged(tmp_path: Path) -> None:
    """A start would not look at it again, and what it charged would be forgotten."""
    clock = FakeClock()
    async with member(tmp_path / "state", clock) as journal:
        row = await journal.append(Used("x", (("x-24h", 700),)))
        before = journal.checkpoint()
        with closing(sqlite3.connect(tmp_path / "state" / JOURNAL)) as other:
            change = "UPDATE record SET body = CAST(replace(body, '700', '100') AS BLOB)"
            other.execute(f"{change} WHERE id = {row}")
            other.commit()
        with pytest.raises(DamagedError, match=f"Record {row} "):
            await keeping.shorten(journal, clock, HOUR_MS)

        assert journal.checkpoint() == before


@pytest.mark.parametrize("step_ms", [0, 400 * 24 * HOUR_MS])
async def test_a_clock_set_far_ahead_removes_no_evidence(tmp_path: Path, step_ms: int) -> None:
    clock = FakeClock()
    async with member(tmp_path / "state", clock) as journal:
        await journal.append(told(clock, 1))
        clock.step_wall_ms(step_ms)
        await keeping.shorten(journal, clock, HOUR_MS)

        assert next(journal.records())[0] == 1


def test_without_a_contract_nothing_is_old() -> None:
    assert keeping.oldest_ms(MemberState(), MIDNIGHT_MS) == 0
