"""What journals prove together: one ledger's members are one sum, and other ledgers are others."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.calendar import Period
from governor.core.ledger.messages import Account, Dated, Identity, RowValue
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Outcome,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
)
from governor.core.ledger.roster import MemberStanding, RosterEntry
from governor.core.window import Window
from governor.evidence import Proof, prove
from governor.journal import JOURNAL, Journal
from tests.fakes.clock import MIDNIGHT_MS, FakeClock

if TYPE_CHECKING:
    from pathlib import Path

WINDOW: Final = Window(10_000)
SPAN_MS: Final = WINDOW.window_ms + WINDOW.pad_ms
LIMIT: Final = 1_000
ONE, TWO, THREE = (Identity(epoch, "run", "") for epoch in (1, 2, 3))


def adopted(identity: Identity, limit: int = LIMIT) -> Adopted:
    return Adopted("x", "redis", identity, (Account("x", limit, WINDOW.window_ms),), 0, 0)


def claimed(hold: str, at_ms: int, posts: int) -> Claimed:
    return Claimed("x", hold, "default", "search", posts, posts, (("x", posts),), "sha", at_ms)


def resolved(hold: str, at_ms: int, posts: int) -> Resolved:
    amounts = (("x", posts),)
    return Resolved("x", hold, Outcome.SETTLED, posts, amounts, lingers=False, at_ms=at_ms)


def stamped(at_ms: int, charged: int) -> Stamped:
    offset_ms = MIDNIGHT_MS
    spread = (("x", RowValue(charged=charged)),)
    return Stamped("x", 1, spread, at_ms, at_ms, offset_ms, 0, offset_ms)


def request(hold: str, at_ms: int, posts: int, total: int) -> tuple[Claimed, Resolved, Stamped]:
    end_ms = at_ms + 100
    return claimed(hold, at_ms, posts), resolved(hold, end_ms, posts), stamped(end_ms, total)


async def member(directory: Path, *records: Record) -> Path:
    journal = Journal.open(directory, clock=FakeClock(), create=True)
    await journal.append(Started(journal.member, 1, "boot"), *records)
    await journal.close()
    return directory / JOURNAL


async def test_members_of_one_ledger_are_one_sum(tmp_path: Path) -> None:
    one = await member(tmp_path / "a", adopted(ONE), *request("a", 1_000, 600, 600))
    two = await member(tmp_path / "b", adopted(ONE), *request("b", 9_000, 400, 400))
    proof = prove([one, two, tmp_path / "a" / ".." / "b" / JOURNAL])
    [account] = proof.accounts

    assert proof.sound
    assert len(proof.journals) == 2
    assert (account.worst, account.limit, account.over) == (1_000, LIMIT, 0)
    assert account.until_ms == MIDNIGHT_MS + 9_000
    assert account.from_ms == account.until_ms - WINDOW.window_ms
    assert (account.requests, account.asked, account.received, account.charged) == (
        2,
        1_000,
        1_000,
        1_000,
    )


async def test_a_window_that_holds_more_than_the_limit_is_told(tmp_path: Path) -> None:
    one = await member(tmp_path / "a", adopted(ONE), *request("a", 1_000, 600, 600))
    two = await member(tmp_path / "b", adopted(ONE), *request("b", 9_000, 401, 401))
    proof = prove([one, two])

    assert not proof.sound
    assert proof.accounts[0].over == 1


@pytest.mark.parametrize(("apart_ms", "worst"), [(SPAN_MS - 1, 1_000), (SPAN_MS, 600)])
async def test_a_window_is_as_long_as_a_slow_clock_may_make_it(
    tmp_path: Path, apart_ms: int, worst: int
) -> None:
    """The pad is in it: no clock within 520 ppm of the ledger's sees more in one window."""
    first = request("a", 1_000, 600, 600)
    second = request("b", 1_100 + apart_ms, 400, 1_000)
    path = await member(tmp_path / "a", adopted(ONE), *first, *second)

    assert prove([path]).accounts[0].worst == worst


@pytest.mark.parametrize(
    ("histories", "sums"),
    [
        (((ONE,), (ONE,)), [2]),
        (((ONE,), (TWO,)), [1, 1]),
        (((ONE, TWO), (TWO, THREE), (THREE,)), [3]),
        (((ONE,), (THREE,), (ONE, TWO), (TWO, THREE)), [4]),
    ],
)
async def test_journals_belong_together_if_their_ledgers_ever_were_one(
    tmp_path: Path, histories: tuple[tuple[Identity, ...], ...], sums: list[int]
) -> None:
    """Also through others: each knows only the identities that it has met."""
    paths = [
        await member(
            tmp_path / str(number),
            *(adopted(identity) for identity in history),
            *request("a", 1_000, 1, 1),
        )
        for number, history in enumerate(histories)
    ]

    assert [account.worst for account in prove(paths).accounts] == sums


async def test_contracts_are_judged_apart(tmp_path: Path) -> None:
    """Even if they share an identity, as all embedded ledgers of one member do."""
    records: tuple[Adopted | Claimed | Resolved | Stamped, ...]
    records = (adopted(ONE), *request("a", 1_000, 600, 600))
    other = (replace(record, contract="y") for record in records)
    path = await member(tmp_path / "a", *records, *other)

    assert [(each.contract, each.worst) for each in prove([path]).accounts] == [
        ("x", 600),
        ("y", 600),
    ]


async def test_what_a_dead_member_held_counts_until_it_was_retired(tmp_path: Path) -> None:
    """As its fellows' journals have it; without them it would count for ever."""
    dead = await member(tmp_path / "dead", adopted(ONE), claimed("a", 1_000, 700))
    name = prove([dead]).journals[0].member
    frees_ms = 5_000 + SPAN_MS
    roster = Rostered("x", 3, (RosterEntry(name, 2, MemberStanding.RETIRED, frees_ms),))
    late = request("b", frees_ms + 1, LIMIT, LIMIT)
    other = await member(tmp_path / "other", adopted(ONE), roster, *late)

    assert prove([dead]).accounts[0].open == 700
    assert prove([dead, other]).accounts[0].worst == LIMIT
    alone = await member(tmp_path / "alone", adopted(ONE), *late)
    assert prove([dead, alone]).accounts[0].over == 700


async def test_members_whose_journals_were_not_given_are_named(tmp_path: Path) -> None:
    """What they collected is in no figure; a journal that cannot be read covers nobody."""
    one = await member(tmp_path / "a", adopted(ONE))
    two = await member(tmp_path / "b", adopted(ONE))
    first, second = (journal.member for journal in prove([one, two]).journals)
    roster = tuple(RosterEntry(name, 1) for name in (first, second, "absent"))
    three = await member(tmp_path / "c", adopted(ONE), Rostered("x", 2, roster))

    assert prove([one, two]).missing == ()
    assert prove([three]).missing == tuple(sorted((first, second, "absent")))
    assert prove([one, two, three]).missing == ("absent",)
    two.write_text("no journal")
    assert prove([one, two, three]).missing == tuple(sorted((second, "absent")))


async def test_a_lowered_limit_judges_what_came_after_it(tmp_path: Path) -> None:
    path = await member(
        tmp_path / "a",
        adopted(ONE),
        *request("a", 1_000, 900, 900),
        adopted(ONE, 500),
        *request("b", 60_000, 400, 1_300),
        *request("c", 67_000, 101, 1_401),
    )
    [account] = prove([path]).accounts

    assert (account.worst, account.limit, account.over) == (900, 500, 1)
    assert account.until_ms == MIDNIGHT_MS + 67_000


def exact(log: list[tuple[int, int, int]]) -> int:
    """Return the worst window of an exact log, each looked at by itself."""
    return max(
        sum(posts for begin, end, posts in log if begin <= until and end > until - SPAN_MS)
        for until, _, _ in log
    )


@pytest.mark.parametrize("seed", range(10))
async def test_journals_and_an_exact_log_agree(tmp_path: Path, seed: int) -> None:
    """Three members, a hundred requests each, told in batches and in any order."""
    draw = random.Random(seed)  # noqa: S311  # a seeded history, nothing secret
    log, paths, charged = [], [], Counter[str]()
    for name in "abc":
        now_ms, told, untold = draw.randrange(1_000), 0, list[tuple[int, int, int]]()
        records: list[Record] = [adopted(ONE)]
        for number in range(100):
            begin_ms, posts = now_ms, draw.randrange(1, 60)
            records.append(claimed(str(number), begin_ms, posts + draw.randrange(9)))
            now_ms += draw.randrange(400)
            records.append(resolved(str(number), now_ms, posts))
            untold.append((begin_ms, now_ms, posts))
            charged[name] += posts
            if draw.random() < 0.4 or number == 99:
                now_ms += draw.randrange(60)
                told += sum(each[2] for each in untold)
                records.append(stamped(now_ms, told))
                log += [(begin, now_ms, posts) for begin, _, posts in untold]
                untold.clear()
        paths.append(await member(tmp_path / name, *records))
    proof = prove(paths)

    assert proof.accounts[0].worst == exact(log)
    assert proof.accounts[0].charged == charged.total()


def test_nothing_proves_nothing(tmp_path: Path) -> None:
    """What cannot be read is no proof that nothing was collected."""
    (tmp_path / JOURNAL).write_text("a text")

    assert prove([]) == Proof((), (), ())
    assert not prove([tmp_path / JOURNAL]).sound


PACIFIC: Final = "day America/Los_Angeles"
BOUNDARY_MS: Final = MIDNIGHT_MS + 8 * 3_600_000  # midnight there, in winter
DAY: Final = Window(25 * 3_600_000)


def by_calendar(record: Adopted, unit: str = "posts") -> Adopted:
    return replace(record, accounts=(Account("x", LIMIT, DAY.window_ms, unit, PACIFIC),))


@pytest.mark.parametrize(
    ("ends_ms", "worst", "over"),
    [(BOUNDARY_MS - 1, 600, 0), (BOUNDARY_MS, 1_100, 100)],
)
async def test_a_calendar_limit_is_judged_by_the_dates_of_its_periods(
    tmp_path: Path, ends_ms: int, worst: int, over: int
) -> None:
    """Whatever an hour before midnight, what ended by then counts in the day that ended.

    Ledger time begins at a midnight of UTC here, the calendar's day eight hours later.
    """
    end_ms = ends_ms - MIDNIGHT_MS
    first = claimed("a", end_ms - 100, 600), resolved("a", end_ms, 600), stamped(end_ms, 600)
    second = request("b", end_ms + 60_000, 500, 1_100)
    path = await member(tmp_path / "a", by_calendar(adopted(ONE)), *first, *second)
    [account] = prove([path]).accounts

    assert (account.worst, account.over, account.calendar) == (worst, over, PACIFIC)
    assert account.from_ms is not None
    assert account.until_ms is not None
    assert account.until_ms - account.from_ms == 24 * 3_600_000
    assert (account.from_ms == BOUNDARY_MS) == (over > 0)


async def test_a_boundary_that_was_kept_is_judged_by(tmp_path: Path) -> None:
    """The journal names the period; what zones say of it today may be another."""
    end_ms = 1_000_000
    ended = MIDNIGHT_MS + end_ms + 1_000
    kept = Dated(Period(7, ended - 24 * 3_600_000, ended), charges=7, lingers=7)
    first = claimed("a", end_ms - 100, 600), resolved("a", end_ms, 600), stamped(end_ms, 600)
    second = request("b", end_ms + 60_000, 500, 1_100)
    named = replace(stamped(1_000, 0), periods=((PACIFIC, kept),))
    path = await member(tmp_path / "a", by_calendar(adopted(ONE)), named, *first, *second)
    [account] = prove([path]).accounts

    assert (account.worst, account.over) == (600, 0)
    assert (account.from_ms, account.until_ms) == (kept.period.begins_ms, kept.period.ends_ms)


async def test_the_clocks_of_all_members_say_when_a_period_ended(tmp_path: Path) -> None:
    """One that is a minute fast puts what ended within it into both days."""
    end_ms = BOUNDARY_MS - MIDNIGHT_MS - 30_000
    first = claimed("a", end_ms - 100, 600), resolved("a", end_ms, 600), stamped(end_ms, 600)
    second = request("b", end_ms + 300_000, 500, 1_100)
    fast = replace(stamped(1_000, 0), wall_offset_ms=MIDNIGHT_MS + 60_000)
    after = replace(fast, time_ms=end_ms + 1_000, high_ms=end_ms + 1_000)
    one = await member(tmp_path / "a", by_calendar(adopted(ONE)), *first, *second)
    two = await member(tmp_path / "b", by_calendar(adopted(ONE)), fast, after)

    assert prove([one]).accounts[0].worst == 600
    assert prove([one, two]).accounts[0].worst == 1_100


async def test_so_does_the_stores_own_clock(tmp_path: Path) -> None:
    end_ms = BOUNDARY_MS - MIDNIGHT_MS - 30_000
    ended = replace(stamped(end_ms, 600), store_offset_ms=MIDNIGHT_MS + 60_000)
    first = claimed("a", end_ms - 100, 600), resolved("a", end_ms, 600), ended
    second = request("b", end_ms + 300_000, 500, 1_100)
    path = await member(tmp_path / "a", by_calendar(adopted(ONE)), *first, *second)

    assert prove([path]).accounts[0].worst == 1_100


async def test_a_top_up_is_no_request_and_costs_are_in_their_own_unit(tmp_path: Path) -> None:
    """It is more posts of the same one (invariant 9)."""
    top_up = claimed("a+1", 1_050, 50)
    ended = resolved("a+1", 1_090, 50), stamped(1_200, 150)
    path = await member(
        tmp_path / "a",
        by_calendar(adopted(ONE), unit="units"),
        *request("a", 1_000, 100, 100)[:2],
        top_up,
        *ended,
    )
    [account] = prove([path]).accounts

    assert (account.requests, account.charged, account.worst, account.unit) == (
        1,
        150,
        150,
        "units",
    )
