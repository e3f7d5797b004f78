"""Wherever a request is struck, no hold is left and what the platform may count is charged.

Struck means cancelled, cancelled again while it is being resolved, or left by its crawler. It is
struck before each step of the loop in turn, so at every await of everything that it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from governor.core.ledger.holds import Hold
from governor.core.ledger.records import Claimed, Resolved
from governor.core.policy import Job, amounts
from governor.exchange.holding import OLDEST_GRANT_MS
from tests.fakes.scripted import (
    FULL,
    FULL_PRICE,
    HALF,
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
from tests.fakes.steps import Steps

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from governor.exchange import Request

MOST_STEPS = 5_000  # a hundred times more than the longest of them takes
PIECE = b'{"data":{"id":"1","text":"x"}}\n' * 1_000


async def nothing(_: Stage) -> None:
    """Set nothing up."""


async def spent(on: Stage) -> None:
    await on.spend(900)


async def in_the_way(on: Stage) -> None:
    """Hold so much that the request waits in line."""
    other = Hold("other", amounts(on.contract, Job("default"), 800))
    await on.talk.reserve(other, patience_ms=0)
    on.others.append(other)


async def old(on: Stage) -> None:
    """Let connecting take longer than a grant may be old."""
    on.upstream.connecting = partial(on.clock.advance_ms, OLDEST_GRANT_MS + 1)


async def full_disk(on: Stage) -> None:
    on.journal.refuses = (Claimed,)


def makes_way(on: Stage, number: int) -> None:
    """End the hold that is in the way, after a while; time passes meanwhile."""
    if number == 30 and on.others:
        on.talk.end(on.others.pop(), (), lingers=False)
    if number % 10 == 0:
        on.clock.advance_ms(50)


def goes_on(on: Stage, number: int) -> None:
    """Let the slow platform answer after a while."""
    if number == 60:
        on.upstream.go.set()


def falls_silent(on: Stage, number: int) -> None:
    """Sever the governor while the answer flows."""
    if number == 45:
        on.fall_silent()


@dataclass(frozen=True)
class Case:
    """One kind of request. `counted` is what the platform may count, from its first byte on."""

    script: Script
    counted: int = FULL_PRICE
    request: Request = field(default_factory=get)
    crawler: Callable[[], ScriptedCrawler] = ScriptedCrawler
    rules: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Stage], Awaitable[None]] = nothing
    during: Callable[[Stage, int], None] = lambda _, __: None


UNKNOWN = {"posts": 20_000}  # is held at the largest price of all
CASES = {
    "granted": Case(Script((FULL[:5_000], FULL[5_000:]))),
    "refused": Case(Script((FULL,)), before=spent),
    "waiting in line": Case(
        Script((FULL,)), rules={"max_wait_ms": 60_000}, before=in_the_way, during=makes_way
    ),
    "left by its crawler": Case(Script((FULL,) * 2), crawler=partial(ScriptedCrawler, leaves_at=1)),
    "slow": Case(Script((FULL,), waits=True), during=goes_on),
    "slow in the middle": Case(Script((FULL,), stalls=True), during=goes_on),
    "chunked": Case(Script(tuple(FULL[at : at + 2_000] for at in range(0, len(FULL), 2_000)))),
    "unknown": Case(Script((HALF,)), 50, get("/3/new"), rules=UNKNOWN),
    "unknown without end": Case(Script((PIECE,) * 18), 15_000, get("/3/new"), rules=UNKNOWN),
    "with a body": Case(
        Script((HALF,)),
        50,
        post("/3/new"),
        partial(ScriptedCrawler, body_chunks=(b"a",) * 3),
        rules=UNKNOWN,
    ),
    "a client error": Case(Script((b'{"title":"Unauthorized"}',), status=401), 0),
    "broken off": Case(Script((FULL[:5_000],), breaks=broken(sent=True))),
    "without an answer": Case(Script(unanswered=broken(sent=True))),
    "without a connection": Case(Script(unanswered=broken(sent=False))),
    "under an old grant": Case(Script((FULL,)), before=old),
    "on a full disk": Case(Script((FULL,)), before=full_disk),
    "severed": Case(Script((FULL,), stalls=True), during=falls_silent),
    "in the shadow": Case(Script((FULL,)), rules={"mode": "shadow"}, before=spent),
}

Strike = Callable[[asyncio.Task[None], ScriptedCrawler], object]


def cancel(running: asyncio.Task[None], _: ScriptedCrawler) -> None:
    running.cancel()


def leave(_: asyncio.Task[None], crawler: ScriptedCrawler) -> None:
    crawler.left.set()


async def struck(case: Case, strikes: dict[int, Strike]) -> bool:
    """Strike one request before some of its steps; return whether it was still under way."""
    async with stage(case.script, contract=terms(**case.rules)) as on:
        await case.before(on)
        book, beside = on.book.accounts[LIMIT], len(on.tasks)
        already, crawler = book.ring.charged, case.crawler()
        under_way, most_missing = False, 0

        def before(number: int) -> None:
            nonlocal under_way, most_missing
            if running.done():
                return
            case.during(on, number)
            if number in strikes:
                under_way = True
                strikes[number](running, crawler)
            counted = already + case.counted * len(on.upstream.asked)
            most_missing = max(most_missing, counted - book.usage)

        steps = Steps(before)
        with steps.watching():
            running = on.begin(case.request, crawler)
            while not running.done():
                assert steps.taken < MOST_STEPS, "it hangs"
                await asyncio.sleep(0)  # turns the loop while time stands still
        await on.settle()
        for other in on.others:
            on.talk.end(other, (), lingers=False)
        charged, pending = await on.usage()

        assert most_missing == 0 or on.contract.mode == "shadow"
        assert pending == 0
        assert charged >= already + case.counted * len(on.upstream.asked)
        assert charged == already or on.upstream.asked
        assert on.upstream.open == 0
        assert on.talk.snapshot().holds == 0
        assert len(on.tasks) == beside
        assert len(on.records) == 1 or 0 in strikes  # then it never began
        kinds = [type(each) for each in on.journal.records if isinstance(each, Claimed | Resolved)]
        assert kinds in ([], [Claimed, Resolved], [Resolved])
        return under_way


async def struck_everywhere(case: Case, *strikes: tuple[int, Strike]) -> int:
    """Strike the same request at each of its steps in turn; return how many there were.

    `strikes` are counted from that step on.
    """
    step = 0
    while await struck(case, {step + after: strike for after, strike in strikes}):
        step += 1
    return step


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_request_that_is_left_alone_leaves_nothing(case: Case) -> None:
    """What the cases are measured by."""
    assert not await struck(case, {})


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_request_cancelled_at_any_await_is_resolved_and_charged(case: Case) -> None:
    steps = await struck_everywhere(case, (0, cancel))

    print(f"cancelled at each of {steps} steps")  # noqa: T201  # the figure
    assert steps > 10


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_crawler_that_leaves_at_any_await_is_resolved_and_charged(case: Case) -> None:
    assert await struck_everywhere(case, (0, leave)) > 10


@pytest.mark.deep
@pytest.mark.parametrize("again", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_request_cancelled_twice_is_resolved_once(case: Case, again: int) -> None:
    """The second time while it is being resolved."""
    assert await struck_everywhere(case, (0, cancel), (again, cancel)) > 10


@pytest.mark.deep
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_a_crawler_that_leaves_while_it_is_cancelled_changes_nothing(case: Case) -> None:
    assert await struck_everywhere(case, (0, leave), (2, cancel)) > 10


async def test_the_record_of_a_cancelled_request_says_how_long_the_platform_had_it() -> None:
    async with stage(Script((FULL[:5_000],), stalls=True)) as on:
        running = on.begin()
        await on.upstream.stalled.wait()
        on.clock.advance_ms(200)
        running.cancel()
        await asyncio.wait((running,))
        await on.settle()

        assert (on.record.upstream_ms, on.record.outcome) == (200, "orphaned")
