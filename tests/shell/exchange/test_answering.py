"""What a crawler is told says why, and when to come back; what passes keeps its own fields."""

from __future__ import annotations

from governor.core.ledger.records import Outcome
from governor.core.policy import Job
from tests.fakes.scripted import HALF, JSON, LIMIT, REQUESTS, Script, broken, stage, terms


async def test_a_platform_that_was_never_reached_costs_nothing() -> None:
    async with stage(Script(unanswered=broken(sent=False))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.finished) == (502, True)
        assert "error=connection_refused" in crawler.fields("Proxy-Status")[0]
        assert await on.usage() == (0, 0)
        assert on.resolution.outcome is Outcome.VOID
        assert on.record.reason == "connection_refused"


async def test_an_answer_passes_with_its_own_fields_first_and_ours_after_them() -> None:
    """Repeated ones stay repeated, in their order."""
    own = (("x-rate-limit-remaining", "7"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), *JSON)
    async with stage(Script((b"{}",), headers=own)) as on:
        crawler = await on.live()

        assert crawler.headers[: len(own)] == own
        added = [name for name, _ in crawler.headers[len(own) :]]
        assert added == ["RateLimit-Policy", "RateLimit", "Proxy-Status", "Via"]
        assert crawler.fields("RateLimit-Policy") == [
            f'"{LIMIT}";q=1000;w=86400;governor-unit="posts"'
        ]


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


async def test_a_crawler_is_told_of_the_limit_that_refuses_it_in_its_own_unit() -> None:
    async with stage(Script((HALF,)), contract=terms(10_000, REQUESTS)) as on:
        passing = await on.live()
        await on.live()
        crawler = await on.live()

        (policy,) = passing.fields("RateLimit-Policy")
        assert policy.split(", ") == [
            f'"{LIMIT}";q=10000;w=86400;governor-unit="posts"',
            '"x-15m";q=2;w=900;governor-unit="requests"',
        ]
        assert crawler.status == 429
        assert b"x-15m allows 2 requests in any 15 min and has 0 left" in crawler.received
        assert crawler.fields("x-rate-limit-limit") == ["2"]
        assert (on.records[-1].reason, on.records[-1].usage) == ("limit", 200)
