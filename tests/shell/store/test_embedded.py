"""The embedded home answers by its book, with the wall clock beside it."""

from __future__ import annotations

from dataclasses import replace

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Account, Identity, Loss, Message, Reply, WholeRow
from governor.store import EmbeddedStore
from tests.fakes.clock import FakeClock


async def test_the_wall_clock_is_the_clock_beside_the_book() -> None:
    clock = FakeClock()
    identity = Identity(1, "run", "")
    now_ms = clock.wall_ms()
    book = Book(
        [Account("x", 1_000, 86_400_000)], identity=identity, clocks=Clocks(now_ms, now_ms, 0)
    )
    store = EmbeddedStore(book, clock)
    clock.advance_ms(1_500)
    whole = WholeRow({}, {}, now_ms, now_ms, clock.boot_ms() - now_ms - 1_500)
    answer = await store.converse(
        Message("m", identity, 1, 1, 0, "n", clock.boot_ms(), {}, whole=whole)
    )
    await store.close()

    assert isinstance(answer, Reply)
    assert answer.store_ms == answer.time_ms == now_ms + 1_500


async def test_a_book_that_is_declared_lost_is_another_ledger_of_the_same_run() -> None:
    """So a defect that miscounts is recovered from like any loss: the journal knows better."""
    clock = FakeClock()
    now_ms, identity = clock.wall_ms(), Identity(1, "run", "")
    accounts = (Account("x", 1_000, 86_400_000),)
    store = EmbeddedStore(
        Book(accounts, identity=identity, clocks=Clocks(now_ms, now_ms, 0)), clock
    )
    loss = Loss(identity, now_ms, now_ms, accounts, ())
    declared = await store.declare(loss)
    whole = WholeRow({}, {}, now_ms, now_ms, clock.boot_ms() - now_ms)
    answer = await store.converse(
        Message("m", declared, 1, 1, 0, "n", clock.boot_ms(), {}, whole=whole)
    )

    assert declared == replace(identity, epoch=now_ms)
    assert await store.declare(loss) == declared
    assert isinstance(answer, Reply)
    assert not answer.open
