"""An answer that ends is passed on byte for byte, and its fields in their order."""

from __future__ import annotations

import pytest

from governor.exchange.relaying import field
from tests.fakes.scripted import HALF, JSON, Script, ScriptedAnswer, Stage, stage

REPEATED = (*JSON, ("Set-Cookie", "a"), ("SET-COOKIE", "b"))


def answer(on: Stage) -> ScriptedAnswer:
    return ScriptedAnswer(Script(headers=REPEATED), on.upstream.stalled, on.upstream.go)


@pytest.mark.parametrize(
    ("name", "value"), [("content-type", "application/json"), ("set-cookie", "b"), ("x", "")]
)
async def test_a_field_is_found_in_any_spelling_its_last_value(name: str, value: str) -> None:
    async with stage() as on:
        assert field(answer(on), name) == value


async def test_it_arrives_as_it_was_sent_with_how_the_limits_stand() -> None:
    async with stage(Script((HALF[:10], HALF[10:]), headers=REPEATED)) as on:
        crawler = await on.live()

        assert crawler.received == HALF
        assert crawler.headers[: len(REPEATED)] == REPEATED
        assert crawler.fields("ratelimit") != []
        assert on.record.relayed_bytes == len(HALF)
