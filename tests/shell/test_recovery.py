"""A start believes the journal and nothing else, and forgets nothing that it holds."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from governor import recovery
from governor.conversation import Conversation
from governor.core.ledger.messages import Account, Identity, Leniency, RowValue
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Outcome,
    Resolved,
    Rostered,
    Started,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import RosterEntry
from governor.core.window import Window
from governor.errors import DoubtError
from governor.journal import Journal
from governor.store import EmbeddedStore
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.core.ledger.state import MemberState

WINDOW = Window(10_000)
LIMIT = Account("x", 1_000, WINDOW.window_ms)
SHARE = Account("x/default", None, WINDOW.window_ms)
IDENTITY = Identity(1, "", "")


@asynccontextmanager
async def opened(state: Path, clock: FakeClock) -> AsyncIterator[Journal]:
    journal = Journal.open(state, clock=clock, create=True)
    try:
        yield journal
    finally:
        await journal.close()


async def adopted(journal: Journal, clock: FakeClock) -> MemberState:
    """Start a member whose contract x is kept in process."""
    state = await recovery.start(journal, clock)
    await recovery.adopt(
        journal,
        state,
        "x",
        home=recovery.EMBEDDED,
        identity=IDENTITY,
        accounts=(LIMIT, SHARE),
        clock=clock,
    )
    return state


def claimed(hold: str, posts: int) -> Claimed:
    return Claimed("x", hold, "default", "search", 10, posts, (("x", posts),), "sha", 0)


def resolved(hold: str, posts: int) -> Resolved:
    return Resolved("x", hold, Outcome.SETTLED, posts, (("x", posts),), lingers=False, at_ms=0)


async def test_each_start_is_a_generation_of_its_own_and_durable_first(tmp_path: Path) -> None:
    clock = FakeClock()
    for generation in (1, 2, 3):
        async with opened(tmp_path / "state", clock) as journal:
            state = await recovery.start(journal, clock)
            last = list(journal.records())[-1][1]

            assert state.generation == generation
            assert last == Started(journal.member, generation, clock.boot_id())


async def test_a_claim_that_never_ended_is_charged_in_full_and_lingers(tmp_path: Path) -> None:
    """Invariant 5: claims unresolved at a restart are orphans."""
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        await adopted(journal, clock)
        await journal.append(claimed("a", 300), claimed("b", 100), resolved("b", 70))
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)

        assert state.contracts["x"].totals["x"] == RowValue(charged=70, lingered=300)
        assert state.contracts["x"].claims == {}
    async with opened(tmp_path / "state", clock) as journal:
        again = await recovery.start(journal, clock)

        assert again.contracts["x"].totals == state.contracts["x"].totals


async def test_the_journal_without_its_checkpoint_says_the_same(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        await recovery.write(journal, state, Used("x", (("x", 200),)))
        last, folded = recovery.load(journal)
        whole = type(folded)(member=journal.member)
        for number, record in journal.records():
            whole.apply(record)

            assert number <= last

        assert folded == whole == state


async def test_what_an_operator_says_was_used_counts_from_the_first_message(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        await recovery.write(journal, state, Used("x", (("x", 200),)))

        assert Used("x", (("x", 200),)) in [record for _, record in journal.records()]
        assert (await usage_after_join(journal, state, clock)) == (200, 0)


async def test_a_restart_of_everything_forgets_nothing(tmp_path: Path) -> None:
    """The embedded ledger dies with its process; the journal brings it back, bucket by bucket."""
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        await recovery.write(journal, state, Used("x", (("x", 200),)))
        await usage_after_join(journal, state, clock)
        await journal.append(claimed("a", 300))
    clock.advance_ms(WINDOW.window_ms // 2)
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)

        assert (await usage_after_join(journal, state, clock)) == (500, 0)

    clock.advance_ms(WINDOW.window_ms // 2 + WINDOW.pad_ms + WINDOW.bucket_ms)
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)

        assert (await usage_after_join(journal, state, clock)) == (300, 0)


OFF_MS = 10 * WINDOW.window_ms


@asynccontextmanager
async def rebooted(
    state: Path, *, before: bool, after: bool
) -> AsyncIterator[tuple[Journal, MemberState, FakeClock]]:
    """Use 200 posts, switch the machine off, and start again.

    `before` and `after` say whether the kernel calls the wall clock synchronised.
    """
    clock = FakeClock(synchronised=before)
    async with opened(state, clock) as journal:
        member = await adopted(journal, clock)
        await recovery.write(journal, member, Used("x", (("x", 200),)))
        await usage_after_join(journal, member, clock)
    clock.reboot("another", down_ms=OFF_MS)
    clock.synchronise(to=after)
    async with opened(state, clock) as journal:
        yield journal, await recovery.start(journal, clock), clock


@pytest.mark.parametrize(
    ("before", "after"), [(False, False), (False, True), (True, False)], ids=str
)
async def test_a_reboot_credits_no_time_that_one_doubtful_clock_saw(
    tmp_path: Path, *, before: bool, after: bool
) -> None:
    """Invariant 6. A clock that was wrong before and is right now has not seen time pass."""
    async with rebooted(tmp_path / "state", before=before, after=after) as (journal, state, clock):
        assert (await usage_after_join(journal, state, clock)) == (200, 0)


async def test_time_switched_off_has_passed_if_the_clock_is_known_to_be_right(
    tmp_path: Path,
) -> None:
    async with rebooted(tmp_path / "state", before=True, after=True) as (journal, state, clock):
        assert (await usage_after_join(journal, state, clock)) == (0, 0)
        assert state.contracts["x"].time_ms == clock.wall_ms()


async def test_a_start_that_broke_off_credits_it_to_the_next_one(tmp_path: Path) -> None:
    async with rebooted(tmp_path / "state", before=True, after=True) as (_, __, clock):
        pass
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)

        assert (await usage_after_join(journal, state, clock)) == (0, 0)


async def test_a_clock_set_by_hand_meanwhile_is_not_believed(tmp_path: Path) -> None:
    """It must agree with the clock beside the ledger, which was not told of it."""
    async with rebooted(tmp_path / "state", before=True, after=True) as (journal, state, clock):
        clock.step_wall_ms(-2 * OFF_MS)

        assert (await usage_after_join(journal, state, clock)) == (200, 0)


@pytest.mark.parametrize(
    ("passed_ms", "left"),
    [(OFF_MS, 0), (WINDOW.window_ms + WINDOW.pad_ms + WINDOW.bucket_ms, 0), (1_000, 200)],
)
async def test_an_operator_may_say_how_much_time_has_passed(
    tmp_path: Path, passed_ms: int, left: int
) -> None:
    async with rebooted(tmp_path / "state", before=False, after=False) as (journal, state, clock):
        await recovery.elapse(journal, state, "x", passed_ms, clock)

        said = [record for _, record in journal.records() if isinstance(record, Vouched)]
        assert [each.word for each in said] == [Word.PASSED]
        assert (await usage_after_join(journal, state, clock)) == (left, 0)


async def test_within_one_boot_its_clock_is_believed_and_not_the_wall_clock(
    tmp_path: Path,
) -> None:
    clock = FakeClock(synchronised=True)
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        await usage_after_join(journal, state, clock)
    clock.step_wall_ms(OFF_MS)
    async with opened(tmp_path / "state", clock) as journal:
        before_ms = state.contracts["x"].boot_offset_ms
        state = await recovery.start(journal, clock)

        assert state.contracts["x"].boot_offset_ms == before_ms


async def test_such_a_word_moves_time_itself_whatever_a_clock_says(tmp_path: Path) -> None:
    """A machine whose wall clock begins in 1970 at each boot."""
    async with rebooted(tmp_path / "state", before=False, after=False) as (journal, state, clock):
        clock.step_wall_ms(-clock.wall_ms())
        before_ms = state.contracts["x"].time_ms
        await recovery.elapse(journal, state, "x", OFF_MS, clock)

        known = state.contracts["x"]
        assert known.time_ms == known.high_ms == before_ms + OFF_MS
        assert (await usage_after_join(journal, state, clock)) == (0, 0)


async def test_an_operators_word_on_time_is_durable(tmp_path: Path) -> None:
    async with rebooted(tmp_path / "state", before=False, after=False) as (journal, state, clock):
        await recovery.elapse(journal, state, "x", OFF_MS, clock)
        before_ms = state.contracts["x"].time_ms
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)

        assert state.contracts["x"].time_ms == before_ms
        assert (await usage_after_join(journal, state, clock)) == (0, 0)


async def test_a_new_ledger_in_redis_has_a_time_of_its_own(tmp_path: Path) -> None:
    """Journaled by the wall clock, this member's clock would look as if it had been stepped."""
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)
        await recovery.adopt(
            journal,
            state,
            "x",
            home="redis",
            identity=IDENTITY,
            accounts=(LIMIT,),
            clock=clock,
            time_ms=clock.wall_ms() - OFF_MS,
        )
        known = state.contracts["x"]

        assert known.time_ms == clock.wall_ms() - OFF_MS
        assert known.boot_offset_ms == clock.boot_ms() - known.time_ms


async def test_rules_stay_as_lax_as_they_were_unless_it_is_said(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        for leniency in (Leniency.SHADOW, None):
            await recovery.adopt(
                journal,
                state,
                "x",
                home=recovery.EMBEDDED,
                identity=IDENTITY,
                accounts=(LIMIT, SHARE),
                clock=clock,
                leniency=leniency,
            )

            assert state.contracts["x"].leniency == Leniency.SHADOW


async def test_what_is_declared_lost_is_all_that_the_journal_knows(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)
        entries = (RosterEntry("a", 3), RosterEntry("b", 1))
        await recovery.write(journal, state, Rostered("x", 7, entries))
        known = state.contracts["x"]

        said = recovery.loss(known)
        assert (said.seen, said.time_ms, said.accounts) == (
            IDENTITY,
            known.time_ms,
            (LIMIT, SHARE),
        )
        assert (said.roster, said.named, said.word) == (entries, False, False)

        named = recovery.loss(known, members=("a", "c"), word=True)
        assert named.roster == (*entries, RosterEntry("c", 0))
        assert (named.named, named.word) == (True, True)


async def test_a_journal_is_true_to_its_home(tmp_path: Path) -> None:
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await adopted(journal, clock)

    assert recovery.require_home(state, "x", recovery.EMBEDDED) is state.contracts["x"]
    with pytest.raises(DoubtError, match="Posts already counted would be forgotten"):
        recovery.require_home(state, "x", "redis://127.0.0.1:6379/0")
    with pytest.raises(DoubtError, match="governor init"):
        recovery.require_home(state, "y", recovery.EMBEDDED)


async def test_what_was_used_is_durable_with_the_ledger_that_it_begins(tmp_path: Path) -> None:
    """A crash between the two would leave a ledger that begins with nothing used."""
    clock = FakeClock()
    async with opened(tmp_path / "state", clock) as journal:
        state = await recovery.start(journal, clock)
        before = journal.head.id
        await recovery.adopt(
            journal,
            state,
            "x",
            home=recovery.EMBEDDED,
            identity=IDENTITY,
            accounts=(LIMIT,),
            clock=clock,
            used=(("x", 200),),
        )

        written = [record for _, record in journal.records(after=before)]
        assert [type(record) for record in written] == [Adopted, Used]
        assert state.contracts["x"].totals == {"x": RowValue(charged=200)}


async def usage_after_join(
    journal: Journal, state: MemberState, clock: FakeClock
) -> tuple[int, int]:
    """Let the member join its embedded ledger, and say what that holds then."""
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    talk = Conversation(
        "x",
        state,
        ledger=EmbeddedStore(recovery.book(state.contracts["x"]), clock),
        journal=journal,
        clock=clock,
        tasks=tasks,
    )
    await talk.join()
    await talk.close()
    await tasks.drain(1)
    await tasks.cancel()
    usage = talk.snapshot().usage["x"]

    assert failures == []
    return usage.charged, usage.pending
