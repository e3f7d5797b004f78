"""An answer without a ceiling is held for as it grows, and read to its end in any case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.records import Claimed, Resolved
from governor.core.policy import Limit
from tests.fakes.flowing import CATALOG, TIMELINE, timeline
from tests.fakes.scripted import LIMIT, Script, ScriptedCrawler, Stage, stage, terms

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from governor.core.policy import Contract

HOLD = 100  # of TIMELINE, and what each top-up holds at least
UNITS = Limit("x-units", 100, 86_400_000, "units")


def set_stage(
    script: Script, contract: Contract | None = None
) -> AbstractAsyncContextManager[Stage]:
    return stage(script, contract=contract or terms(10_000), catalog=CATALOG)


def claims(on: Stage) -> list[tuple[str, int, int]]:
    """Return what was claimed: the end of each hold's id, what was asked for, the price."""
    found = [each for each in on.journal.records if isinstance(each, Claimed)]
    return [(each.hold[24:], each.asked, each.price) for each in found]


@pytest.mark.parametrize(
    ("posts", "held"),
    [(75, HOLD), (76, 2 * HOLD), (120, 2 * HOLD), (350, 350 + HOLD)],
    ids=["little", "near the hold", "past it", "far past it"],
)
async def test_more_is_held_when_what_was_counted_comes_near_what_is_held(
    posts: int, held: int
) -> None:
    """Before the answer has ended, and without holding it up."""
    async with set_stage(Script((timeline(posts),), stalls=True)) as on:
        running = on.begin(TIMELINE, crawler := ScriptedCrawler())
        await on.upstream.stalled.wait()

        assert (await on.usage())[1] == min(held, max(2 * HOLD, posts))
        assert crawler.received == timeline(posts)

        on.upstream.go.set()
        await running
        assert crawler.finished
        assert await on.usage() == (posts, 0)
        assert on.record.overrun == 0


async def test_each_top_up_is_a_claim_of_its_own_for_nothing_asked() -> None:
    async with set_stage(Script((timeline(120),), stalls=True)) as on:
        running = on.begin(TIMELINE)
        await on.upstream.stalled.wait()
        await on.settle()

        assert claims(on) == [("", 20, HOLD), ("+1", 0, HOLD)]

        on.upstream.go.set()
        await running
        resolved = [each for each in on.journal.records if isinstance(each, Resolved)]
        assert [dict(each.amounts)[LIMIT] for each in resolved] == [100, 20]
        assert (on.record.price, on.record.received, on.record.charged) == (200, 120, 120)


async def test_an_answer_is_read_to_its_end_when_no_more_can_be_held() -> None:
    """The platform has served it: it is recorded in full, over the limit, as an overrun."""
    async with set_stage(Script((timeline(180),)), terms(150)) as on:
        crawler = await on.live(TIMELINE)

        assert (crawler.received, crawler.finished) == (timeline(180), True)
        assert await on.usage() == (180, 0)
        assert (on.record.reason, on.record.overrun) == ("", 80)
        assert claims(on) == [("", 20, HOLD)]


async def test_the_first_hold_becomes_the_largest_answer_seen() -> None:
    async with set_stage(Script((timeline(180),))) as on:
        await on.live(TIMELINE)
        await on.live(TIMELINE)

        assert [price for top_up, _, price in claims(on) if not top_up] == [HOLD, 180]
        raised = [each.raised for each in on.journal.records if isinstance(each, Resolved)]
        assert max(raised) == 80
        assert [each.raised for each in on.records] == [80, 0]


async def test_a_top_up_costs_nothing_in_other_units() -> None:
    """It is the same wire request."""
    async with set_stage(Script((timeline(350),), stalls=True), terms(10_000, UNITS)) as on:
        running = on.begin(TIMELINE)
        await on.upstream.stalled.wait()

        assert await on.usage("x-units") == (0, 3)

        on.upstream.go.set()
        await running
        assert await on.usage("x-units") == (3, 0)


async def test_an_answer_with_a_ceiling_is_never_topped_up() -> None:
    async with stage(Script((timeline(180),)), contract=terms(10_000)) as on:
        await on.live()

        assert [price for _, _, price in claims(on)] == [300]


async def test_a_crawler_that_leaves_pays_all_that_was_held() -> None:
    async with set_stage(Script((timeline(120)[:-1],), stalls=True)) as on:
        running = on.begin(TIMELINE, crawler := ScriptedCrawler())
        await on.upstream.stalled.wait()
        await on.settle()
        crawler.left.set()
        await running

        assert await on.usage() == (2 * HOLD, 0)
