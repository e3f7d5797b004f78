"""A request's course knows since when it is under way, by clocks that cannot be fooled."""

from __future__ import annotations

import pytest

from governor import catalogs
from governor.core.catalog import Catalog
from governor.core.policy import Job
from governor.exchange.course import Course
from governor.exchange.parts import Adapters, Governed
from tests.fakes.scripted import FULL_PRICE, LIMIT, ScriptedCrawler, Stage, get, stage


def begun(on: Stage) -> Course:
    governed = Governed(on.contract, Catalog.parse(catalogs.text("x")), on.talk)
    adapters = Adapters(on.upstream, on.journal, on.clock, on.records.append, on.tasks)
    return Course.begin(get(), ScriptedCrawler(), governed, Job("default"), adapters)


@pytest.mark.parametrize(
    ("sent_ms", "ended_ms", "upstream_ms"), [(None, None, 0), (3, None, 7), (3, 5, 2), (0, 0, 0)]
)
async def test_the_platforms_time_ends_with_the_answer_or_is_still_running(
    sent_ms: int | None, ended_ms: int | None, upstream_ms: int
) -> None:
    async with stage() as on:
        course = begun(on)
        course.sent_ms, course.ended_ms = sent_ms, ended_ms

        assert course.upstream_ms(10) == upstream_ms


async def test_it_begins_with_its_price_and_a_name_of_its_own() -> None:
    async with stage() as on:
        course = begun(on)

        assert course.hold.amounts == ((LIMIT, FULL_PRICE), (f"{LIMIT}/default", FULL_PRICE))
        assert course.hold.id == course.id != begun(on).id


async def test_a_grants_age_counts_the_time_in_which_the_machine_slept() -> None:
    """The monotonic clock stands still then; the ledger does not."""
    async with stage() as on:
        course = begun(on)
        on.clock.advance_ms(50)
        await on.talk.reserve(course.hold, patience_ms=0)

        assert course.first.grant_age_ms(on.clock) == 0

        on.clock.advance_ms(10)
        assert course.first.grant_age_ms(on.clock) == 10

        on.clock.suspend_ms(7_000)
        assert course.first.grant_age_ms(on.clock) == 7_010
        on.talk.end(course.hold, (), lingers=False)


async def test_a_step_of_the_wall_clock_makes_no_grant_older() -> None:
    async with stage() as on:
        course = begun(on)
        await on.talk.reserve(course.hold, patience_ms=0)
        on.clock.step_wall_ms(3_600_000)

        assert course.first.grant_age_ms(on.clock) == 0
        on.talk.end(course.hold, (), lingers=False)
