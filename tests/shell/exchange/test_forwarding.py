"""A request is sent once, and its answer counted as it passes; whatever breaks it off is paid."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.records import Outcome
from governor.exchange.holding import OLDEST_GRANT_MS
from tests.fakes.scripted import (
    FULL_PRICE,
    HALF,
    LIMIT,
    TOO_FULL,
    Script,
    ScriptedCrawler,
    Stage,
    broken,
    get,
    stage,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_a_platform_that_was_asked_and_does_not_answer_costs_the_price() -> None:
    """It may have counted every post."""
    async with stage(Script(unanswered=broken(sent=True))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.finished) == (502, True)
        assert await on.usage() == (FULL_PRICE, 0)
        assert on.resolution.lingers


async def test_an_answer_that_breaks_off_costs_the_price_and_is_seen_to_be_cut() -> None:
    """What was sent of it cannot be taken for the whole, and the charge lingers."""
    async with stage(Script((HALF[:200],), breaks=broken(sent=True))) as on:
        crawler = await on.live()

        assert (crawler.status, crawler.received, crawler.finished) == (200, HALF[:200], False)
        assert await on.usage() == (FULL_PRICE, 0)
        assert (on.resolution.outcome, on.resolution.lingers) == (Outcome.ORPHANED, True)
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
        assert on.resolution.lingers
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


PASSES = {
    "time": lambda on, age_ms: on.clock.advance_ms(age_ms),
    "a suspend": lambda on, age_ms: on.clock.suspend_ms(age_ms),
}


@pytest.mark.parametrize(("age_ms", "status"), [(OLDEST_GRANT_MS, 200), (OLDEST_GRANT_MS + 1, 429)])
@pytest.mark.parametrize("passes", PASSES.values(), ids=PASSES.keys())
async def test_a_grant_that_is_old_at_its_first_byte_is_given_back(
    passes: Callable[[Stage, int], None], age_ms: int, status: int
) -> None:
    """Invariant 5: while it connected the ledger may have moved on. Nothing was sent."""
    async with stage(Script((HALF,))) as on:
        on.upstream.connecting = partial(passes, on, age_ms)
        crawler = await on.live()

        assert (crawler.status, crawler.finished) == (status, True)
        assert len(on.upstream.asked) == (status == 200)
        assert on.record.outcome == ("settled" if status == 200 else "void")
        assert on.record.reason == ("" if status == 200 else "doubt")
        assert await on.usage() == (100 if status == 200 else 0, 0)


async def test_a_slow_journal_makes_a_grant_old_as_well() -> None:
    async with stage() as on:
        on.journal.slow_ms = OLDEST_GRANT_MS + 1
        crawler = await on.live()

        assert crawler.status == 429
        assert b"in doubt" in crawler.received
        assert on.upstream.asked == []
        assert await on.usage() == (0, 0)


async def test_shadow_mode_sends_even_under_an_old_grant() -> None:
    """It refuses nothing, and counts what it sent."""
    async with stage(Script((HALF,)), contract=terms(mode="shadow")) as on:
        on.upstream.connecting = partial(on.clock.advance_ms, OLDEST_GRANT_MS + 1)

        assert (await on.live()).status == 200
        assert await on.usage() == (100, 0)
