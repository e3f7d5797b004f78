"""What a request may cost is held before its first byte, and what it cost is never forgotten."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.core.record import ExchangeRecord
from governor.exchange.life import IN_A_THREAD_BYTES
from tests.fakes.posts import encoded, v2_body
from tests.fakes.scripted import (
    JSON,
    LIMIT,
    Script,
    ScriptedCrawler,
    Stage,
    broken,
    get,
    post,
    stage,
    terms,
)

if TYPE_CHECKING:
    from governor.core.policy import Basis

FULL_PRICE = 300  # 100 posts, each with two that it refers to
HALF = encoded(v2_body([0] * 50))
FULL = encoded(v2_body([2] * 100))
TOO_FULL = encoded(v2_body([3] * 100))
GZIP = (*JSON, ("Content-Encoding", "gzip"))
BROTLI = (*JSON, ("Content-Encoding", "br"))
STREAM = "/2/tweets/search/stream"


def resolved(on: Stage) -> Resolved:
    (found,) = [record for record in on.journal.records if isinstance(record, Resolved)]
    return found


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
        assert resolved(on).outcome is Outcome.SETTLED


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
        assert not resolved(on).lingers


async def test_a_platform_that_was_never_reached_costs_nothing() -> None:
    async with stage(Script(unanswered=broken(sent=False))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.finished) == (502, True)
        assert "error=connection_refused" in crawler.fields("Proxy-Status")[0]
        assert await on.usage() == (0, 0)
        assert resolved(on).outcome is Outcome.VOID
        assert on.record.reason == "connection_refused"


async def test_a_platform_that_was_asked_and_does_not_answer_costs_the_price() -> None:
    """It may have counted every post."""
    async with stage(Script(unanswered=broken(sent=True))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.finished) == (502, True)
        assert await on.usage() == (FULL_PRICE, 0)
        assert resolved(on).lingers


async def test_an_answer_that_breaks_off_costs_the_price_and_is_seen_to_be_cut() -> None:
    """What was sent of it cannot be taken for the whole, and the charge lingers."""
    async with stage(Script((HALF[:200],), breaks=broken(sent=True))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.received, crawler.finished) == (200, HALF[:200], False)
        assert await on.usage() == (FULL_PRICE, 0)
        assert (resolved(on).outcome, resolved(on).lingers) == (Outcome.ORPHANED, True)
        told = [message.values[LIMIT] for message in on.home.heard if LIMIT in message.values]
        assert (told[-1].charged, told[-1].lingered) == (0, FULL_PRICE)


async def test_a_crawler_that_leaves_in_the_middle_closes_the_platform_and_pays() -> None:
    async with stage(Script((HALF[:200],), stalls=True)) as on:
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        await on.upstream.stalled.wait()

        assert on.upstream.open == 1

        crawler.left.set()
        await running

        assert on.upstream.open == 0
        assert await on.usage() == (FULL_PRICE, 0)
        assert resolved(on).lingers
        assert (on.record.decision, on.record.outcome) == ("left", "orphaned")


@pytest.mark.parametrize("write", [0, 1])
async def test_a_crawler_that_takes_no_more_pays_the_price(write: int) -> None:
    """At the head or at a chunk."""
    async with stage(Script((HALF,))) as on:
        await on.live(crawler=ScriptedCrawler(leaves_at=write))

        assert await on.usage() == (FULL_PRICE, 0)
        assert on.record.decision == "left"


async def test_a_crawler_that_leaves_after_the_last_byte_was_read_pays_what_was_counted() -> None:
    async with stage(Script((HALF,))) as on:
        await on.live(crawler=ScriptedCrawler(leaves_at=2))

        assert await on.usage() == (100, 0)
        assert on.record.outcome == "settled"


async def test_held_then_durable_then_sent_then_durable_then_told() -> None:
    """Invariant 1: no byte before the claim is durable; nothing told before its resolution is."""
    async with stage() as on:
        await on.live()
        await on.usage()

        assert on.passed[:5] == ["granted", "claimed", "asked", "resolved", "told"]


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


async def test_a_free_operation_passes_without_a_hold_while_the_limit_is_spent() -> None:
    """So does its body."""
    async with stage(Script((b'{"token_type":"bearer"}',))) as on:
        await on.spend(1_000)
        crawler = await on.live(post("/2/oauth2/token"), ScriptedCrawler(body_chunks=(b"a", b"b")))

        assert (crawler.status, crawler.finished) == (200, True)
        assert on.upstream.bodies == [b"ab"]
        assert on.passed == ["asked"]
        assert (on.record.outcome, on.record.charged) == ("free", 0)


@pytest.mark.parametrize(
    ("offered", "asked"),
    [((), "identity"), ((("accept-encoding", "br, gzip"),), "gzip")],
)
async def test_the_platform_is_asked_only_for_a_coding_that_can_be_counted(
    offered: tuple[tuple[str, str], ...], asked: str
) -> None:
    async with stage() as on:
        await on.live(get(headers=(("User-Agent", "mine"), *offered)))

        (sent,) = on.upstream.asked
        assert sent.headers == (("User-Agent", "mine"), ("Accept-Encoding", asked))


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


async def test_the_record_says_all_that_happened() -> None:
    async with stage(Script((HALF[:100], HALF[100:]))) as on:
        await on.live()

        assert on.record == ExchangeRecord(
            decision_id=resolved(on).hold,
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
        assert claim.hold == resolved(on).hold
        assert len(claim.catalog) == 64


async def test_only_the_hosts_of_a_catalog_are_governed() -> None:
    async with stage() as on:
        assert on.exchange.governs("api.x.com")
        assert not on.exchange.governs("example.org")


async def test_an_unknown_answer_is_cut_when_it_may_hold_more_than_was_held() -> None:
    """The catalog cannot say that it ever ends; what the platform sent till then is charged."""
    piece = b'{"data":{"id":"1","text":"x"}}\n' * 1_000
    async with stage(Script((piece,) * 20), contract=terms(posts=1_000_000)) as on:
        crawler = await on.live(get("/2/tweets/firehose/stream/lang/fr"))

        assert not crawler.finished
        assert len(crawler.received) <= on.record.price * len(piece) // 1_000
        assert on.record.price < on.record.charged <= on.record.price + 1_000
        assert await on.usage() == (on.record.charged, 0)
        assert on.record.reason == "http_response_body_size"


async def test_a_known_answer_is_read_to_its_end_even_past_its_price() -> None:
    """The platform has served it: cutting it would lose posts and save none."""
    async with stage(Script((TOO_FULL[:5_000], TOO_FULL[5_000:]))) as on:
        crawler = await on.live()

        assert crawler.finished
        assert on.record.charged == 400
