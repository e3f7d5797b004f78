"""Both real ledgers behind one face, with a server that is restarted, emptied and put back.

True time passes only when a test says so. The book is told it with each message; Redis has a clock
of its own, so there the ledger's offset of that clock is moved, which looks the same from inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import redis

from governor.clock import SystemClock
from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Identity
from governor.errors import LedgerUnreachableError
from governor.store import RedisStore
from tests.simulation.hosts import EPOCH_MS, Host
from tests.simulation.loop import VirtualLoop
from tests.simulation.store import Server

if TYPE_CHECKING:
    from governor.core.ledger.messages import Account, Answer, Loss, Message
    from tests.fakes.redis import RedisServer

CONTRACT: Final = "x"
PREFIX: Final = f"governor:{{{CONTRACT}}}:"
LEDGER: Final = f"{PREFIX}ledger"


class Home(Protocol):
    """One contract's ledger, and what can happen to it."""

    async def begin(self, accounts: tuple[Account, ...]) -> tuple[Identity, int]:
        """Make the ledger anew; return its identity and time."""
        ...

    async def converse(self, message: Message) -> Answer: ...

    async def declare(self, loss: Loss) -> Identity: ...

    def pass_ms(self, duration_ms: int) -> None:
        """Let the clock beside the ledger run on, or (steps too) jump."""
        ...

    def restart(self) -> None: ...

    def flush(self) -> None: ...

    def copy(self) -> Any:  # noqa: ANN401  # only its own home can make anything of it
        ...

    def put_back(self, copy: Any) -> None:  # noqa: ANN401  # likewise
        """Start another run of the server on an older copy."""
        ...

    async def close(self) -> None: ...


class BookHome:
    """The book in process, behind the simulation's server."""

    def __init__(self) -> None:
        self._loop = VirtualLoop()  # type: ignore[abstract]  # it only tells the time here

    async def begin(self, accounts: tuple[Account, ...]) -> tuple[Identity, int]:
        identity = Identity(1, "run-1", "history-1")
        book = Book(accounts, identity=identity, clocks=Clocks(EPOCH_MS, EPOCH_MS, 0))
        host = Host(self._loop, "store")
        self._server = Server(book, host, self._loop, lambda *_: None)
        return identity, EPOCH_MS

    async def converse(self, message: Message) -> Answer:
        return self._server.converse(message)

    async def declare(self, loss: Loss) -> Identity:
        return self._server.declare(loss)

    def pass_ms(self, duration_ms: int) -> None:
        self._server.host.step_wall(duration_ms)

    def restart(self) -> None:
        self._server.kill()
        self._server.start()

    def flush(self) -> None:
        self._server.flush()

    def copy(self) -> Any:  # noqa: ANN401  # a book
        return self._server.copy()

    def put_back(self, copy: Any) -> None:  # noqa: ANN401  # a book
        self.restart()
        self._server.put_back(copy, promoted=False)

    async def close(self) -> None:
        """Leave nothing behind."""


class RedisHome:
    """The scripts in a real Redis."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._inside = server.client()
        self._raw = redis.Redis.from_url(server.url)
        self._store = RedisStore(server.url, CONTRACT, clock=SystemClock())

    async def begin(self, accounts: tuple[Account, ...]) -> tuple[Identity, int]:
        self._server.refresh()
        created = await self._store.create(accounts)
        return created.identity, created.time_ms

    async def converse(self, message: Message) -> Answer:
        return await self._store.converse(message)

    async def declare(self, loss: Loss) -> Identity:
        try:
            return await self._store.declare(loss)
        except LedgerUnreachableError:  # its connections went with the server's last run
            return await self._store.declare(loss)

    def pass_ms(self, duration_ms: int) -> None:
        if self._inside.exists(LEDGER):
            self._inside.hincrby(LEDGER, "store_offset", -duration_ms)

    def restart(self) -> None:
        self._server.restart()

    def flush(self) -> None:
        self._server.flush()

    def copy(self) -> Any:  # noqa: ANN401  # all keys
        return {key: self._raw.dump(key) for key in self._raw.keys(f"{PREFIX}*")}

    def put_back(self, copy: Any) -> None:  # noqa: ANN401  # all keys
        self._server.flush()
        for key, value in copy.items():
            self._raw.restore(key, 0, value)
        self._server.restart()

    async def close(self) -> None:
        self._inside.close()
        self._raw.close()
        await self._store.close()
