"""A state machine that does to a real ledger, in any order, whatever can happen to it.

Hypothesis chooses the steps and, where an order breaks the promise, finds the shortest. The judge
is the platform's own record (`platform`); it knows nothing of the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from governor.core.ledger.messages import Account
from governor.errors import LedgerUnreachableError
from tests.simulation.hosts import Host
from tests.simulation.loop import VirtualLoop
from tests.simulation.platform import Platform, worst_window
from tests.simulation.players import Held, Player

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from governor.core.ledger.messages import Message
    from tests.simulation.homes import Home

WINDOW_MS: Final = 60_000
LIMIT: Final = 100
GRACE_MS: Final = 3_100  # a little more than a lost ledger gives the living to show themselves
STORE: Final = -1  # the clock beside the ledger; those of the hosts go by their number
HOUR_MS: Final = 3_600_000
PASSING_MS: Final = st.sampled_from((0, 1, 10, 500, 3_100, 9_000, 20_000, 58_000, 61_000, 125_000))
STEPS_MS: Final = st.sampled_from((-30, -2, -1, 1, 2, 30)).map(lambda hours: hours * HOUR_MS)
POSTS: Final = st.sampled_from((1, 10, 30, 60, LIMIT))
CHOICE: Final = st.integers(0, 11)


class LedgerMachine(RuleBasedStateMachine):
    """One ledger, one to three governors, and everything that happens to them."""

    def __init__(self, home_of: Callable[[], Home]) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._home = home_of()
        self._loop = VirtualLoop()  # type: ignore[abstract]  # it only tells the time here
        self._platform = Platform(self._loop, WINDOW_MS)
        self._players: list[Player] = []
        self._copies: list[Any] = []
        self._ahead: set[int] = set()  # clocks that were stepped ahead since they last were read

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self._runner.run(work)
        self._note_replies()

    @initialize(governors=st.integers(1, 3), named=st.booleans())
    def begin(self, governors: int, *, named: bool) -> None:
        accounts = (Account("x", LIMIT, WINDOW_MS),)
        names = tuple(f"member-{number}" for number in range(governors))

        async def make() -> None:
            identity, time_ms = await self._home.begin(accounts)
            self._hosts = [Host(self._loop, name) for name in names]
            for name, host in zip(names, self._hosts, strict=True):
                members = names if named else ()
                player = Player(name, host, self._home, self._platform, members)
                player.found(identity, accounts, time_ms)
                await player.start()
                self._players.append(player)
                await player.speak()

        self.run(make())
        self._copies.append(self._home.copy())

    def player(self, choice: int, *, up: bool = True) -> Player | None:
        """Return one of the players that are up, or down."""
        there = [player for player in self._players if player.up == up]
        return there[choice % len(there)] if there else None

    def hold(self, choice: int, *, sent: bool) -> tuple[Player, Held] | None:
        """Return one of all holds that were sent, or were not yet."""
        there = [
            (player, hold)
            for player in self._players
            for hold in player.holds
            if (hold.span is not None) == sent
        ]
        return there[choice % len(there)] if there else None

    @rule(duration_ms=PASSING_MS)
    def time_goes_by(self, duration_ms: int) -> None:
        self.time_passes(duration_ms)

    def time_passes(self, duration_ms: int) -> None:
        self._loop.now_ms += duration_ms
        self._home.pass_ms(duration_ms)

    @rule(step_ms=STEPS_MS, choice=CHOICE, beside_the_ledger=st.booleans())
    def a_clock_is_stepped(self, step_ms: int, choice: int, *, beside_the_ledger: bool) -> None:
        """Not both of the clocks that one message shows, ahead: that is what passing time is."""
        number = choice % len(self._hosts)
        clock = STORE if beside_the_ledger else number
        others = set(range(len(self._hosts))) if beside_the_ledger else {STORE}
        if step_ms > 0 and self._ahead & others:
            return
        if step_ms > 0:
            self._ahead.add(clock)
        if beside_the_ledger:
            self._home.pass_ms(step_ms)
        else:
            host = self._hosts[number]
            host.step_boot(max(step_ms, -host.boot_ms()))

    def _note_replies(self) -> None:
        """Note which steps ahead the ledger has seen."""
        for number, player in enumerate(self._players):
            if player.read_clocks:
                self._ahead -= {number, STORE}
                player.read_clocks = False

    @rule(choice=CHOICE, posts=st.lists(POSTS, max_size=3))
    def a_governor_asks(self, choice: int, posts: list[int]) -> None:
        if player := self.player(choice):
            self.run(player.speak(tuple(posts)))

    @rule(choice=CHOICE, posts=POSTS, lost=st.sampled_from(("request", "reply")))
    def a_message_or_its_reply_is_lost(self, choice: int, posts: int, lost: str) -> None:
        if player := self.player(choice):
            self.run(player.speak((posts,), lost=lost))

    @rule(choice=CHOICE)
    def a_message_is_heard_again(self, choice: int) -> None:
        """And nobody is there for the answer."""
        last = self._players[choice % len(self._players)].last
        if last is not None:
            self.run(self._hear(last))

    async def _hear(self, message: Message) -> None:
        with contextlib.suppress(LedgerUnreachableError):
            await self._home.converse(message)

    @rule(choice=CHOICE, posts=POSTS)
    def a_request_is_made(self, choice: int, posts: int) -> None:
        """Asked for, granted, and sent at once."""
        if player := self.player(choice):
            self.run(player.speak((posts,)))
            for hold in [hold for hold in player.holds if hold.span is None]:
                player.send(hold)

    @rule(choice=CHOICE)
    def a_request_is_sent(self, choice: int) -> None:
        if found := self.hold(choice, sent=False):
            found[0].send(found[1])

    @rule(choice=CHOICE)
    def a_hold_is_given_back(self, choice: int) -> None:
        if found := self.hold(choice, sent=False):
            found[0].end(found[1], 0, 0)

    @rule(choice=CHOICE, less=st.integers(0, 3), more=st.sampled_from((0, 0, 7)))
    def an_answer_ends(self, choice: int, less: int, more: int) -> None:
        """With fewer posts than were held, or charged for more than the platform counts."""
        if found := self.hold(choice, sent=True):
            player, hold = found
            counted = max(0, hold.posts - less * hold.posts // 3)
            player.end(hold, counted + more, counted)

    @rule(choice=CHOICE)
    def an_answer_is_cut(self, choice: int) -> None:
        if found := self.hold(choice, sent=True):
            found[0].abort(found[1])

    @rule(choice=CHOICE, how=st.sampled_from(("crash", "reboot", "leave")), back=st.booleans())
    def a_governor_goes_down(self, choice: int, how: str, *, back: bool) -> None:
        player = self.player(choice)
        if player is None or (how == "leave" and player.holds):
            return
        if how == "leave":
            self.run(player.leave())
        player.crash()
        if how == "reboot":
            self._hosts[self._players.index(player)].reboot()
        if back:
            self.run(player.start())
            self.run(player.speak())

    @rule(choice=CHOICE)
    def a_governor_starts(self, choice: int) -> None:
        if player := self.player(choice, up=False):
            self.run(player.start())
            self.run(player.speak())

    @rule(
        choice=CHOICE,
        what=st.sampled_from(("restart", "flush", "copy", "put back")),
        seen=st.booleans(),
    )
    def the_store_suffers(self, choice: int, what: str, *, seen: bool) -> None:
        """And one governor sees it at once, and again as soon as it may open."""
        match what:
            case "restart":
                self._home.restart()
            case "flush":
                self._home.flush()
            case "copy":
                self._copies.append(self._home.copy())
            case "put back":
                self._home.put_back(self._copies[choice % len(self._copies)])
        player = self.player(choice)
        if seen and player is not None:
            self.run(player.speak())
            self.time_passes(GRACE_MS)
            self.run(player.speak())

    @rule()
    def an_operator_says_the_word(self) -> None:
        """Only while everybody is there to restore."""
        if all(player.up for player in self._players):
            self.run(self._restore())

    async def _restore(self) -> None:
        for player in self._players:
            await player.speak()
        if all(player.is_heard for player in self._players):
            await self._players[0].say_the_word()

    @invariant()
    def no_window_holds_more_than_the_limit(self) -> None:
        assert worst_window(self._platform.spans, WINDOW_MS) <= LIMIT

    def teardown(self) -> None:
        self._runner.run(self._home.close())
        self._runner.close()
