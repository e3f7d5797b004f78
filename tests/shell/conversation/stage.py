"""Conversations on one real book, with a clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from governor.conversation import HEARTBEAT_MS, Conversation
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.holds import Hold
from governor.core.ledger.messages import Account, DoubtReason, Identity
from governor.core.ledger.records import Adopted, Record, Started
from governor.core.ledger.state import MemberState
from governor.core.window import Window
from governor.tasks import Tasks
from tests.fakes.clock import FakeClock
from tests.fakes.ledger import Home, Memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.conversation import Ledger
    from governor.core.ledger.messages import Answer, Loss, Message

WINDOW: Final = Window(10_000)
ACCOUNTS: Final = (
    Account("x", 1_000, WINDOW.window_ms),
    Account("x/default", None, WINDOW.window_ms),
)
IDENTITY: Final = Identity(1, "run", "replication")
NUMBERS: Final = count(1)


@dataclass
class Ear:
    """An observer that remembers."""

    doubts: list[DoubtReason | None] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    awaited: list[tuple[tuple[str, ...], bool]] = field(default_factory=list)
    answers: int = 0

    def answered(self, seconds: float) -> None:
        assert seconds >= 0
        self.answers += 1

    def doubted(self, doubt: DoubtReason | None) -> None:
        self.doubts.append(doubt)

    def stepped(self, clock: str) -> None:
        self.steps.append(clock)

    def met(self, joined: tuple[str, ...], gone: tuple[str, ...]) -> None:
        self.joined += joined
        self.gone += gone

    def awaits(self, members: tuple[str, ...], *, word: bool) -> None:
        self.awaited.append((members, word))


@dataclass
class Slow:
    """A line on which messages wait until a test lets them arrive."""

    home: Home
    arrives: asyncio.Event = field(default_factory=asyncio.Event)

    async def converse(self, message: Message) -> Answer:
        await self.arrives.wait()
        return await self.home.converse(message)

    async def declare(self, loss: Loss) -> Identity:
        return await self.home.declare(loss)


@dataclass
class Member:
    """One governor: its journal, what that was folded into, and its talk."""

    state: MemberState
    journal: Memory
    talk: Conversation
    ear: Ear
    tasks: Tasks

    async def reserve(self, posts: int, *, patience_ms: int = 0) -> tuple[Hold, object]:
        hold = a_hold(posts)
        asked = self.tasks.start(self.talk.reserve(hold, patience_ms=patience_ms), "reserve")
        await settle()
        return hold, await asked

    async def spend(self, posts: int) -> None:
        """Reserve and charge so many posts."""
        hold, decision = await self.reserve(posts)
        assert "Granted" in repr(decision), decision
        self.talk.end(hold, hold.amounts, lingers=False)
        await settle()

    async def crash(self) -> None:
        """End the process without a word."""
        await self.tasks.cancel()

    def written(self, kind: type[Record]) -> list[Record]:
        """Return what the journal holds of one kind of record."""
        return [record for record in self.journal.records if isinstance(record, kind)]


@dataclass
class Stage:
    """A ledger and its members. The first has no other name than `on`'s own attributes."""

    clock: FakeClock
    home: Home
    tasks: Tasks
    failures: list[BaseException]
    first: Member
    others: list[Tasks] = field(default_factory=list)

    @property
    def talk(self) -> Conversation:
        return self.first.talk

    @property
    def journal(self) -> Memory:
        return self.first.journal

    @property
    def ear(self) -> Ear:
        return self.first.ear

    @property
    def book(self) -> Book:
        assert self.home.book is not None
        return self.home.book

    @property
    def usage(self) -> tuple[int, int]:
        usage = self.talk.snapshot().usage["x"]
        return usage.charged, usage.pending

    async def reserve(self, posts: int, *, patience_ms: int = 0) -> tuple[Hold, object]:
        return await self.first.reserve(posts, patience_ms=patience_ms)

    async def settle(self) -> None:
        await settle()

    async def beat(self, beats: int = 1) -> None:
        """Let so many heartbeats pass, each with all that it brings about."""
        for _ in range(beats):
            self.clock.advance_ms(1_000)
            await settle()

    def member(
        self,
        name: str,
        *,
        generation: int = 1,
        clock: FakeClock | None = None,
        members: tuple[str, ...] = (),
        line: Ledger | None = None,
    ) -> Member:
        """Return a member that has not joined, with a journal that knows the ledger."""
        tasks = Tasks(lambda _, error: self.failures.append(error))
        self.others.append(tasks)
        return conversing(name, generation, clock or self.clock, line or self.home, tasks, members)


def conversing(
    name: str,
    generation: int,
    clock: FakeClock,
    home: Ledger,
    tasks: Tasks,
    members: tuple[str, ...] = (),
    heartbeat_ms: int = HEARTBEAT_MS,
) -> Member:
    state = MemberState()
    state.apply(Started(name, generation, clock.boot_id()))
    state.apply(Adopted("x", "home", IDENTITY, ACCOUNTS, clock.wall_ms(), clock.boot_ms()))
    journal, ear = Memory(), Ear()
    talk = Conversation(
        "x",
        state,
        ledger=home,
        journal=journal,
        clock=clock,
        tasks=tasks,
        observe=ear,
        heartbeat_ms=heartbeat_ms,
        members=members,
    )
    return Member(state, journal, talk, ear, tasks)


def a_hold(posts: int) -> Hold:
    return Hold(f"hold-{next(NUMBERS)}", (("x", posts), ("x/default", posts)))


async def settle() -> None:
    """Let everything that can happen without time passing happen."""
    for _ in range(100):
        await asyncio.sleep(0)


@asynccontextmanager
async def stage(
    *, joined: bool = True, members: tuple[str, ...] = (), heartbeat_ms: int = HEARTBEAT_MS
) -> AsyncIterator[Stage]:
    """Set the stage; on leaving, nothing may have failed unseen."""
    clock = FakeClock()
    failures: list[BaseException] = []
    tasks = Tasks(lambda _, error: failures.append(error))
    clocks = Clocks(clock.wall_ms(), clock.wall_ms(), 0)
    home = Home(Book(ACCOUNTS, identity=IDENTITY, clocks=clocks), clock)
    first = conversing("member", 1, clock, home, tasks, members, heartbeat_ms)
    if joined:
        await first.talk.join()
        await settle()
    on = Stage(clock, home, tasks, failures, first)
    yield on
    for each in (tasks, *on.others):
        await each.cancel()

    assert failures == []
