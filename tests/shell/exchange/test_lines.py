"""Lines are written whole and in their order, beside the reading, whatever the crawler does."""

from __future__ import annotations

import pytest

from governor.core.policy import Job
from governor.exchange.course import Course
from governor.exchange.lines import MOST_BYTES, Lines
from governor.exchange.parts import Adapters, Governed
from tests.fakes.flowing import CATALOG, STREAM, records
from tests.fakes.scripted import GZIP, Script, ScriptedAnswer, ScriptedCrawler, Stage, stage


def begun(on: Stage, crawler: ScriptedCrawler) -> Course:
    adapters = Adapters(on.upstream, on.journal, on.clock, on.records.append, on.tasks)
    governed = Governed(on.contract, CATALOG, on.talk)
    return Course.begin(STREAM, crawler, governed, Job("default"), adapters)


def answer(on: Stage) -> ScriptedAnswer:
    return ScriptedAnswer(Script(headers=GZIP), on.upstream.stalled, on.upstream.go)


async def test_all_lines_are_written_before_it_is_left() -> None:
    async with stage(catalog=CATALOG) as on:
        course = begun(on, crawler := ScriptedCrawler())
        async with Lines(course) as lines:
            lines.begin(answer(on), decoded=True)
            for number in range(1, 50):
                assert lines.put(records(1, number))

        assert crawler.received == records(49)
        assert course.relayed_bytes == len(records(49))
        assert crawler.fields("content-encoding") == []


async def test_there_is_room_for_so_many_bytes_and_then_for_no_more() -> None:
    async with stage(catalog=CATALOG) as on, Lines(begun(on, ScriptedCrawler())) as lines:
        lines.begin(answer(on), decoded=True)

        assert lines.put(b"x" * (MOST_BYTES - 1) + b"\n")
        assert not lines.put(b"\n")


async def test_a_crawler_that_is_gone_is_noticed() -> None:
    async with stage(catalog=CATALOG) as on:
        course = begun(on, ScriptedCrawler(leaves_at=1))
        with pytest.raises(ConnectionError):  # noqa: PT012  # whoever notices
            async with Lines(course) as lines:
                lines.begin(answer(on), decoded=False)
                lines.put(records(1))
                await on.settle()
                lines.put(records(1))


async def test_a_crawler_that_leaves_at_the_last_line_is_noticed_too() -> None:
    async with stage(catalog=CATALOG) as on:
        course = begun(on, ScriptedCrawler(leaves_at=1))
        with pytest.raises(ConnectionError):  # noqa: PT012  # whoever notices
            async with Lines(course) as lines:
                lines.begin(answer(on), decoded=False)
                lines.put(records(1))
