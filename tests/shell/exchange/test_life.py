"""What a request may cost is held before its first byte, and what it cost is never forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import LAXEST, Leniency
from governor.core.ledger.records import Outcome
from tests.fakes.scripted import (
    FULL_PRICE,
    HALF,
    Script,
    ScriptedCrawler,
    get,
    post,
    stage,
    terms,
)

if TYPE_CHECKING:
    from governor.core.policy import Contract
    from governor.exchange import Request


async def test_held_then_durable_then_sent_then_durable_then_told() -> None:
    """Invariant 1: no byte before the claim is durable; nothing told before its resolution is."""
    async with stage() as on:
        await on.live()
        await on.usage()

        assert on.passed[:5] == ["granted", "claimed", "asked", "resolved", "told"]


async def test_a_free_operation_passes_without_a_hold_while_the_limit_is_spent() -> None:
    """So does its body."""
    async with stage(Script((b'{"token_type":"bearer"}',))) as on:
        await on.spend(1_000)
        crawler = await on.live(post("/2/oauth2/token"), ScriptedCrawler(body_chunks=(b"a", b"b")))

        assert (crawler.status, crawler.finished) == (200, True)
        assert on.upstream.bodies == [b"ab"]
        assert on.passed == ["asked"]
        assert (on.record.outcome, on.record.charged) == ("free", 0)


async def test_only_the_hosts_of_a_catalog_are_governed() -> None:
    async with stage() as on:
        assert on.exchange.governs("api.x.com")
        assert not on.exchange.governs("example.org")


async def test_nothing_flows_on_when_the_ledger_has_been_silent_for_too_long() -> None:
    """Invariant 5: the platform is closed, and what may have been counted is charged in full."""
    async with stage(Script((HALF[:200],), stalls=True)) as on:
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        await on.upstream.stalled.wait()
        on.fall_silent()
        await running

        assert on.upstream.open == 0
        assert (crawler.received, crawler.finished) == (HALF[:200], False)
        assert await on.usage() == (FULL_PRICE, 0)
        assert (on.resolution.outcome, on.resolution.lingers) == (Outcome.ORPHANED, True)
        assert (on.record.decision, on.record.reason) == ("allow", "severed")


async def test_a_crawler_that_was_cut_off_before_its_answer_began_is_told_why() -> None:
    """The request was sent, so it is charged all the same."""
    async with stage(Script(waits=True)) as on:
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        await on.upstream.stalled.wait()
        on.fall_silent()
        await running

        assert (crawler.status, crawler.finished) == (429, True)
        assert b"in doubt" in crawler.received
        assert await on.usage() == (FULL_PRICE, 0)


async def test_what_was_not_sent_yet_is_not_sent_any_more_and_costs_nothing() -> None:
    async with stage() as on:
        on.upstream.connecting = on.fall_silent
        on.upstream.script = Script(connects=False)
        crawler = await on.live()

        assert crawler.status == 429
        assert on.upstream.asked == []
        assert await on.usage() == (0, 0)


async def test_a_journal_that_is_silent_for_too_long_lets_nobody_wait() -> None:
    async with stage() as on:
        on.journal.stuck.clear()
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        await on.settle()
        on.fall_silent()
        await on.settle()

        assert (crawler.status, crawler.finished) == (429, True)

        on.journal.stuck.set()
        await running

        assert on.upstream.asked == []
        assert await on.usage() == (0, 0)


@pytest.mark.parametrize(
    ("request_", "contract"),
    [(get(), terms(mode="shadow")), (post("/2/oauth2/token"), terms())],
    ids=["shadow", "free"],
)
async def test_what_is_not_held_back_flows_on_without_a_ledger(
    request_: Request, contract: Contract
) -> None:
    """Shadow mode refuses nothing, and a free operation holds nothing."""
    async with stage(Script((HALF,)), contract=contract) as on:
        on.fall_silent()
        crawler = await on.live(request_)

        assert (crawler.status, crawler.finished) == (200, True)
        assert await on.usage() == (on.record.charged, 0)


async def test_a_crawler_that_leaves_while_its_claim_is_written_is_not_forwarded() -> None:
    async with stage() as on:
        on.journal.stuck.clear()
        crawler = ScriptedCrawler()
        running = on.begin(crawler=crawler)
        await on.settle()
        crawler.left.set()
        await on.settle()
        on.journal.stuck.set()
        await running

        assert on.upstream.asked == []
        assert (on.record.decision, on.record.outcome) == ("left", "void")
        assert await on.usage() == (0, 0)


async def test_a_stricter_rule_that_the_ledger_was_shown_binds_a_laxer_governor() -> None:
    """Invariant 10: mode, basis, unknown and errors, whatever is configured here."""
    lax = terms(1_000, mode="shadow", basis="received")
    async with stage(Script((HALF,)), contract=lax) as on:
        on.book.leniency = Leniency(0)
        await on.usage()
        await on.live()
        assert await on.usage() == (100, 0)

        assert (await on.live(get("/3/new"))).status == 429
        on.upstream.script = Script((b'{"title":"Unauthorized"}',), status=401)
        await on.live()
        assert await on.usage() == (200, 0)

        await on.spend(800)
        assert (await on.live()).status == 429


async def test_a_rule_that_grows_stricter_while_an_answer_flows_binds_its_charge() -> None:
    """Lowering is adopted at once by all."""
    async with stage(Script((HALF,), stalls=True), contract=terms(basis="received")) as on:
        running = on.begin()
        await on.upstream.stalled.wait()
        on.book.leniency = LAXEST & ~Leniency.RECEIVED
        await on.usage()
        on.upstream.go.set()
        await running

        assert await on.usage() == (100, 0)
