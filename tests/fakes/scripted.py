"""A platform and a crawler that do what a script says, at the edges of a real exchange.

Between them everything is real but time and the disk: the exchange, the conversation, the ledger's
book, X's catalog. `Stage.passed` is what happened, in the order in which it happened.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governor import catalogs
from governor.conversation import Conversation
from governor.conversation.talk import HEARTBEAT_MS
from governor.conversation.vigil import FENCE_MS
from governor.core.catalog import Catalog
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.holds import Hold
from governor.core.ledger.messages import Identity, Reply
from governor.core.ledger.records import Adopted, Claimed, Record, Resolved, Started
from governor.core.ledger.state import MemberState
from governor.core.policy import Contract, Job, Limit, accounts, amounts
from governor.errors import JournalError, UpstreamError
from governor.exchange import Exchange, Governed, Request
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import Home, Memory
from tests.fakes.posts import encoded, v2_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from governor.core.ledger.messages import Answer as LedgerAnswer
    from governor.core.ledger.messages import Message
    from governor.core.record import ExchangeRecord
    from governor.exchange import Headers

LIMIT = "x-24h"
IDENTITY = Identity(1, "run", "replication")
REQUESTS = Limit("x-15m", 2, 900_000, "requests")
SEARCH = "/2/tweets/search/recent?max_results=100&expansions=referenced_tweets.id"
STREAM = "/2/tweets/search/stream"
FULL_PRICE = 300  # of SEARCH: 100 posts, each with two that it refers to
HALF, FULL, TOO_FULL = (
    encoded(v2_body(references)) for references in ([0] * 50, [2] * 100, [3] * 100)
)
JSON = (("Content-Type", "application/json"),)
GZIP = (*JSON, ("Content-Encoding", "gzip"))
BROTLI = (*JSON, ("Content-Encoding", "br"))
CATALOG = Catalog.parse(catalogs.text("x"))
TURNS = 60  # of the loop: more than anything here takes while time stands still


def broken(*, sent: bool) -> UpstreamError:
    """Return the platform's failure: with `sent`, a byte of the request may have been written."""
    return UpstreamError("the platform is gone", sent=sent, status=502, kind="connection_refused")


def get(target: str = SEARCH, *, job: str = "default", headers: Headers = ()) -> Request:
    return Request(
        "GET", "https", "api.x.com", 443, target, headers, job, "forward", has_body=False
    )


def post(target: str) -> Request:
    return Request(
        "POST", "https", "api.x.com", 443, target, (), "default", "forward", has_body=True
    )


@dataclass
class Script:
    """What the platform answers: a head and chunks, or `unanswered` in place of all of it.

    After its chunks the answer breaks or ends; if it `stalls`, not before it is let `go`. If it
    `waits` it does not even begin before, and if it never `connects` nothing is ever sent.
    """

    chunks: tuple[bytes, ...] = (b"{}",)
    status: int = 200
    headers: Headers = JSON
    unanswered: UpstreamError | None = None
    breaks: UpstreamError | None = None
    stalls: bool = False
    waits: bool = False
    connects: bool = True


class ScriptedAnswer:
    """One answer of the scripted platform."""

    def __init__(self, script: Script, stalled: asyncio.Event, go: asyncio.Event) -> None:
        self.status, self.reason, self.headers = script.status, "As Scripted", script.headers
        self._script, self._stalled, self._go = script, stalled, go

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        for chunk in self._script.chunks:
            await asyncio.sleep(0)
            yield chunk
        if self._script.stalls:
            self._stalled.set()
            await self._go.wait()
        if self._script.breaks is not None:
            raise self._script.breaks


class ScriptedUpstream:
    """A platform with one script. `asked` is what it may count from its first byte on."""

    def __init__(self, script: Script, passed: list[str]) -> None:
        self.script, self._passed = script, passed
        self.asked: list[Request] = []
        self.bodies: list[bytes] = []
        self.open = 0
        self.stalled, self.go = asyncio.Event(), asyncio.Event()
        self.connecting: Callable[[], None] = lambda: None  # what happens meanwhile

    @asynccontextmanager
    async def ask(
        self,
        request: Request,
        body: AsyncIterator[bytes] | None,
        sending: Callable[[], None] = lambda: None,
    ) -> AsyncIterator[ScriptedAnswer]:
        await asyncio.sleep(0)  # while it connects nothing is written
        self.connecting()
        if not self.script.connects:
            await asyncio.Event().wait()
        failure = self.script.unanswered
        if failure is None or failure.sent:
            sending()
            self._passed.append("asked")
            self.asked.append(request)
        self.open += 1
        try:
            self.bodies.append(b"".join([chunk async for chunk in body]) if body else b"")
            await asyncio.sleep(0)
            if self.script.waits:
                self.stalled.set()
                await self.go.wait()
            if failure is not None:
                raise failure
            yield ScriptedAnswer(self.script, self.stalled, self.go)
        finally:
            self.open -= 1


@dataclass
class ScriptedCrawler:
    """A crawler that keeps what it gets, and leaves when told to or at write `leaves_at`.

    Write 0 is the head.
    """

    leaves_at: int | None = None
    body_chunks: tuple[bytes, ...] = ()
    status: int | None = None
    headers: Headers = ()
    received: bytes = b""
    finished: bool = False
    writes: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def body(self) -> AsyncIterator[bytes]:
        for chunk in self.body_chunks:
            await asyncio.sleep(0)
            yield chunk

    async def start(self, status: int, _reason: str, headers: Headers) -> None:
        await self._write()
        self.status, self.headers = status, headers

    async def write(self, chunk: bytes) -> None:
        await self._write()
        self.received += chunk

    async def finish(self) -> None:
        await self._write()
        self.finished = True

    async def gone(self) -> None:
        await self.left.wait()

    async def _write(self) -> None:
        await asyncio.sleep(0)
        if self.left.is_set() or self.writes == self.leaves_at:
            raise ConnectionResetError
        self.writes += 1

    def fields(self, name: str) -> list[str]:
        """Return the values of all fields of that name, in their order."""
        return [value for each, value in self.headers if each.lower() == name.lower()]


class Line(Home):
    """The ledger's line, which says when it granted and when it was told of a charge."""

    passed: list[str]

    async def converse(self, message: Message) -> LedgerAnswer:
        answer = await super().converse(message)
        if isinstance(answer, Reply) and any(grant.granted for grant in answer.grants):
            self.passed.append("granted")
        value = message.values.get(LIMIT)
        if value is not None and (value.charged or value.lingered):
            self.passed.append("told")
        return answer


class Pages(Memory):
    """A journal that says what became durable, and fails at the kinds of record in `refuses`."""

    passed: list[str]
    refuses: tuple[type[Record], ...] = ()
    slow_ms: int = 0
    clock: FakeClock
    stuck: asyncio.Event  # cleared, the disk does not answer

    async def append(self, *records: Record) -> int:
        """Make them durable whatever becomes of the caller, as the real journal does."""
        if any(isinstance(record, self.refuses) for record in records):
            await asyncio.sleep(0)
            raise JournalError("disk full")
        self.records += records
        await asyncio.sleep(0)
        await self.stuck.wait()
        for record in records:
            if isinstance(record, Claimed):
                self.clock.step_monotonic_ms(self.slow_ms)
            if isinstance(record, Claimed | Resolved):
                self.passed.append(type(record).__name__.lower())
        return len(self.records)


@dataclass
class Stage:
    """One exchange between a scripted platform and scripted crawlers."""

    contract: Contract
    clock: FakeClock
    home: Line
    journal: Pages
    talk: Conversation
    tasks: Tasks
    upstream: ScriptedUpstream
    exchange: Exchange
    records: list[ExchangeRecord]
    passed: list[str]
    others: list[Hold] = field(default_factory=list)  # that stand in the way

    @property
    def book(self) -> Book:
        """The ledger itself."""
        assert self.home.book is not None
        return self.home.book

    async def live(
        self, request: Request | None = None, crawler: ScriptedCrawler | None = None
    ) -> ScriptedCrawler:
        """Let one request live to its end; return what its crawler saw."""
        crawler = crawler or ScriptedCrawler()
        await self.exchange.run(request or get(), crawler)
        return crawler

    def begin(
        self, request: Request | None = None, crawler: ScriptedCrawler | None = None
    ) -> asyncio.Task[None]:
        """Let one request live beside the test."""
        run = self.exchange.run(request or get(), crawler or ScriptedCrawler())
        return self.tasks.start(run, "exchange")

    async def settle(self) -> None:
        """Let everything that can happen without time passing happen."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def until(self, holds: Callable[[], object]) -> None:
        """Let things happen until it holds; without time passing, that takes some turns only."""
        for _ in range(100 * TURNS):
            if holds():
                return
            await asyncio.sleep(0)
        raise AssertionError("it does not come to hold")

    def fall_silent(self) -> None:
        """Cut the ledger off, and let time pass until that severs this governor."""
        self.home.cut = "before"
        self.clock.suspend_ms(FENCE_MS)
        self.clock.advance_ms(HEARTBEAT_MS)

    async def usage(self, account: str = LIMIT) -> tuple[int, int]:
        """Return what the ledger has charged and what it holds, once it is heard again."""
        self.home.cut = ""
        await self.settle()
        self.clock.advance_ms(1_000)
        await self.settle()
        usage = self.talk.snapshot().usage[account]
        return usage.charged, usage.pending

    async def spend(self, posts: int) -> None:
        """Charge so many posts to the default job, now."""
        hold = Hold("spent", amounts(self.contract, Job("default"), posts))
        assert "Granted" in repr(await self.talk.reserve(hold, patience_ms=0))
        self.talk.end(hold, hold.amounts, lingers=False)
        await self.settle()
        self.passed.clear()

    @property
    def resolution(self) -> Resolved:
        """The one resolution that was journaled."""
        (found,) = [each for each in self.journal.records if isinstance(each, Resolved)]
        return found

    @property
    def record(self) -> ExchangeRecord:
        """The one record that was made."""
        (record,) = self.records
        return record


@asynccontextmanager
async def stage(
    script: Script | None = None,
    *,
    contract: Contract | None = None,
    jobs: tuple[Job, ...] = (Job("default"),),
    catalog: Catalog = CATALOG,
) -> AsyncIterator[Stage]:
    """Set the stage; on leaving, nothing may have failed unseen and no task may be left."""
    contract = contract or terms()
    clock, passed, failures = FakeClock(), list[str](), list[BaseException]()
    tasks = Tasks(lambda _, error: failures.append(error))
    kept = accounts(contract, jobs)
    state = MemberState()
    state.apply(Started("member", 1, clock.boot_id()))
    state.apply(Adopted("x", "embedded", IDENTITY, kept, clock.wall_ms(), clock.boot_ms()))
    clocks = Clocks(clock.wall_ms(), clock.wall_ms(), 0)
    home = Line(Book(kept, identity=IDENTITY, clocks=clocks), clock)
    journal = Pages()
    home.passed = journal.passed = passed
    journal.clock, journal.stuck = clock, asyncio.Event()
    journal.stuck.set()
    talk = Conversation(
        "x",
        state,
        ledger=home,
        journal=journal,
        clock=clock,
        tasks=tasks,
    )
    upstream = ScriptedUpstream(script or Script(), passed)
    records: list[ExchangeRecord] = []
    exchange = Exchange(
        (Governed(contract, catalog, talk),),
        {job.name: job for job in jobs},
        upstream=upstream,
        journal=journal,
        clock=clock,
        tasks=tasks,
        record=records.append,
    )
    await talk.join()
    on = Stage(contract, clock, home, journal, talk, tasks, upstream, exchange, records, passed)
    await on.settle()
    yield on
    await talk.close()
    assert await tasks.drain(5)
    assert failures == []
    assert upstream.open == 0


def terms(posts: int = 1_000, *others: Limit, **rules: object) -> Contract:
    """Return a contract of so many posts in 24 hours, and other limits; in it nobody waits."""
    rules.setdefault("max_wait_ms", 0)
    return Contract("x", "x", (Limit(LIMIT, posts, 86_400_000), *others), **rules)  # type: ignore[arg-type]  # as given
