"""The ledger's word is taken or not, and every change of that is told once."""

from __future__ import annotations

import pytest

from governor.conversation.trust import FINAL, Trust
from governor.core.ledger.messages import DoubtReason
from tests.fakes.clock import FakeClock
from tests.shell.conversation.stage import Ear


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def trust(clock: FakeClock, ear: Ear) -> Trust:
    return Trust(clock, ear)


def test_a_ledger_that_was_never_heard_is_not_believed(trust: Trust, ear: Ear) -> None:
    assert trust.doubt is DoubtReason.UNREACHABLE
    assert ear.doubts == []


def test_every_change_is_told_and_nothing_twice(trust: Trust, ear: Ear) -> None:
    trust.regain()
    trust.regain()
    trust.lose(DoubtReason.FOREIGN)
    trust.lose(DoubtReason.FOREIGN)
    trust.lose(DoubtReason.CLOSED)
    trust.regain()

    assert ear.doubts == [None, DoubtReason.FOREIGN, DoubtReason.CLOSED, None]


def test_a_doubt_knows_how_long_it_has_lasted(trust: Trust, clock: FakeClock) -> None:
    trust.regain()

    assert trust.doubt_ms is None

    trust.lose(DoubtReason.CLOSED)
    clock.advance_ms(1_000)
    trust.lose(DoubtReason.CLOSED)

    assert trust.doubt_ms == 1_000


@pytest.mark.parametrize("reason", sorted(FINAL))
def test_who_is_fenced_or_declared_dead_stays_so(trust: Trust, reason: DoubtReason) -> None:
    trust.lose(reason)
    trust.regain()
    trust.lose(DoubtReason.CLOSED)

    assert trust.is_final
    assert trust.doubt is reason


def test_whom_a_closed_ledger_waits_for_is_told_when_that_changes(trust: Trust, ear: Ear) -> None:
    trust.lose(DoubtReason.CLOSED)
    trust.await_all((), word=False)
    for members in (("a", "b"), ("a", "b"), ("b",), ()):
        trust.await_all(members, word=True)
    trust.await_all((), word=False)

    assert ear.awaited == [(("a", "b"), True), (("b",), True), ((), True)]


def test_a_second_loss_tells_again_whom_the_ledger_waits_for(trust: Trust, ear: Ear) -> None:
    for _ in range(2):
        trust.lose(DoubtReason.CLOSED)
        trust.await_all(("a",), word=False)
        trust.regain()

    assert ear.awaited == [(("a",), False)] * 2


def test_who_is_fenced_waits_for_nobody(trust: Trust, ear: Ear) -> None:
    trust.lose(DoubtReason.FENCED)
    trust.await_all(("a",), word=False)

    assert ear.awaited == []


def test_a_doubt_can_be_for_good(trust: Trust) -> None:
    """A silent journal may come back, one that failed may not."""
    trust.lose(DoubtReason.JOURNAL)
    trust.regain()

    assert trust.doubt is None

    trust.lose(DoubtReason.JOURNAL, for_good=True)
    trust.regain()

    assert trust.doubt is DoubtReason.JOURNAL
