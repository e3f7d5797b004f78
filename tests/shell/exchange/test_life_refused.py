"""What is refused was not sent and costs nothing; what passes, passed by the rules."""

from __future__ import annotations

import pytest

from governor.core.ledger.messages import Doubt, DoubtReason
from governor.core.ledger.records import Claimed
from governor.core.policy import Job
from governor.exchange.life import OLDEST_GRANT_MS
from tests.fakes.clock import MIDNIGHT_MS
from tests.fakes.posts import encoded, v2_body
from tests.fakes.scripted import (
    JSON,
    Script,
    ScriptedCrawler,
    get,
    stage,
    terms,
)

FULL_PRICE = 300  # 100 posts, each with two that it refers to
HALF = encoded(v2_body([0] * 50))
FULL = encoded(v2_body([2] * 100))
TOO_FULL = encoded(v2_body([3] * 100))
GZIP = (*JSON, ("Content-Encoding", "gzip"))
BROTLI = (*JSON, ("Content-Encoding", "br"))
STREAM = "/2/tweets/search/stream"


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


async def test_what_does_not_fit_is_refused_with_the_time_at_which_it_will() -> None:
    async with stage() as on:
        await on.spend(900)
        crawler = await on.live()

        (after_s,) = crawler.fields("Retry-After")
        assert (crawler.status, crawler.finished) == (429, True)
        assert 86_400 <= int(after_s) <= 86_500
        assert crawler.fields("x-rate-limit-remaining") == ["0"]
        assert b'"headroom":100' in crawler.received
        assert on.upstream.asked == []
        assert await on.usage() == (900, 0)
        assert (on.record.decision, on.record.reason) == ("refuse", "limit")


async def test_a_share_that_is_spent_is_named_in_the_refusal() -> None:
    async with stage(jobs=(Job("default", posts=400),)) as on:
        await on.spend(200)
        crawler = await on.live()

        assert crawler.status == 429
        assert b'"limit":"x-24h/default"' in crawler.received
        assert on.record.reason == "job_cap"


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
        on.home.answers = [Doubt("", DoubtReason.FOREIGN)]
        await on.settle()
        on.clock.advance_ms(1_000)
        await on.settle()
        crawler = await on.live()

        assert crawler.status == 429
        assert b"in doubt (foreign)" in crawler.received
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


@pytest.mark.parametrize(("age_ms", "status"), [(OLDEST_GRANT_MS, 200), (OLDEST_GRANT_MS + 1, 429)])
async def test_a_grant_that_grew_old_before_its_first_byte_is_given_back(
    age_ms: int, status: int
) -> None:
    """Invariant 5: meanwhile the ledger may have moved on."""
    async with stage() as on:
        on.journal.slow_ms = age_ms
        crawler = await on.live()

        assert crawler.status == status
        assert len(on.upstream.asked) == (status == 200)
        assert on.record.outcome == ("settled" if status == 200 else "void")
        assert (await on.usage())[1] == 0


async def test_an_operation_that_cannot_be_counted_is_refused() -> None:
    async with stage() as on:
        crawler = await on.live(get(STREAM))

        assert crawler.status == 429
        assert b"streams are not governed" in crawler.received
        assert on.record.reason == "operation"
        assert on.passed == []


async def test_an_unknown_operation_is_charged_unless_the_contract_refuses_it() -> None:
    async with stage(Script((HALF,)), contract=terms(10_000)) as on:
        assert (await on.live(get("/3/new"))).status == 200
        assert await on.usage() == (200, 0)

    async with stage(contract=terms(10_000, unknown="refuse")) as on:
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
