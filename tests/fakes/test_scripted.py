"""The scripted platform and crawler do what their scripts say, and the stage keeps its order."""

from __future__ import annotations

import pytest

from governor.core.ledger.records import Claimed
from governor.errors import JournalError, UpstreamError
from tests.fakes.scripted import (
    LIMIT,
    Script,
    ScriptedCrawler,
    ScriptedUpstream,
    broken,
    get,
    stage,
)


async def test_an_answer_ends_as_its_script_says() -> None:
    upstream = ScriptedUpstream(Script((b"a", b"b"), breaks=broken(sent=True)), [])
    async with upstream.ask(get(), None) as answer:
        chunks = answer.chunks()

        assert [await anext(chunks), await anext(chunks)] == [b"a", b"b"]
        with pytest.raises(UpstreamError):
            await anext(chunks)
        assert upstream.open == 1

    assert upstream.open == 0


@pytest.mark.parametrize("sent", [True, False])
async def test_only_what_may_have_been_written_was_asked(*, sent: bool) -> None:
    upstream = ScriptedUpstream(Script(unanswered=broken(sent=sent)), [])
    written: list[str] = []
    with pytest.raises(UpstreamError):
        async with upstream.ask(get(), None, lambda: written.append("a byte")):
            pass

    assert len(upstream.asked) == len(written) == sent


@pytest.mark.parametrize("leaves_at", [0, 1, 2])
async def test_a_crawler_leaves_at_its_write(leaves_at: int) -> None:
    crawler = ScriptedCrawler(leaves_at=leaves_at)
    with pytest.raises(ConnectionError):  # noqa: PT012  # which of them raises is the question
        await crawler.start(200, "OK", ())
        await crawler.write(b"x")
        await crawler.finish()

    assert crawler.writes == leaves_at
    assert not crawler.finished


async def test_a_journal_refuses_what_it_is_told_to() -> None:
    async with stage() as on:
        on.journal.refuses = (Claimed,)
        with pytest.raises(JournalError):
            await on.journal.append(Claimed("x", "h", "j", "o", 1, 1, (), "c", 0))

        assert "claimed" not in on.passed


async def test_what_is_spent_is_charged_and_not_among_what_passed() -> None:
    async with stage() as on:
        await on.spend(900)

        assert on.passed == []
        assert await on.usage(f"{LIMIT}/default") == (900, 0)
