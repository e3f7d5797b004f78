"""What is refused was not sent and costs nothing; what passes, passed by the rules."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import Doubt, DoubtReason
from governor.core.ledger.records import Claimed
from governor.core.policy import Job
from tests.fakes.clock import MIDNIGHT_MS
from tests.fakes.scripted import (
    FULL,
    FULL_PRICE,
    HALF,
    LIMIT,
    Script,
    ScriptedCrawler,
    get,
    post,
    stage,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_crawler_that_leaves_while_it_waits_is_never_forwarded() -> None:
    async with stage(Script(stalls=True), contract=terms(400, max_wait_ms=4_000)) as on:
        first, second = ScriptedCrawler(), ScriptedCrawler()
        served = on.begin(crawler=first)
        await on.upstream.stalled.wait()
        waiting = on.begin(crawler=second)
        await on.settle()

        assert not waiting.done()

        second.left.set()
        await waiting

        assert len(on.upstream.asked) == 1
        assert await on.usage() == (0, FULL_PRICE)
        assert (on.record.decision, on.record.outcome) == ("left", "void")
        assert second.status is None

        first.left.set()
        await served


async def test_a_job_may_wait_longer_than_its_contract_says() -> None:
    """Then it is served when what stands in its way has ended."""
    script, jobs = Script((HALF,), stalls=True), (Job("default", max_wait_ms=9_000),)
    async with stage(script, contract=terms(400), jobs=jobs) as on:
        first = on.begin()
        await on.upstream.stalled.wait()
        second = on.begin()
        for _ in range(50):
            await on.settle()
            on.clock.advance_ms(100)
        await on.settle()

        assert not second.done()

        on.upstream.go.set()
        await first
        await second

        waited = on.records[-1]
        assert (waited.decision, waited.waited_ms) == ("allow", 5_000)


async def test_a_price_above_the_limit_is_refused_for_good() -> None:
    async with stage(contract=terms(FULL_PRICE - 1)) as on:
        crawler = await on.live()

        assert crawler.status == 429
        assert crawler.fields("Retry-After") == []
        assert on.record.reason == "price_above_limit"
        assert on.upstream.asked == []


async def test_while_the_ledger_is_in_doubt_nothing_is_sent() -> None:
    async with stage() as on:
        on.home.answers = [Doubt("", DoubtReason.EVICTING)]
        await on.settle()
        on.clock.advance_ms(1_000)
        await on.settle()
        crawler = await on.live()

        assert crawler.status == 429
        assert b"in doubt (evicting)" in crawler.received
        assert (on.record.decision, on.record.reason) == ("refuse", "doubt")
        assert on.upstream.asked == []


async def test_a_claim_that_is_not_durable_is_not_sent_and_costs_nothing() -> None:
    async with stage() as on:
        on.journal.refuses = (Claimed,)
        crawler = await on.live()

        assert crawler.status == 429
        assert b"in doubt (journal)" in crawler.received
        assert on.upstream.asked == []
        assert on.upstream.bodies == []
        assert await on.usage() == (0, 0)


async def test_an_operation_that_cannot_be_counted_is_refused() -> None:
    async with stage() as on:
        crawler = await on.live(post("/2/webhooks"))

        assert crawler.status == 429
        assert b"push posts to a server of yours" in crawler.received
        assert on.record.reason == "operation"
        assert on.passed == []


async def test_an_unknown_operation_is_charged_unless_the_contract_refuses_it() -> None:
    async with stage(Script((HALF,)), contract=terms(20_000)) as on:
        assert (await on.live(get("/3/new"))).status == 200
        assert await on.usage() == (200, 0)

    async with stage(contract=terms(20_000, unknown="refuse")) as on:
        crawler = await on.live(get("/3/new"))

        assert crawler.status == 429
        assert b"the catalog does not know it" in crawler.received
        assert on.passed == []
        assert (await on.live()).status == 200


@pytest.mark.parametrize(("until_ms", "status"), [(MIDNIGHT_MS, 429), (MIDNIGHT_MS + 1, 200)])
async def test_a_job_collects_until_its_end_and_not_at_it(until_ms: int, status: int) -> None:
    async with stage(jobs=(Job("default", until_ms=until_ms),)) as on:
        crawler = await on.live()

        assert crawler.status == status
        assert on.record.reason == ("expired" if status == 429 else "")
        assert len(on.upstream.asked) == (status == 200)


async def test_a_job_of_another_contract_is_refused() -> None:
    async with stage(jobs=(Job("default"), Job("other", contract="y"))) as on:
        crawler = await on.live(get(job="other"))

        assert crawler.status == 429
        assert b"job other is for y" in crawler.received
        assert on.passed == []


async def test_shadow_mode_refuses_nothing_and_counts_everything() -> None:
    async with stage(Script((FULL,)), contract=terms(mode="shadow")) as on:
        await on.spend(900)
        crawler = await on.live()

        assert crawler.status == 200
        assert await on.usage() == (1_200, 0)
        assert (on.record.decision, on.record.reason) == ("shadow", "limit")
        assert on.passed[:3] == ["claimed", "asked", "resolved"]


async def test_shadow_mode_says_what_a_rule_would_have_refused() -> None:
    """An expired job passes, and the record says that it would not have."""
    jobs = (Job("default", until_ms=MIDNIGHT_MS),)
    async with stage(Script((HALF,)), contract=terms(mode="shadow"), jobs=jobs) as on:
        crawler = await on.live()

        assert crawler.status == 200
        assert await on.usage() == (100, 0)
        assert (on.record.decision, on.record.reason) == ("shadow", "expired")


async def test_a_job_of_another_contract_brings_nobody_else_into_doubt() -> None:
    """Shadow mode lets it pass; the ledger knows no share of it and must not be asked for one."""
    jobs = (Job("default"), Job("other", contract="y"))
    async with stage(Script((HALF,)), contract=terms(mode="shadow"), jobs=jobs) as on:
        crawler = await on.live(get(job="other"))

        assert crawler.status == 200
        assert await on.usage() == (100, 0)
        assert on.talk.doubt is None
        assert (on.record.decision, on.record.reason) == ("shadow", "operation")


async def test_even_shadow_mode_sends_nothing_that_no_journal_remembers() -> None:
    async with stage(contract=terms(mode="shadow")) as on:
        on.journal.refuses = (Claimed,)
        crawler = await on.live()

        assert crawler.status == 429
        assert on.upstream.asked == []


async def test_the_claim_names_what_a_restart_must_know() -> None:
    async with stage() as on:
        await on.live()

        (claim,) = [record for record in on.journal.records if isinstance(record, Claimed)]
        assert (claim.contract, claim.job, claim.operation) == (
            "x",
            "default",
            "tweets_search_recent",
        )
        assert (claim.asked, claim.price) == (100, FULL_PRICE)
        assert claim.amounts == ((LIMIT, FULL_PRICE), (f"{LIMIT}/default", FULL_PRICE))
        assert claim.hold == on.resolution.hold
        assert len(claim.catalog) == 64


class Hesitant(ScriptedCrawler):
    """A crawler that announces a body and takes its time."""

    begins: asyncio.Event

    async def body(self) -> AsyncIterator[bytes]:
        await self.begins.wait()
        if self.left.is_set():
            raise ConnectionResetError
        async for chunk in super().body():
            yield chunk


@pytest.fixture
def hesitant() -> Hesitant:
    crawler = Hesitant(body_chunks=(b"a", b"b"))
    crawler.begins = asyncio.Event()
    return crawler


async def test_nothing_is_held_before_a_crawlers_body_begins(hesitant: Hesitant) -> None:
    """Else the grant would grow old, and posts be held, while the crawler takes its time."""
    async with stage(Script((HALF,)), contract=terms(20_000)) as on:
        running = on.begin(post("/3/new"), hesitant)
        await on.settle()
        on.clock.advance_ms(60_000)

        assert on.talk.snapshot().holds == 0
        assert on.passed == []

        hesitant.begins.set()
        await running

        assert hesitant.status == 200
        assert on.upstream.bodies == [b"ab"]


async def test_a_crawler_whose_body_never_begins_has_left(hesitant: Hesitant) -> None:
    async with stage(contract=terms(20_000)) as on:
        running = on.begin(post("/3/new"), hesitant)
        await on.settle()
        hesitant.left.set()
        hesitant.begins.set()
        await running

        assert (on.record.decision, on.record.outcome) == ("left", "void")
        assert on.upstream.asked == []


async def test_a_body_of_no_bytes_is_a_body() -> None:
    async with stage(Script((HALF,)), contract=terms(20_000)) as on:
        crawler = await on.live(post("/3/new"), ScriptedCrawler())

        assert crawler.status == 200
        assert on.upstream.bodies == [b""]
