"""A governor as it is run: the real recovery, conversation and exchange on simulated adapters.

It can be killed at any instant (nothing of it has an effect after that), frozen, and closed. What
its state directory holds is what its next start begins with.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any, Final

from governor import catalogs, recovery
from governor.conversation import Conversation
from governor.core.catalog import Catalog
from governor.errors import DoubtError, JournalError
from governor.exchange import Exchange, Governed
from governor.tasks import Tasks
from tests.simulation.disks import SimulatedJournal
from tests.simulation.loop import PROCESS, Process
from tests.simulation.platform import SimulatedUpstream
from tests.simulation.store import Line

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from governor.core.ledger.messages import DoubtReason
    from governor.core.record import ExchangeRecord
    from tests.simulation.disks import Disk
    from tests.simulation.hosts import Host
    from tests.simulation.world import World

HOME: Final = "redis://simulated"
CATALOG: Final = Catalog.parse(catalogs.text("x"))
DRAIN_S: Final = 30
STAMPS_S: Final = 1  # for what the ledger answered last to be journaled


class Governor(Process):
    """One process of one member, from its start to its end."""

    def __init__(self, world: World, host: Host, disk: Disk) -> None:
        super().__init__()
        self.host = host
        self._world, self._disk = world, disk
        self.frozen = host.suspended
        host.processes.append(self)
        world.governors[self] = None
        self.line = Line(world.server, self, world.weather, world.random)
        self._journal = SimulatedJournal(disk, self, world.loop, world.random)
        self._tasks = Tasks(self._broke)
        self.exchange: Exchange | None = None
        self.talk: Conversation | None = None
        self.failed = False
        self.ended: asyncio.Future[None] = world.loop.create_future()
        self._context = contextvars.copy_context()
        self._context.run(PROCESS.set, self)
        self._running: list[asyncio.Task[Any]] = []
        self.start(self._live())

    @property
    def doubt(self) -> DoubtReason | None:
        """Why its conversation refuses, as far as it had one."""
        return self.talk.doubt if self.talk is not None else None

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in this process."""
        task = self._world.loop.create_task(work, context=self._context.copy())
        self._running = [each for each in self._running if not each.done()]
        self._running.append(task)
        return task

    async def _live(self) -> None:
        """Start as `governor run` does; a start that fails ends the process."""
        world = self._world
        try:
            state = await recovery.start(self._journal, self.host)
            recovery.require_home(state, world.contract.name, HOME)
            self.talk = Conversation(
                world.contract.name,
                state,
                ledger=self.line,
                journal=self._journal,
                clock=self.host,
                tasks=self._tasks,
                heartbeat_ms=world.plan.heartbeat_ms,
                members=world.members(),
            )
            await self.talk.join()
        except (DoubtError, JournalError) as error:
            world.note("refused to start", self._disk.member, type(error).__name__, self.doubt)
            self.failed = True
            self.kill()
            return
        self.exchange = Exchange(
            (Governed(world.contract, CATALOG, self.talk),),
            {world.job.name: world.job},
            upstream=SimulatedUpstream(world.platform, self, world.manner),
            journal=self._journal,
            clock=self.host,
            tasks=self._tasks,
            record=self._record,
        )

    def _record(self, record: ExchangeRecord) -> None:
        if not self.dead:
            self._world.note("exchange", record.decision, record.reason, record.charged)

    def _broke(self, name: str, error: BaseException) -> None:
        """Fail the run: nothing of a governor may die of a defect."""
        if not self.dead:
            self._world.broke(name, error)

    async def close(self) -> None:
        """Go down cleanly: nothing new, what runs is resolved, the last word is said."""
        exchange, self.exchange = self.exchange, None
        if exchange is not None and self.talk is not None:
            here = asyncio.current_task()
            running = [each for each in self._running if each is not here]
            if running:
                await asyncio.wait(running, timeout=DRAIN_S)
            await self.talk.close()
            await self._tasks.drain(STAMPS_S)
        self._world.note("left", self._disk.member)
        self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL). Its sockets close, its last commit is durable or not."""
        if self.dead:
            return
        self.dead = True
        self.exchange = None
        self._journal.crash()
        if self.frozen:
            self.thaw(self._world.loop)
        self.host.processes.remove(self)
        del self._world.governors[self]
        for task in self._running:
            task.cancel()
        self._world.tasks.start(self._tasks.cancel(), "burial")
        if not self.ended.done():
            self.ended.set_result(None)
