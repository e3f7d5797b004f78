"""A Redis that can die: the real book behind a line that loses, delays and overtakes.

The server keeps one contract's `Book`, and knows what the book cannot: which run of the server
this is. It can be paused, restarted under a new run id, emptied, and put back to an older copy; the
line can be cut for one process, or lose a request or a reply.
"""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from governor.core.ledger.loss import declare, retire
from governor.core.ledger.messages import Doubt, DoubtReason
from governor.errors import LedgerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from governor.core.ledger.book import Book
    from governor.core.ledger.messages import Answer, Identity, Loss, Message
    from tests.simulation.hosts import Host
    from tests.simulation.loop import Process, VirtualLoop

REPLY_MS: Final = 2_000  # as long as the real store waits for a reply
BACKLOG: Final = 511  # Redis's tcp-backlog: connections that a stopped server still accepts
REFUSED_MS: Final = 500  # three tries to connect to a server that is down


class Server:
    """The store's machine and process. `heard` is told of every message and its answer."""

    def __init__(
        self, book: Book, host: Host, loop: VirtualLoop, heard: Callable[[Message, Answer], None]
    ) -> None:
        self.book: Book | None = book
        self._unheard_ms = book.clocks.unheard_ms
        self.host, self.loop, self.heard = host, loop, heard
        self.up, self.paused = True, False
        self._runs = self._histories = 1
        self._waiting: list[Callable[[], None]] = []

    @property
    def run(self) -> tuple[str, str]:
        """Return its run id and its replication id."""
        return f"run-{self._runs}", f"history-{self._histories}"

    @property
    def is_known(self) -> bool:
        """Whether its ledger is there and was made, or declared lost, in this very run."""
        book = self.book
        return book is not None and (book.identity.run_id, book.identity.replication_id) == self.run

    def take(self, call: Callable[[], None]) -> None:
        """Run a command that has arrived, now or when the server runs on."""
        if self.paused:
            if len(self._waiting) < BACKLOG:
                self._waiting.append(call)
        elif self.up:
            call()

    def converse(self, message: Message) -> Answer:
        """Answer as the script does, which first looks where it runs."""
        answer: Answer
        if self.book is None:
            answer = Doubt(message.nonce, DoubtReason.MISSING)
        elif not self.is_known:
            answer = Doubt(message.nonce, DoubtReason.FOREIGN, self.book.identity)
        else:
            answer = self.book.converse(message, store_ms=self.host.wall_ms())
        self.heard(message, answer)
        return answer

    def declare(self, loss: Loss) -> Identity:
        """Begin a new epoch, unless somebody has done it."""
        run_id, replication_id = self.run
        self.book = declare(
            self.book,
            loss,
            store_ms=self.host.wall_ms(),
            run_id=run_id,
            replication_id=replication_id,
        )
        self.book.clocks = replace(self.book.clocks, unheard_ms=self._unheard_ms)
        return self.book.identity

    def retire(self, member: str) -> bool:
        """Take an operator's word that a member is dead; False if it cannot be taken now."""
        book = self.book
        if not (self.up and self.is_known and book is not None and book.sound):
            return False
        if member in book.members.rows:
            retire(book, member, None)
        return True

    def pause(self) -> None:
        """Stand still (SIGSTOP): what arrives waits in the sockets."""
        self.paused = True

    def resume(self) -> None:
        """Run on after a pause, with what waits in the sockets first."""
        self.paused = False
        waiting, self._waiting = self._waiting, []
        for call in waiting:
            self.take(call)

    def kill(self) -> None:
        """End the process: what waits in its sockets is gone, every answered write is on disk."""
        self.up = self.paused = False
        self._waiting = []

    def start(self) -> None:
        """Run again, under a new run id."""
        self.up = True
        self._runs += 1

    def flush(self) -> None:
        """Remove every key."""
        self.book = None

    def copy(self) -> Book | None:
        """Return a copy of all that it keeps."""
        return copy.deepcopy(self.book)

    def put_back(self, book: Book | None, *, promoted: bool) -> None:
        """Hold an older copy: of its own disk, or (promoted) of a replica that lagged behind."""
        self.book = copy.deepcopy(book)
        self._histories += promoted


class Weather:
    """How the network is just now, for everybody: most delay, and losses per million."""

    def __init__(self) -> None:
        self.slow_ms = 0
        self.lost_ppm = 0


class Line:
    """One process's line to the store: one command at a time, given up after two seconds.

    A command that was given up may still arrive, and be heard after later ones.
    """

    def __init__(self, server: Server, process: Process, weather: Weather, random: Random) -> None:
        self._server, self._process = server, process
        self._weather, self._random = weather, random
        self._one_at_a_time = asyncio.Lock()
        self.cut = False

    async def converse(self, message: Message) -> Answer:
        """Deliver one message. Raises LedgerUnreachableError if no reply came in time."""
        answer: Answer = await self._ask(self._server.converse, message)
        return answer

    async def declare(self, loss: Loss) -> Identity:
        """Declare the ledger lost. Raises LedgerUnreachableError if no reply came in time."""
        identity: Identity = await self._ask(self._server.declare, loss)
        return identity

    async def _ask(self, command: Callable[[Any], Any], argument: Any) -> Any:  # noqa: ANN401  # each command's own
        async with self._one_at_a_time:
            self._process.require_alive()
            loop = self._server.loop
            if self.cut or not self._server.up:
                await loop.sleep_ms(REPLY_MS if self.cut else REFUSED_MS)
                raise LedgerUnreachableError("nobody answers")
            reply: asyncio.Future[Any] = loop.create_future()

            def run() -> None:
                answer = command(argument)
                if not self._is_lost():
                    loop.at(loop.now_ms + self._delay_ms(), arrive, answer)

            def arrive(answer: object) -> None:
                if not (reply.done() or self.cut):
                    reply.set_result(answer)

            if not self._is_lost():
                loop.at(loop.now_ms + self._delay_ms(), self._server.take, run)
            timer = loop.at(loop.now_ms + REPLY_MS, give_up, reply)
            try:
                return await reply
            finally:
                timer.cancel()

    def _delay_ms(self) -> int:
        return self._random.choice((0, 1, 1, 2)) + self._random.randint(0, self._weather.slow_ms)

    def _is_lost(self) -> bool:
        return self.cut or self._random.randrange(1_000_000) < self._weather.lost_ppm


def give_up(reply: asyncio.Future[object]) -> None:
    """End the wait for a reply."""
    if not reply.done():
        reply.set_exception(LedgerUnreachableError("no reply in time"))
