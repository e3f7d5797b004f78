"""A journal is read to its last sound row, and what is wrong with it is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec
import pytest

from governor.core.ledger.messages import Account, Identity, RowValue
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Moved,
    Outcome,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.core.ledger.state import MemberState
from governor.evidence.reading import Read, read
from governor.journal import JOURNAL, Journal
from tests.fakes.clock import MIDNIGHT_MS, FakeClock

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY: Final = Identity(1, "run", "")
ACCOUNT: Final = Account("x", 1_000, 10_000)
START: Final[tuple[Record, ...]] = (
    Started("member", 1, "boot"),
    Adopted("x", "embedded", IDENTITY, (ACCOUNT,), 1_000, 0),
)


def request(hold: str, at_ms: int, posts: int) -> tuple[Record, Record]:
    amounts = (("x", posts),)
    return (
        Claimed("x", hold, "default", "search", posts, posts, amounts, "sha", at_ms),
        Resolved("x", hold, Outcome.SETTLED, posts, amounts, lingers=False, at_ms=at_ms),
    )


def stamped(at_ms: int, charged: int) -> Stamped:
    return Stamped("x", 1, (("x", RowValue(charged=charged)),), at_ms, at_ms, 0, 0, 0)


async def written(directory: Path, *records: Record) -> Path:
    journal = Journal.open(directory, clock=FakeClock(), create=True)
    for record in records:
        await journal.append(record)
    await journal.close()
    return directory / JOURNAL


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def seen(found: Read, trace: int = 0) -> list[tuple[int, int, int]]:
    spans = found.traces[trace].spans["x"]
    return list(zip(spans.begins, spans.ends, spans.posts, strict=True))


async def test_a_whole_journal_is_read_to_its_end(tmp_path: Path) -> None:
    records = (*START, *request("a", 2_000, 70), stamped(2_100, 70))
    path = await written(tmp_path, *records)
    journal = Journal.open(tmp_path, clock=FakeClock(), create=False)
    found = read(path)  # beside its writer

    assert found.wrong == []
    assert (found.member, found.records, found.head) == (
        journal.member,
        5,
        journal.head.chain.hex(),
    )
    assert (found.first_ms, found.last_ms) == (MIDNIGHT_MS, MIDNIGHT_MS)
    assert seen(found) == [(2_000, 2_100, 70)]
    await journal.close()


@pytest.mark.parametrize(
    ("damage", "wrong"),
    [
        ("DELETE FROM record WHERE id = 6", "Record 6 "),
        ("DELETE FROM record WHERE id > 6", "ends with record 6, but record 8"),
        ("UPDATE journal SET head_chain = zeroblob(32)", "record 8 was its last"),
    ],
)
async def test_a_broken_chain_is_told_and_the_rest_is_judged(
    tmp_path: Path, damage: str, wrong: str
) -> None:
    path = await written(
        tmp_path,
        *START,
        *request("a", 2_000, 70),
        stamped(2_100, 70),
        *request("b", 3_000, 50),
        stamped(3_100, 120),
    )
    change(path, damage)
    found = read(path)

    assert wrong in found.wrong[0]
    assert seen(found)[0] == (2_000, 2_100, 70)


async def test_a_tear_stays_in_the_journal_that_went_on(tmp_path: Path) -> None:
    """Totals jump there, and the spans after it are still those of its requests."""
    path = await written(tmp_path, *START, *request("a", 2_000, 70), stamped(2_100, 70))
    change(path, "DELETE FROM record WHERE id = 5")
    journal = Journal.open(tmp_path, clock=FakeClock(), create=False)
    state = MemberState()
    for _, record in journal.records():
        state.apply(record)
    totals = state.contracts["x"].totals["x"]
    again = Stamped("x", 1, (("x", totals),), 9_000, 9_000, 0, 0, 0)
    await journal.append(Started("member", state.generation + 1, "boot"), again)
    await journal.append(*request("b", 9_500, 20))
    await journal.close()
    found = read(path)

    assert "record 5 was its last" in found.wrong[0]
    assert [span[2] for span in seen(found)] == [70]
    assert seen(found)[0][1] == 9_000


async def test_what_operators_said_is_told(tmp_path: Path) -> None:
    dead = RosterEntry("dead", 2, MemberStanding.RETIRED, 50_000)
    path = await written(
        tmp_path,
        *START,
        Used("x", (("x", 300),)),
        Rostered("x", 2, (dead,)),
        Vouched("x", Word.RESTORED, "all are known", 2_000),
    )
    found = read(path)

    assert [(said.at_ms, said.contract, said.what) for said in found.said] == [
        (MIDNIGHT_MS, "x", "used before the ledger began: 300 of x"),
        (MIDNIGHT_MS, "x", "member dead was retired as dead"),
        (MIDNIGHT_MS, "x", "restored: all are known"),
    ]
    assert found.traces[0].counts["x"]["word"] == 300


async def test_a_move_into_another_time_takes_along_what_still_counted(tmp_path: Path) -> None:
    other = Identity(7, "other", "")
    path = await written(
        tmp_path,
        *START,
        *request("old", 2_000, 10),
        stamped(2_100, 10),
        *request("a", 30_000, 70),
        stamped(30_100, 80),
        *request("untold", 30_100, 5),
        Moved("x", "redis", anew=True, time_ms=900_000),
        Adopted("x", "redis", other, (ACCOUNT,), 900_000, 0),
        stamped(900_100, 85),
    )
    found = read(path)

    assert [trace.identities for trace in found.traces] == [{IDENTITY}, {other}]
    assert sorted(seen(found, 1)) == [(900_000, 900_100, 5), (900_000, 900_100, 70)]
    assert found.said[-1].what == "moved to redis"


async def test_a_journal_whose_old_rows_were_removed_begins_in_the_middle(tmp_path: Path) -> None:
    """Limits and members are in its checkpoint; what was charged before is no longer judged."""
    clock = FakeClock()
    journal = Journal.open(tmp_path, clock=clock, create=True)
    met = Rostered("x", 2, (RosterEntry("other", 1),))
    await journal.append(*START, met, *request("a", 2_000, 70), stamped(2_100, 70))
    state = MemberState()
    for _, record in journal.records():
        state.apply(record)
    clock.advance_ms(1)
    await journal.append(*request("b", 3_000, 50), stamped(3_100, 120))
    await journal.write_checkpoint(6, msgspec.msgpack.encode(state))
    await journal.prune(clock.wall_ms())
    await journal.close()
    found = read(tmp_path / JOURNAL)

    assert (found.records, found.wrong) == (3, [])
    assert found.traces[0].identities == {IDENTITY}
    assert found.traces[0].members == {"other"}
    assert seen(found) == [(3_000, 3_100, 50)]
    change(tmp_path / JOURNAL, "UPDATE checkpoint SET state = zeroblob(5)")
    assert "checkpoint cannot be read" in read(tmp_path / JOURNAL).wrong[0]


async def test_a_record_of_a_contract_that_nothing_made_known_is_wrong(tmp_path: Path) -> None:
    path = await written(tmp_path, START[0], *request("a", 2_000, 70))
    found = read(path)

    assert "Record 2 is about contract 'x'" in found.wrong[0]


def test_what_is_no_journal_is_wrong(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text("a text")

    assert read(tmp_path / JOURNAL).wrong != []
