"""What a request cost is durable, told and recorded, however it ended."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.records import Outcome, Resolved
from governor.core.record import ExchangeRecord
from governor.exchange.resolving import IN_A_THREAD_BYTES
from tests.fakes.flowing import CATALOG, PAGE, timeline
from tests.fakes.posts import encoded, v2_body
from tests.fakes.scripted import (
    BROTLI,
    FULL,
    FULL_PRICE,
    GZIP,
    HALF,
    JSON,
    LIMIT,
    REQUESTS,
    TOO_FULL,
    Script,
    ScriptedCrawler,
    broken,
    get,
    post,
    stage,
    terms,
)

if TYPE_CHECKING:
    from governor.core.policy import Basis


@pytest.mark.parametrize(
    ("body", "basis", "charged"),
    [
        (HALF, "asked", 100),
        (FULL, "asked", 300),
        (HALF, "received", 50),
        (FULL, "received", 300),
        (TOO_FULL, "asked", 400),
        (TOO_FULL, "received", 400),
    ],
)
async def test_an_answer_that_was_read_is_charged_by_what_was_asked_or_received(
    body: bytes, basis: Basis, charged: int
) -> None:
    """Whichever is more; by the basis "received" only what came. More than the price, in full."""
    async with stage(Script((body,)), contract=terms(basis=basis)) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.received, crawler.finished) == (200, body, True)
        assert await on.usage() == (charged, 0)
        assert await on.usage(f"{LIMIT}/default") == (charged, 0)
        assert on.record.outcome == "settled"
        assert on.record.overrun == max(0, charged - FULL_PRICE)


async def test_more_than_the_price_is_recorded_even_over_the_limit() -> None:
    """Invariant 8: truth is recorded even over the limit, and then nothing fits any more."""
    async with stage(Script((TOO_FULL,)), contract=terms(posts=FULL_PRICE)) as on:
        await on.live()

        assert await on.usage() == (400, 0)
        assert (await on.live(get("/2/tweets?ids=1"))).status == 429


@pytest.mark.parametrize(
    ("body", "outcome", "charged"),
    [(HALF, Outcome.SETTLED, 50), (HALF[:-1], Outcome.ORPHANED, 101)],
    ids=["counted", "broken"],
)
async def test_posts_in_an_answer_that_the_catalog_calls_free_are_charged(
    body: bytes, outcome: Outcome, charged: int
) -> None:
    """Invariant 8: the platform has served them; over the limit too, and it is alarmed.

    Of a broken one, all that its keys may be.
    """
    async with stage(Script((body,)), contract=terms(posts=20)) as on:
        crawler = await on.live(post("/2/oauth2/token"), ScriptedCrawler(body_chunks=(b"a",)))

        assert (crawler.status, crawler.finished) == (200, True)
        assert await on.usage() == (charged, 0)
        assert on.resolution.outcome is outcome
        assert (on.record.charged, on.record.overrun) == (charged, charged)
        assert on.record.drift == f"{charged} posts where the catalog says that there are none"


async def test_a_large_answer_is_counted_like_a_small_one() -> None:
    """It is counted beside the loop."""
    body = encoded({**v2_body([2] * 100), "padding": "x" * IN_A_THREAD_BYTES})
    async with stage(Script((body,))) as on:
        await on.live()

        assert (on.record.received, on.record.charged) == (300, 300)


async def test_a_client_error_without_a_post_is_free() -> None:
    async with stage(Script((b'{"title":"Unauthorized"}',), status=401)) as on:
        crawler = await on.live()

        assert crawler.status == 401
        assert await on.usage() == (0, 0)
        assert on.resolution.outcome is Outcome.SETTLED


@pytest.mark.parametrize(
    ("headers", "body"),
    [(BROTLI, HALF), (GZIP, gzip.compress(HALF)[:-9]), (JSON, HALF[:-1]), (GZIP, HALF)],
    ids=["brotli", "cut gzip", "broken JSON", "not gzip"],
)
async def test_an_answer_that_cannot_be_counted_costs_its_price(
    headers: tuple[tuple[str, str], ...], body: bytes
) -> None:
    """It reaches the crawler all the same, byte for byte."""
    async with stage(Script((body,), headers=headers)) as on:
        crawler = await on.live()

        assert (crawler.received, crawler.finished) == (body, True)
        assert await on.usage() == (FULL_PRICE, 0)
        assert (on.record.outcome, on.record.received) == ("orphaned", None)
        assert on.record.unreadable
        assert not on.resolution.lingers


async def test_a_charge_that_is_not_durable_stays_held_for_ever() -> None:
    """Invariant 1: the ledger is not told; the next start charges the claim."""
    async with stage(Script((HALF,))) as on:
        on.journal.refuses = (Resolved,)
        crawler = await on.live()

        assert crawler.finished
        assert await on.usage() == (0, FULL_PRICE)
        assert "told" not in on.passed


async def test_nothing_is_held_for_what_was_not_sent_even_if_that_is_not_durable() -> None:
    async with stage(Script(unanswered=broken(sent=False))) as on:
        on.journal.refuses = (Resolved,)
        await on.live()

        assert await on.usage() == (0, 0)


async def test_the_record_says_all_that_happened() -> None:
    async with stage(Script((HALF[:100], HALF[100:]))) as on:
        await on.live()

        assert on.record == ExchangeRecord(
            decision_id=on.resolution.hold,
            contract="x",
            job="default",
            operation="tweets_search_recent",
            way="forward",
            decision="allow",
            reason="",
            outcome="settled",
            asked=100,
            price=FULL_PRICE,
            received=50,
            unreadable="",
            charged=100,
            overrun=0,
            usage=300,
            status=200,
            waited_ms=0,
            upstream_ms=0,
            total_ms=0,
            relayed_bytes=len(HALF),
        )


async def test_the_record_measures_the_platform_and_the_whole() -> None:
    async with stage(Script((HALF,), stalls=True)) as on:
        crawler = ScriptedCrawler()
        on.journal.slow_ms = 30
        running = on.begin(crawler=crawler)
        await on.upstream.stalled.wait()
        on.clock.advance_ms(200)
        crawler.left.set()
        await running

        assert (on.record.upstream_ms, on.record.total_ms) == (200, 230)


@pytest.mark.parametrize(
    ("script", "posts", "requests"),
    [
        (Script((HALF,)), 100, 1),
        (Script((b'{"title":"Unauthorized"}',), status=401), 0, 1),
        (Script(unanswered=broken(sent=True)), FULL_PRICE, 1),
        (Script(unanswered=broken(sent=False)), 0, 0),
    ],
    ids=["settled", "a free error", "orphaned", "void"],
)
async def test_a_limit_on_requests_counts_what_was_sent_whatever_it_cost(
    script: Script, posts: int, requests: int
) -> None:
    """Each wire request is one, a free error too; what was never sent is none."""
    async with stage(script, contract=terms(1_000, REQUESTS)) as on:
        await on.live()

        assert await on.usage() == (posts, 0)
        assert await on.usage("x-15m") == (requests, 0)
        assert await on.usage("x-15m/default") == (requests, 0)


async def test_where_posts_run_out_no_request_is_counted() -> None:
    """A hold is granted on all limits or on none."""
    async with stage(Script((HALF,)), contract=terms(1_200, replace(REQUESTS, most=9))) as on:
        await on.spend(850)  # in one request
        statuses = [(await on.live()).status for _ in range(3)]

        assert statuses == [200, 429, 429]
        assert await on.usage() == (950, 0)
        assert await on.usage("x-15m") == (2, 0)


async def test_where_requests_run_out_no_post_is_counted() -> None:
    async with stage(Script((HALF,)), contract=terms(1_200, REQUESTS)) as on:
        statuses = [(await on.live()).status for _ in range(3)]

        assert statuses == [200, 200, 429]
        assert await on.usage() == (200, 0)
        assert await on.usage("x-15m") == (2, 0)


async def test_no_post_where_there_always_were_some_is_not_believed() -> None:
    """A platform that renamed a key would be free from that day on. It is alarmed."""
    renamed = timeline(5).replace(b'"text"', b'"note"')
    by_receipt = terms(basis="received")
    async with stage(Script((timeline(5),)), contract=by_receipt, catalog=CATALOG) as on:
        await on.live(PAGE)
        on.upstream.script = Script((renamed,))
        await on.live(PAGE)
        on.upstream.script = Script((b"[]",))
        await on.live(PAGE)

        assert [each.charged for each in on.records] == [5, 10, 0]
        assert [bool(each.drift) for each in on.records] == [False, True, False]
        assert await on.usage() == (15, 0)


async def test_two_counts_that_differ_are_charged_by_the_higher() -> None:
    """Posts that no walker knows any more, where the catalog says that posts stand."""
    renamed = HALF.replace(b'"text"', b'"note"')
    async with stage(Script((renamed,)), contract=terms(basis="received")) as on:
        await on.live()

        assert on.record.charged == 50
        assert on.record.drift
        assert "note" not in on.record.drift
