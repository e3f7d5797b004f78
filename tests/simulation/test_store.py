"""A simulated store hears what arrives, when it can; its line gives up after two seconds."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Account, Doubt, DoubtReason, Identity, Message, Reply
from governor.core.ledger.messages import WholeRow as Whole
from governor.errors import LedgerUnreachableError
from tests.simulation.hosts import EPOCH_MS, UP_MS, Host
from tests.simulation.loop import Process, VirtualLoop
from tests.simulation.store import REPLY_MS, Line, Server, Weather

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

IDENTITY = Identity(1, "run-1", "history-1")


class Wire:
    """One server, and one line to it."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing
        self.heard: list[int] = []
        clocks = Clocks(EPOCH_MS, EPOCH_MS, 0)
        book = Book([Account("x", 100, 60_000)], identity=IDENTITY, clocks=clocks)
        host = Host(self.loop, "store")
        self.server = Server(book, host, self.loop, lambda said, _: self.heard.append(said.seq))
        self.weather = Weather()
        random = Random(1)  # noqa: S311  # a schedule, not a secret
        self.line = Line(self.server, Process(), self.weather, random)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run(work)


def message(seq: int) -> Message:
    whole = Whole({}, {}, 0, 0, None) if seq == 1 else None
    return Message("m", IDENTITY, 1, seq, seq - 1, "", UP_MS, {}, whole=whole)


def test_a_message_is_answered() -> None:
    wire = Wire()

    async def work() -> None:
        assert isinstance(await wire.line.converse(message(1)), Reply)

    wire.run(work())

    assert wire.loop.now_ms < 10


def test_a_paused_server_hears_later_what_was_given_up() -> None:
    wire = Wire()

    async def work() -> None:
        wire.server.pause()
        with pytest.raises(LedgerUnreachableError):
            await wire.line.converse(message(1))
        assert (wire.loop.now_ms, wire.heard) == (REPLY_MS, [])
        wire.server.resume()
        assert wire.heard == [1]

    wire.run(work())


def test_a_killed_server_forgets_what_waited_and_is_another_run() -> None:
    wire = Wire()

    async def work() -> None:
        wire.server.pause()
        with pytest.raises(LedgerUnreachableError):
            await wire.line.converse(message(1))
        wire.server.kill()
        with pytest.raises(LedgerUnreachableError):
            await wire.line.converse(message(1))
        wire.server.start()
        answer = await wire.line.converse(message(1))
        assert isinstance(answer, Doubt)
        assert answer.reason is DoubtReason.FOREIGN

    wire.run(work())

    assert wire.heard == [1]


def test_an_emptied_server_has_no_ledger_and_an_older_copy_is_an_older_one() -> None:
    wire = Wire()

    async def work() -> None:
        copy = wire.server.copy()
        await wire.line.converse(message(1))
        wire.server.flush()
        answer = await wire.line.converse(message(2))
        assert isinstance(answer, Doubt)
        assert answer.reason is DoubtReason.MISSING
        wire.server.put_back(copy, promoted=False)
        answer = await wire.line.converse(message(2))
        assert isinstance(answer, Doubt)
        assert answer.reason is DoubtReason.UNKNOWN_ROW

    wire.run(work())


def test_a_cut_line_brings_nothing() -> None:
    wire = Wire()

    async def work() -> None:
        wire.line.cut = True
        with pytest.raises(LedgerUnreachableError):
            await wire.line.converse(message(1))

    wire.run(work())

    assert wire.heard == []
