"""A stream is led by what is held for it, and cut after a whole line when nothing is left."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from governor.core.counting.inflating import PIECE_BYTES
from governor.core.leading import PAUSE_MS
from governor.core.ledger.holds import Hold
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.exchange.holding import OLDEST_GRANT_MS
from governor.exchange.lines import MOST_BYTES
from tests.fakes.flowing import CATALOG, LEAD, STREAM, records
from tests.fakes.scripted import (
    BROTLI,
    GZIP,
    JSON,
    LIMIT,
    REQUESTS,
    Script,
    ScriptedCrawler,
    Stage,
    broken,
    stage,
    terms,
)

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from governor.core.policy import Contract

PIECES = tuple(records(2, first) for first in range(1, 200, 2))


def set_stage(
    script: Script, contract: Contract | None = None
) -> AbstractAsyncContextManager[Stage]:
    return stage(script, contract=contract or terms(10_000), catalog=CATALOG)


def claims(on: Stage) -> list[Claimed]:
    return [each for each in on.journal.records if isinstance(each, Claimed)]


def resolutions(on: Stage) -> list[Resolved]:
    return [each for each in on.journal.records if isinstance(each, Resolved)]


async def test_it_is_cut_after_a_whole_line_when_no_more_can_be_held() -> None:
    """Its lead is charged in full, lingering: what is on its way may have been counted."""
    async with set_stage(Script(PIECES), terms(2 * LEAD)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(LEAD + 2)
        assert (crawler.status, crawler.finished) == (200, True)
        assert await on.usage() == (2 * LEAD, 0)
        assert resolutions(on)[-1].lingers
        assert (on.record.decision, on.record.reason) == ("allow", "limit")
        assert (on.record.received, on.record.charged) == (LEAD + 2, 2 * LEAD)


async def test_who_connects_again_is_refused_while_nothing_is_left() -> None:
    async with set_stage(Script(PIECES), terms(2 * LEAD)) as on:
        await on.live(STREAM)

        assert (await on.live(STREAM)).status == 429
        assert len(on.upstream.asked) == 1


async def test_a_limit_below_the_lead_is_held_whole_and_the_stream_cut_at_its_first_posts() -> None:
    async with set_stage(Script(PIECES), terms(LEAD - 1)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == PIECES[0]
        assert await on.usage() == (LEAD - 1, 0)


async def test_holds_are_settled_as_they_are_used_up() -> None:
    """A stream of days is not charged at its end, and each post counts from when it was read."""
    async with set_stage(Script(PIECES[: LEAD // 2], stalls=True)) as on:
        crawler = ScriptedCrawler()
        running = on.begin(STREAM, crawler)
        await on.upstream.stalled.wait()
        charged, pending = await on.usage()

        assert charged == LEAD
        assert pending >= LEAD
        assert [(each.outcome, each.lingers) for each in resolutions(on)] == [
            (Outcome.SETTLED, False)
        ]

        crawler.left.set()
        await running
        assert await on.usage() == (charged + pending, 0)


async def test_a_top_up_is_a_hold_of_its_own_and_no_request_of_its_own() -> None:
    """Invariant 9, the other way round: what was asked once counts once as a request."""
    async with set_stage(Script(PIECES), terms(4 * LEAD, REQUESTS)) as on:
        await on.live(STREAM)
        first, *others = claims(on)

        assert others
        assert [each.hold for each in others] == [
            f"{first.hold}+{number}" for number in range(1, len(others) + 1)
        ]
        assert {each.hold for each in claims(on)} == {each.hold for each in resolutions(on)}
        assert await on.usage() == (4 * LEAD, 0)
        assert await on.usage("x-15m") == (1, 0)


async def test_nothing_more_is_read_before_the_claim_for_it_is_durable() -> None:
    """Invariant 1. It waits no longer than its lead allows for: then it is cut."""
    async with set_stage(Script(PIECES)) as on:
        running = on.begin(STREAM, crawler := ScriptedCrawler())
        await on.until(lambda: claims(on))
        await on.until(lambda: len(claims(on)) == 2)
        on.journal.stuck.clear()
        await on.settle()
        seen = len(crawler.received)

        assert len(records(2)) <= seen < len(records(2 * LEAD))

        await on.settle()
        assert len(crawler.received) == seen

        on.clock.advance_ms(PAUSE_MS)
        await on.settle()
        on.journal.stuck.set()
        await running
        assert len(crawler.received) == seen
        assert on.upstream.open == 0
        assert on.record.reason == "doubt"


async def test_a_top_up_that_is_old_when_it_could_be_used_is_given_back() -> None:
    """Invariant 5: the ledger may have moved on."""
    async with set_stage(Script(PIECES)) as on:
        running = on.begin(STREAM)
        await on.until(lambda: on.upstream.asked)
        on.journal.slow_ms = OLDEST_GRANT_MS + 1
        await running

        assert on.record.reason == "doubt"
        assert Outcome.VOID in [each.outcome for each in resolutions(on)]
        assert await on.usage() == (LEAD, 0)


async def test_a_journal_that_fails_cuts_it() -> None:
    async with set_stage(Script(PIECES)) as on:
        running = on.begin(STREAM)
        await on.until(lambda: claims(on))
        on.journal.refuses = (Claimed,)
        await running

        assert on.record.reason == "doubt"
        assert (on.record.received or 0) <= LEAD


async def test_a_ledger_in_doubt_cuts_it() -> None:
    async with set_stage(Script(PIECES[:1], stalls=True)) as on:
        running = on.begin(STREAM)
        await on.upstream.stalled.wait()
        on.fall_silent()
        await running

        assert on.upstream.open == 0
        assert on.record.reason == "severed"
        assert (await on.usage())[1] == 0


async def test_a_stream_that_its_platform_ends_costs_what_it_held() -> None:
    """Nothing of it is on its way any more."""
    async with set_stage(Script(PIECES[:3])) as on:
        crawler = await on.live(STREAM)

        assert (crawler.received, crawler.finished) == (records(6), True)
        assert await on.usage() == (6, 0)
        assert on.record.outcome == "settled"


@pytest.mark.parametrize("rest", [20, 2], ids=["in a record", "before its end"])
async def test_a_stream_that_ends_in_a_line_is_passed_on_to_its_end(rest: int) -> None:
    """A document, too, that stands where a stream was asked for. What was begun costs a post."""
    told = records(3)[:-rest]
    async with set_stage(Script((told,), headers=(("Content-Length", str(len(told))),))) as on:
        crawler = await on.live(STREAM)

        assert (crawler.received, crawler.finished) == (told, True)
        assert await on.usage() == (3, 0)


async def test_a_line_that_was_begun_is_not_passed_on_when_a_stream_breaks_off() -> None:
    async with set_stage(Script((records(3)[:-20],), breaks=broken(sent=True))) as on:
        crawler = await on.live(STREAM)

        assert (crawler.received, crawler.finished) == (records(2), False)


async def test_a_stream_that_breaks_off_costs_all_that_was_held() -> None:
    async with set_stage(Script(PIECES[:1], breaks=broken(sent=True))) as on:
        crawler = await on.live(STREAM)
        charged, pending = await on.usage()

        assert (crawler.received, crawler.finished) == (records(2), False)
        assert charged >= LEAD
        assert pending == 0
        assert all(each.lingers for each in resolutions(on) if each.outcome is Outcome.ORPHANED)


async def test_shadow_mode_passes_it_on_and_records_it_over_the_limit() -> None:
    """It says by which reason it would have been cut."""
    async with set_stage(Script(PIECES[:50]), terms(2 * LEAD, mode="shadow")) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(100)
        assert await on.usage() == (100, 0)
        assert (on.record.decision, on.record.reason) == ("shadow", "limit")


async def test_no_coding_is_asked_for() -> None:
    async with set_stage(Script(PIECES[:1])) as on:
        await on.live(STREAM)

        assert on.upstream.asked[0].headers == (("Accept-Encoding", "identity"),)
        assert on.upstream.asked[0].flows


async def test_a_coded_stream_is_led_by_more_and_relayed_decoded() -> None:
    async with set_stage(Script((gzip.compress(records(4)),), headers=GZIP)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(4)
        assert crawler.fields("content-encoding") == []
        assert sum(each.price for each in claims(on)) >= 10 * 10 + 10


async def test_a_stream_that_nobody_can_read_is_cut_at_once() -> None:
    async with set_stage(Script(PIECES, headers=BROTLI)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == b""
        assert on.record.reason == "unreadable"
        assert await on.usage() == (LEAD, 0)


async def test_a_refusal_of_the_platform_is_an_answer_that_ends() -> None:
    """It is counted like any, and free."""
    problem = b'{\n "title": "Too Many Connections"\n}'
    async with set_stage(Script((problem,), status=429)) as on:
        crawler = await on.live(STREAM)

        assert (crawler.status, crawler.received) == (429, problem)
        assert await on.usage() == (0, 0)


@dataclass
class Stuck(ScriptedCrawler):
    """Takes the head, and nothing more before it is let go."""

    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, chunk: bytes) -> None:
        await self.go.wait()
        await super().write(chunk)


async def test_reading_goes_on_while_a_crawler_is_slow() -> None:
    """Else what nobody reads would pile up with the platform, which may count it."""
    async with set_stage(Script(PIECES[:40], stalls=True)) as on:
        running = on.begin(STREAM, crawler := Stuck())
        await on.upstream.stalled.wait()

        assert crawler.received == b""

        crawler.go.set()
        on.upstream.go.set()
        await running
        assert crawler.received == records(80)


async def test_a_crawler_that_falls_too_far_behind_is_cut_off() -> None:
    line = b'{"id":"1","text":"' + b"x" * (MOST_BYTES // 3) + b'"}\r\n'
    async with set_stage(Script((line,) * 9, headers=JSON)) as on:
        running = on.begin(STREAM, crawler := Stuck())
        await on.until(lambda: on.upstream.asked)
        await on.until(lambda: on.upstream.open == 0)
        crawler.go.set()
        await running

        assert crawler.received == line * 3
        assert on.record.reason == "slow"


async def test_a_piece_that_holds_any_number_of_lines_is_not_unpacked_to_its_end() -> None:
    """A kilobyte of gzip holds a megabyte, and all other requests would wait for its lines.

    The platform has sent them all the same.
    """
    line = records(1).ljust(1_000) + b"\n"
    posts = 8 * MOST_BYTES // len(line)
    bomb = gzip.compress(line * posts)
    async with set_stage(Script((bomb,), headers=GZIP)) as on:
        running = on.begin(STREAM, crawler := Stuck())
        await on.until(lambda: on.upstream.asked)
        await on.until(lambda: on.upstream.open == 0)
        crawler.go.set()
        await running

        assert MOST_BYTES < len(crawler.received) <= MOST_BYTES + 2 * PIECE_BYTES
        assert on.record.reason == "slow"
        assert on.record.received == posts
        assert (await on.usage())[0] >= posts


async def test_a_coded_stream_that_ends_in_its_coding_has_lost_its_end() -> None:
    """What is missing does not show in its lines, so all that was held is charged."""
    cut = gzip.compress(records(4))[:-8]
    async with set_stage(Script((cut,), headers=GZIP)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(4)
        assert (await on.usage())[0] >= 10 * 10 + 10


async def test_it_waits_for_room_only_where_others_may_make_some() -> None:
    """Its own holds make none, so it is cut at once; another's may, within half a second."""
    room = LEAD + LEAD // 2  # so that no hold is used up, and what is used is held
    async with set_stage(Script(PIECES), terms(room, max_wait_ms=60_000)) as on:
        await asyncio.wait_for(on.live(STREAM), 10)  # time stands still: it waits for nothing

        assert on.record.reason == "limit"

    async with set_stage(Script(PIECES), terms(room + LEAD, max_wait_ms=60_000)) as on:
        other = Hold("other", ((LIMIT, LEAD),))
        await on.talk.reserve(other, patience_ms=0)
        running = on.begin(STREAM)
        await on.until(lambda: on.talk.snapshot().waiting)
        await on.settle()

        assert on.upstream.open == 1

        on.clock.advance_ms(PAUSE_MS // 2)
        await running
        assert on.record.reason == "limit"
        on.talk.end(other, (), lingers=False)


async def test_a_crawler_that_leaves_closes_the_platform_and_pays_what_was_held() -> None:
    async with set_stage(Script(PIECES[:2], stalls=True)) as on:
        running = on.begin(STREAM, crawler := ScriptedCrawler())
        await on.upstream.stalled.wait()
        crawler.left.set()
        await running
        charged, pending = await on.usage()

        assert on.upstream.open == 0
        assert charged >= LEAD
        assert pending == 0
        assert on.record.decision == "left"


async def test_what_a_crash_leaves_is_all_that_was_held() -> None:
    """Each hold has a claim that is durable, which the next start charges in full."""
    async with set_stage(Script(PIECES[:2], stalls=True)) as on:
        running = on.begin(STREAM, crawler := ScriptedCrawler())
        await on.upstream.stalled.wait()
        await on.settle()
        ended = {each.hold for each in resolutions(on)}
        left = [dict(each.amounts)[LIMIT] for each in claims(on) if each.hold not in ended]

        assert (await on.usage())[1] == sum(left) > LEAD

        crawler.left.set()
        await running


@pytest.mark.parametrize("status", [203, 206])
async def test_any_answer_that_succeeds_is_a_stream(status: int) -> None:
    async with set_stage(Script(PIECES, status=status), terms(2 * LEAD)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(LEAD + 2)
        assert await on.usage() == (2 * LEAD, 0)


async def test_another_answer_to_a_stream_is_cut_where_it_holds_more_than_is_held() -> None:
    """Nothing says that it ends."""
    async with set_stage(Script(PIECES, status=503), terms(2 * LEAD)) as on:
        crawler = await on.live(STREAM)

        assert crawler.received == records(LEAD)
        assert not crawler.finished
        assert (await on.usage())[0] >= LEAD
