"""The promise by calendar: no period of the platform's own date ever gets more than the limit.

A small world, exhausted: two members and a store whose dates differ, a limit of one post, and a
boundary between two days. In every order of asking, counting, telling and passing of time around
that boundary the platform counts, at an instant that no member knows, into the day that its own
date then shows. That date is within a pad of what the clocks show; nothing else is known of it.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.calendar import HOUR_MS, Period
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import (
    Account,
    Ask,
    Identity,
    Message,
    Reply,
    RowValue,
    WholeRow,
)
from governor.core.window import LONGEST_LINGER_MS, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY: Final = "day UTC"
ACCOUNT: Final = Account("day", 1, 25 * HOUR_MS, calendar=DAY)
PAD_MS: Final = Window(ACCOUNT.window_ms).pad_ms
LENGTH_MS: Final = 24 * HOUR_MS
FIRST: Final = 20_000  # days since 1970 that the boundary ends, as the number of a period
BOUNDARY_MS: Final = (FIRST + 1) * LENGTH_MS
IDENTITY: Final = Identity(1, "run", "")
INSTANTS_MS: Final = tuple(
    BOUNDARY_MS + at_ms
    for at_ms in (
        -4 * PAD_MS,
        -2 * PAD_MS,
        -PAD_MS,
        -1,
        0,
        PAD_MS,
        LONGEST_LINGER_MS,
        2 * PAD_MS + LONGEST_LINGER_MS,
        4 * PAD_MS + LONGEST_LINGER_MS,
    )
)
OFF_MS: Final = (-2 * PAD_MS, -PAD_MS, 0, PAD_MS, 2 * PAD_MS)
MOST: Final = {"a": 2, "b": 1}  # requests of each


def day(number: int) -> Period:
    return Period(number, number * LENGTH_MS, (number + 1) * LENGTH_MS)


@dataclass
class Governor:
    """One member, its clock's error, and its one request: asked, counted, told."""

    name: str
    off_ms: int
    seq: int = 0
    roster: int = 0
    value: RowValue = field(default_factory=RowValue)
    begun: int = 0
    held: bool = False
    counted: bool = False
    let_go_ms: int | None = None  # true time at which it was told as lingering, uncounted


@dataclass
class World:
    """Everything at one moment, and what the platform has counted by its days."""

    store_off_ms: int
    book: Book
    governors: tuple[Governor, Governor]
    at: int = 0
    counted: dict[int, int] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        return INSTANTS_MS[self.at]

    def key(self) -> object:
        """Return all that decides what can happen from here."""
        book = self.book
        rows = tuple(
            (name, str(row.values), str(row.buckets), row.date_ms, row.heard_ms)
            for name, row in sorted(book.members.rows.items())
        )
        turns = book.calendars[DAY]
        governors = tuple(
            (each.value, each.begun, each.held, each.counted, each.let_go_ms)
            for each in self.governors
        )
        return self.at, rows, turns.number, governors, str(sorted(self.counted.items()))

    def say(self, governor: Governor, *asks: Ask, whole: bool = False) -> Reply:
        governor.seq += 1
        date_ms = self.now_ms + governor.off_ms
        number = date_ms // LENGTH_MS
        message = Message(
            governor.name,
            IDENTITY,
            1,
            governor.seq,
            governor.seq - 1,
            str(governor.seq),
            self.now_ms,
            {ACCOUNT.name: governor.value},
            asks,
            roster=governor.roster,
            whole=WholeRow({}, {}, INSTANTS_MS[0], INSTANTS_MS[0], 0) if whole else None,
            date_ms=date_ms,
            periods=((DAY, day(number - 1), day(number)),),
        )
        reply = self.book.converse(message, store_ms=self.now_ms + self.store_off_ms)
        assert isinstance(reply, Reply)
        if reply.roster is not None:
            governor.roster = reply.roster.version
        return reply

    def ask(self, governor: Governor) -> None:
        governor.begun += 1
        reply = self.say(governor, Ask(((ACCOUNT.name, 1),)))
        if reply.grants[0].granted:
            governor.held = True
            governor.value = replace(governor.value, pending=1)

    def count(self, governor: Governor) -> None:
        """Let the platform count, into the day of its own date."""
        number = self.now_ms // LENGTH_MS
        self.counted[number] = self.counted.get(number, 0) + 1
        governor.counted, governor.let_go_ms = True, None

    def tell(self, governor: Governor) -> None:
        """Tell that it ended: read to its last byte, or let go of before it was counted."""
        value = governor.value
        if governor.counted:
            governor.value = RowValue(0, value.charged + 1, value.lingered)
        else:
            governor.value = RowValue(0, value.charged, value.lingered + 1)
            governor.let_go_ms = self.now_ms
        governor.held = governor.counted = False
        self.say(governor)

    def steps(self) -> Iterator[tuple[str, int]]:
        """Yield what can happen now."""
        if self.at + 1 < len(INSTANTS_MS):
            yield "pass", 0
        for index, governor in enumerate(self.governors):
            lingers = governor.let_go_ms is not None
            if governor.held:
                yield "tell", index
                if not governor.counted:
                    yield "count", index
            elif governor.begun < MOST[governor.name] and not lingers:
                yield "ask", index
            if lingers and self.now_ms - (governor.let_go_ms or 0) <= LONGEST_LINGER_MS:
                yield "count", index

    def step(self, what: str, index: int) -> None:
        governor = self.governors[index]
        match what:
            case "pass":
                self.at += 1
                for each in self.governors:
                    gone_ms = self.now_ms - (each.let_go_ms or self.now_ms)
                    if gone_ms > LONGEST_LINGER_MS:
                        each.let_go_ms = None
            case "ask":
                self.ask(governor)
            case "count":
                self.count(governor)
            case "tell":
                self.tell(governor)


def begun(store_off_ms: int, offs_ms: tuple[int, int]) -> World:
    """Return a world in which both members have joined, long before the boundary."""
    clocks = Clocks(INSTANTS_MS[0], INSTANTS_MS[0], store_off_ms)
    book = Book((ACCOUNT,), identity=IDENTITY, clocks=clocks)
    governors = Governor("a", offs_ms[0]), Governor("b", offs_ms[1])
    world = World(store_off_ms, book, governors)
    for governor in governors:
        world.say(governor, whole=True)
    for governor in governors * 2:
        world.say(governor)
    return world


def explored(world: World) -> Iterator[World]:
    """Yield every world that can come of this one, each once."""
    seen = {world.key()}
    ahead = [world]
    while ahead:
        before = ahead.pop()
        yield before
        for step in before.steps():
            after = deepcopy(before)
            after.step(*step)
            if after.key() not in seen:
                seen.add(after.key())
                ahead.append(after)


def is_known(store_ms: int, member_ms: int) -> bool:
    """Say whether the platform's date is within a pad of what both of these show."""
    return min(store_ms, member_ms) <= PAD_MS and max(store_ms, member_ms) >= -PAD_MS


CLOCKS: Final = [
    (store, a, b)
    for store, a, b in product(OFF_MS, repeat=3)
    if is_known(store, a) and is_known(store, b)
]
CROSSED: Final = [(0, -2 * PAD_MS, 2 * PAD_MS), (-2 * PAD_MS, 2 * PAD_MS, PAD_MS), (PAD_MS, 0, 0)]


def explore(store: int, a: int, b: int) -> None:
    most_days = 0
    for world in explored(begun(store, (a, b))):
        assert max(world.counted.values(), default=0) <= 1
        most_days = max(most_days, len(world.counted))

    assert most_days == 2  # and both are used


@pytest.mark.parametrize(("store", "a", "b"), CROSSED)
def test_no_day_gets_more_than_its_limit_in_any_order(store: int, a: int, b: int) -> None:
    """Whoever is ahead, and whoever is behind."""
    explore(store, a, b)


@pytest.mark.deep
@pytest.mark.parametrize(("store", "a", "b"), CLOCKS)
def test_nor_by_any_clocks_that_show_the_platforms_date(store: int, a: int, b: int) -> None:
    """Give or take a pad: in each world one clock at least is no later, and one no earlier."""
    explore(store, a, b)
