"""A request's body is read for its price where that is needed, and sent exactly as it came."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.core.catalog import MOST_BODY_BYTES
from tests.fakes.flowing import CATALOG, LOOKUP, PAGE, timeline
from tests.fakes.scripted import Script, ScriptedCrawler, post, stage, terms

IDS = (b"ids=1,2", b",3&trim=", b"1")
LONG = (b"ids=1&x=" + b"y" * MOST_BODY_BYTES, b"&ids=2")


async def test_a_body_says_what_is_asked_for_and_is_sent_as_it_came() -> None:
    async with stage(Script((timeline(2),)), catalog=CATALOG) as on:
        await on.live(LOOKUP, ScriptedCrawler(body_chunks=IDS))

        assert (on.record.asked, on.record.price) == (3, 3)
        assert on.upstream.bodies == [b"".join(IDS)]


async def test_nothing_is_held_before_the_body_was_read() -> None:
    """A crawler may take its time with it."""
    async with stage(Script((timeline(2),)), catalog=CATALOG) as on:
        crawler = ScriptedCrawler(body_chunks=(b"ids=1",) * 3_000)
        running = on.begin(LOOKUP, crawler)
        await on.settle()

        assert on.passed == []
        assert on.talk.snapshot().holds == 0

        await running
        assert on.passed[0] == "granted"


@pytest.mark.parametrize("chunks", [LONG, (b"%" * 10,)], ids=["long", "odd"])
async def test_a_body_that_is_long_or_odd_costs_the_most_and_is_sent_on(
    chunks: tuple[bytes, ...],
) -> None:
    async with stage(Script((timeline(2),)), catalog=CATALOG) as on:
        await on.live(LOOKUP, ScriptedCrawler(body_chunks=chunks))

        assert on.record.price == 100
        assert on.upstream.bodies == [b"".join(chunks)]


async def test_a_body_in_a_coding_costs_the_most() -> None:
    """It is not unpacked: it may be a bomb."""
    coded = replace(LOOKUP, headers=(*LOOKUP.headers, ("Content-Encoding", "gzip")))
    async with stage(Script((timeline(2),)), catalog=CATALOG) as on:
        await on.live(coded, ScriptedCrawler(body_chunks=IDS))

        assert on.record.price == 100
        assert on.upstream.bodies == [b"".join(IDS)]


async def test_a_post_without_a_body_asks_for_what_its_query_says() -> None:
    """It costs that, and not the most that a body could have asked for."""
    bare = replace(LOOKUP, target=f"{LOOKUP.target}?ids=1,2", has_body=False)
    async with stage(Script((timeline(2),)), catalog=CATALOG) as on:
        await on.live(bare)

        assert (on.record.asked, on.record.price) == (2, 2)


async def test_a_body_that_says_nothing_of_posts_is_not_read_first() -> None:
    async with stage(Script((timeline(2),)), contract=terms(10_000), catalog=CATALOG) as on:
        await on.live(post("/page"), ScriptedCrawler(body_chunks=LONG))

        assert on.upstream.bodies == [b"".join(LONG)]


async def test_a_raise_shuts_nothing_out() -> None:
    """An odd answer must not make an operation dearer than the limit, for ever."""
    async with stage(Script((timeline(25),)), contract=terms(40), catalog=CATALOG) as on:
        await on.live(replace(PAGE, target="/page?n=1"))
        await on.usage()
        await on.live(PAGE)

        assert [each.price for each in on.records] == [1, 40]
        assert [each.reason for each in on.records] == ["", "limit"]


async def test_an_overrun_raises_the_price_of_the_next_request() -> None:
    """In proportion to what it asks for, and the journal says by how much."""
    async with stage(Script((timeline(25),)), catalog=CATALOG) as on:
        await on.live(PAGE)
        await on.live(replace(PAGE, target="/page?n=4"))

        assert [each.price for each in on.records] == [10, 12]
        assert [each.overrun for each in on.records] == [15, 13]
