"""The promise: no window, however it is placed, ever holds more than the limit.

An exact log judges the book: it knows when the platform counted each post, at an instant that the
book cannot know, anywhere between the grant and the last byte (or, let go of, a linger later). It
shares no code with the book but the length of the window.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import pytest

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Account, Ask, Identity, Message, Reply, RowValue, WholeRow
from governor.core.window import Window

IDENTITY: Final = Identity(1, "run", "")
EMPTY: Final = WholeRow({}, {}, 0, 0, 0)
SPAN_WINDOWS: Final = 4


@dataclass
class Judge:
    """Every post the platform counted, with its instant of true time."""

    window_ms: int
    counted: list[tuple[int, int]] = field(default_factory=list)

    def worst(self) -> int:
        """Return the most posts in any window (s, s + window]; it suffices to end at a count."""
        worst, total, begin = 0, 0, 0
        counted = sorted(self.counted)
        for at_ms, posts in counted:
            total += posts
            while counted[begin][0] <= at_ms - self.window_ms:
                total -= counted[begin][1]
                begin += 1
            worst = max(worst, total)
        return worst


@dataclass
class Open:
    """A hold that was granted and has not ended."""

    posts: int
    granted_ms: int
    ends_ms: int


class Fleet:
    """Members with clocks that drift, collecting as fast as they are let."""

    def __init__(self, seed: int, window: Window, limit: int, counts_at: str) -> None:
        self.random = Random(seed)  # noqa: S311  # a schedule, not a secret
        self.window, self.limit, self.counts_at = window, limit, counts_at
        self.judge = Judge(window.window_ms)
        account = Account("x", limit, window.window_ms)
        self.book = Book([account], identity=IDENTITY, clocks=Clocks(0, 0, 0))
        self.names = ("one", "two", "three")
        clocks = ("store", *self.names)
        self.ppm = {name: self.random.choice((-500, 0, 500)) for name in clocks}
        self.seq = dict.fromkeys(self.names, 0)
        self.roster = 0
        self.row = dict.fromkeys(self.names, RowValue())
        self.open: dict[str, list[Open]] = {name: [] for name in self.names}
        self.now_ms = 0

    def reads(self, name: str) -> int:
        return self.now_ms + self.now_ms * self.ppm[name] // 1_000_000

    def run(self) -> None:
        for name in self.names:
            self.say(name, whole=EMPTY)
        while self.now_ms < SPAN_WINDOWS * self.window.window_ms:
            self.now_ms += self.random.choice((0, 1, 5, 60, 400))
            name = self.random.choice(self.names)
            self.end(name)
            asks = [self.price() for _ in range(self.random.randrange(4))]
            reply = self.say(name, asks=asks)
            for posts, grant in zip(asks, reply.grants, strict=True):
                if grant.granted:
                    lasts_ms = self.random.choice((0, 3, 200, self.window.window_ms))
                    self.open[name].append(Open(posts, self.now_ms, self.now_ms + lasts_ms))
                    value = self.row[name]
                    self.row[name] = replace(value, pending=value.pending + posts)
        for name in self.names:
            for hold in self.open[name]:
                hold.ends_ms = self.now_ms
            self.end(name)

    def price(self) -> int:
        return self.random.choice((1, self.limit // 100, self.limit // 10, self.limit))

    def say(
        self, name: str, asks: list[int] | tuple[int, ...] = (), whole: WholeRow | None = None
    ) -> Reply:
        self.seq[name] += 1
        message = Message(
            member=name,
            identity=IDENTITY,
            generation=1,
            seq=self.seq[name],
            acked=self.seq[name] - 1,
            nonce="n",
            boot_ms=self.reads(name),
            values={"x": self.row[name]},
            asks=tuple(Ask((("x", posts),)) for posts in asks),
            whole=whole,
            roster=self.roster,
        )
        reply = self.book.converse(message, store_ms=self.reads("store"))

        assert isinstance(reply, Reply)
        if reply.roster is not None:
            self.roster = reply.roster.version
        return reply

    def end(self, name: str) -> None:
        """End the holds that are due: settled, void, or let go of."""
        due = [hold for hold in self.open[name] if hold.ends_ms <= self.now_ms]
        self.open[name] = [hold for hold in self.open[name] if hold.ends_ms > self.now_ms]
        for hold in due:
            value = self.row[name]
            value = replace(value, pending=value.pending - hold.posts)
            match self.random.randrange(20):
                case 0:
                    pass  # void: nothing was sent, and nothing is counted
                case 1:
                    received = hold.posts // 2
                    value = replace(value, charged=value.charged + received)
                    self.count(hold, received, self.now_ms)
                case 2:
                    value = replace(value, lingered=value.lingered + hold.posts)
                    self.count(hold, hold.posts, self.now_ms + self.window.linger_ms)
                case _:
                    value = replace(value, charged=value.charged + hold.posts)
                    self.count(hold, hold.posts, self.now_ms)
            self.row[name] = value

    def count(self, hold: Open, posts: int, latest_ms: int) -> None:
        """Let the platform count, at an instant of its own."""
        at_ms = {
            "first byte": hold.granted_ms,
            "last byte": latest_ms,
            "any time": self.random.randint(hold.granted_ms, latest_ms),
            "either end": self.random.choice((hold.granted_ms, latest_ms)),
        }[self.counts_at]
        self.judge.counted.append((at_ms, posts))


@pytest.mark.parametrize("counts_at", ["first byte", "last byte", "any time", "either end"])
@pytest.mark.parametrize("seed", range(6))
def test_no_window_holds_more_than_the_limit(seed: int, counts_at: str) -> None:
    """Whenever the platform counts, however long answers take, whichever way clocks drift."""
    fleet = Fleet(seed, Window(10_000), 1_000, counts_at)
    fleet.run()

    assert 800 <= fleet.judge.worst() <= fleet.limit  # and the limit was nearly used


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1_000, 1_500))
def test_no_window_ever_holds_more_than_the_limit(seed: int) -> None:
    random = Random(seed)  # noqa: S311  # a schedule, not a secret
    window = Window(random.choice((1_000, 10_000, 10_007, 60_000)))
    counts_at = random.choice(("first byte", "last byte", "any time", "either end"))
    fleet = Fleet(seed, window, random.choice((100, 1_000, 999_983)), counts_at)
    fleet.run()

    assert fleet.judge.worst() <= fleet.limit


@pytest.mark.parametrize(("asks", "every_ms"), [(250, 10_000), (1, 60_000)])
def test_a_saturated_day_delivers_almost_all_of_its_limit(asks: int, every_ms: int) -> None:
    """Prices of a thousandth of the limit, answers within 10 s: at least 99.9 %, day by day."""
    day, limit, price = Window(86_400_000), 1_000_000, 1_000
    book = Book([Account("x", limit, day.window_ms)], identity=IDENTITY, clocks=Clocks(0, 0, 0))
    charged = pending = seq = now_ms = 0
    first_day = 0
    while now_ms < 5 * day.window_ms:
        seq += 1
        charged, pending = charged + pending, 0
        message = Message(
            *("m", IDENTITY, 1, seq, seq - 1, "n", now_ms),
            values={"x": RowValue(charged=charged)},
            asks=(Ask((("x", price),)),) * asks,
            whole=EMPTY if seq == 1 else None,
        )
        reply = book.converse(message, store_ms=now_ms)
        assert isinstance(reply, Reply)
        pending = price * sum(grant.granted for grant in reply.grants)
        if now_ms < day.window_ms:
            first_day = charged + pending
        usage = reply.usage["x"]
        if not all(grant.granted for grant in reply.grants):
            assert usage.charged + usage.pending > limit - price
        retry_at_ms = reply.grants[-1].retry_at_ms
        now_ms = retry_at_ms if retry_at_ms and not pending else now_ms + every_ms

    assert first_day == limit
    per_day = (charged + pending - first_day) / 4
    assert per_day >= 0.999 * limit
