"""What a request may cost is held before its first byte, and what it cost is never forgotten."""

from __future__ import annotations

from tests.fakes.scripted import Script, ScriptedCrawler, post, stage


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
