"""Wherever a request is cancelled, no hold is left and what the platform delivered is charged.

Each turn of the loop is a place to be cancelled at, so every await of an exchange is among them.
"""

from __future__ import annotations

import asyncio

import pytest

from governor.core.ledger.records import Claimed, Resolved
from tests.fakes.posts import encoded, v2_body
from tests.fakes.scripted import Script, ScriptedCrawler, broken, stage, terms

BODY = encoded(v2_body([2] * 100))
DELIVERED = 300
SCRIPTS = {
    "an answer": Script((BODY[:5_000], BODY[5_000:])),
    "an answer that breaks off": Script((BODY[:5_000],), breaks=broken(sent=True)),
    "no connection": Script(unanswered=broken(sent=False)),
}


async def cancelled_after(script: Script, turns: int, again_after: int | None) -> bool:
    """Cancel one request after so many turns; return whether it was still under way then."""
    async with stage(script, contract=terms(mode="enforce")) as on:
        beside = len(on.tasks)
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        for _ in range(turns):
            await asyncio.sleep(0)
        under_way = running.cancel()
        if again_after is not None:
            for _ in range(again_after):
                await asyncio.sleep(0)
            running.cancel()
        await asyncio.wait((running,))
        charged, pending = await on.usage()

        assert pending == 0
        assert charged >= DELIVERED * len(on.upstream.asked)
        assert charged == 0 or on.upstream.asked
        assert on.upstream.open == 0
        assert on.talk.snapshot().holds == 0
        assert len(on.tasks) == beside
        kinds = [type(each) for each in on.journal.records if isinstance(each, Claimed | Resolved)]
        assert kinds in ([], [Claimed, Resolved])
        return under_way


@pytest.mark.parametrize("again_after", [None, 0, 1, 2, 3])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
async def test_a_request_cancelled_at_any_await_is_resolved_and_charged(
    script: Script, again_after: int | None
) -> None:
    """Once, or a second time while it is being resolved."""
    turns = 0
    while await cancelled_after(script, turns, again_after):
        turns += 1

    assert turns > 5


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
async def test_a_crawler_that_leaves_at_any_await_is_resolved_and_charged(script: Script) -> None:
    turns, is_over = 0, False
    while not is_over:
        async with stage(script) as on:
            crawler = ScriptedCrawler()
            running = on.begin(crawler=crawler)
            for _ in range(turns):
                await asyncio.sleep(0)
            is_over = running.done()
            crawler.left.set()
            await running
            charged, pending = await on.usage()

            assert pending == 0
            assert charged >= DELIVERED * len(on.upstream.asked)
            assert on.upstream.open == 0
            assert len(on.records) == 1
        turns += 1

    assert turns > 5


async def test_the_record_of_a_cancelled_request_says_how_long_the_platform_had_it() -> None:
    async with stage(Script((BODY[:5_000],), stalls=True)) as on:
        running = on.begin()
        await on.upstream.stalled.wait()
        on.clock.advance_ms(200)
        running.cancel()
        await asyncio.wait((running,))
        await on.settle()

        assert (on.record.upstream_ms, on.record.outcome) == (200, "orphaned")
