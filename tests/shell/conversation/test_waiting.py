"""First come, first served, and nobody waits for ever."""

from __future__ import annotations

import asyncio

from governor.conversation.waiting import MOST_ASKS, MOST_WAITING, Queue, Waiting
from governor.core.ledger.decisions import Decision, Doubted, Granted
from governor.core.ledger.messages import Ask, DoubtReason
from tests.shell.conversation.stage import a_hold

DOUBTED = Doubted(DoubtReason.CLOSED)


def waiting(until_ms: int = 500, *, again_ms: int = 0) -> Waiting:
    decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
    return Waiting(a_hold(10), 100, until_ms, decision, again_ms)


def lined_up(*each: Waiting) -> Queue:
    queue = Queue()
    for one in each:
        queue.join(one)
    return queue


async def test_an_ask_says_how_long_it_may_still_wait() -> None:
    one = waiting(500)

    assert one.ask(200) == Ask(one.hold.amounts, patience_ms=300)
    assert one.ask(700) == Ask(one.hold.amounts, patience_ms=0)


async def test_a_message_asks_for_the_first_in_line() -> None:
    many = [waiting() for _ in range(MOST_ASKS + 1)]
    queue = lined_up(*many)

    assert queue.batch() == tuple(many[:-1])
    assert len(queue) == len(many)


async def test_an_answer_that_flows_comes_before_all_that_have_not_begun() -> None:
    """However long the line is: it cannot wait, and those in the line can."""
    queue = lined_up(*(waiting() for _ in range(MOST_ASKS)))
    one, other = waiting(), waiting()
    one.flowing = other.flowing = True
    queue.join(one)
    queue.join(other)

    assert queue.batch()[:2] == (one, other)
    assert len(queue) == MOST_ASKS + 2


async def test_who_has_his_decision_or_has_left_is_in_nobodys_way() -> None:
    decided, left, last = waiting(), waiting(), waiting()
    queue = lined_up(decided, left, last)
    decided.decide(Granted(0))
    left.decision.cancel()

    assert queue.batch() == (last,)
    assert len(queue) == 1


async def test_a_decision_is_final() -> None:
    one = waiting()
    one.decide(Granted(0))
    one.decide(DOUBTED)

    assert await one.decision == Granted(0)


async def test_everybody_can_be_sent_away_at_once() -> None:
    first, second = waiting(), waiting()
    queue = lined_up(first, second)
    queue.dismiss(DOUBTED)

    assert [await first.decision, await second.decision] == [DOUBTED, DOUBTED]
    assert len(queue) == 0


async def test_it_is_worth_asking_at_the_first_instant_that_changes_anything() -> None:
    assert Queue().due_ms() is None
    assert lined_up(waiting(500, again_ms=400), waiting(300, again_ms=900)).due_ms() == 300
    assert lined_up(waiting(500), waiting(300)).due_ms() == 0


async def test_the_line_has_an_end() -> None:
    queue = lined_up(*[waiting() for _ in range(MOST_WAITING - 1)])

    assert not queue.is_full

    queue.join(waiting())

    assert queue.is_full
