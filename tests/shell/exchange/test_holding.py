"""A hold is claimed before anything rests on it, and told of only when its end is durable."""

from __future__ import annotations

import pytest

from governor.core.charging import Charge
from governor.core.ledger.holds import State
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.core.policy import Job
from governor.errors import JournalError
from governor.exchange.course import Course
from governor.exchange.holding import claim, end
from governor.exchange.parts import Adapters, Governed
from tests.fakes.flowing import CATALOG, PAGE
from tests.fakes.scripted import REQUESTS, ScriptedCrawler, Stage, stage, terms

PRICE = 10  # of PAGE
SETTLED = Charge(Outcome.SETTLED, 7, 7, lingers=False, overrun=0)
VOID = Charge(Outcome.VOID, 0, None, lingers=False, overrun=0, requests=0)


async def granted(on: Stage) -> Course:
    adapters = Adapters(on.upstream, on.journal, on.clock, on.records.append, on.tasks)
    governed = Governed(on.contract, CATALOG, on.talk)
    course = Course.begin(PAGE, ScriptedCrawler(), governed, Job("default"), adapters)
    await on.talk.reserve(course.hold, patience_ms=0)
    return course


async def test_a_hold_is_claimed_when_its_claim_is_durable() -> None:
    async with stage(catalog=CATALOG) as on:
        course = await granted(on)
        await claim(course, course.first)

        assert course.hold.state is State.CLAIMED
        assert "claimed" in on.passed
        assert course.live == []  # nothing is received on it before it is sent, or in use

        await end(course, course.first, VOID)


async def test_a_claim_that_failed_is_none_yet_its_end_is_written_down() -> None:
    """Nobody knows what of a failed commit is on the disk."""
    async with stage(catalog=CATALOG) as on:
        course = await granted(on)
        on.journal.refuses = (Claimed,)
        with pytest.raises(JournalError):
            await claim(course, course.first)

        assert course.hold.state is State.GRANTED
        assert course.live == []

        await end(course, course.first, VOID)
        assert on.resolution.outcome is Outcome.VOID


async def test_the_ledger_is_told_after_the_end_is_durable_and_not_without() -> None:
    async with stage(catalog=CATALOG) as on:
        one, other = await granted(on), await granted(on)
        for course in (one, other):
            await claim(course, course.first)
        await end(one, one.first, SETTLED)
        on.journal.refuses = (Resolved,)
        await end(other, other.first, SETTLED)

        assert await on.usage() == (7, PRICE)
        assert on.passed.index("resolved") < on.passed.index("told")


async def test_only_the_first_hold_is_the_request() -> None:
    async with stage(contract=terms(1_000, REQUESTS), catalog=CATALOG) as on:
        course = await granted(on)
        await claim(course, course.first)
        more = course.top_up(5)
        await on.talk.reserve(more.hold, patience_ms=0, flowing=True)
        await claim(course, more)

        assert await on.usage("x-15m") == (0, 1)

        await end(course, more, SETTLED)
        await end(course, course.first, SETTLED)
        assert await on.usage("x-15m") == (1, 0)
