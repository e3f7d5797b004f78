"""Where governors run: a machine with a state directory, a supervisor, and crawlers beside it.

A supervisor starts a governor again when it has ended, as systemd does, and calls the operator when
it will not start: then a person is needed, and does what the doubt's remedy says.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor import recovery
from governor.core.ledger.messages import DoubtReason
from governor.errors import JournalError
from tests.simulation.crawlers import crawl
from tests.simulation.disks import SimulatedJournal
from tests.simulation.governors import HOME, Governor
from tests.simulation.loop import Process

if TYPE_CHECKING:
    from governor.core.ledger.book import Book
    from tests.simulation.disks import Disk
    from tests.simulation.hosts import Host
    from tests.simulation.world import World

RESTARTS_MS: Final = 5_000  # between two tries to start
LOOKS: Final = 200  # how often in a window an operator looks at what is closed
HOPELESS: Final = frozenset({DoubtReason.BEHIND, DoubtReason.RETIRED})


class Site:
    """One member's place. Its governor comes and goes; `gone` is for good."""

    def __init__(self, world: World, host: Host, disk: Disk) -> None:
        self.world, self.host, self.disk = world, host, disk
        self.governor: Governor | None = None
        self.gone = self.down = False
        self._up = asyncio.Event()
        world.tasks.start(self._supervise(), f"supervisor {disk.member}")
        for number in range(world.plan.crawlers):
            world.tasks.start(crawl(world, self), f"crawler {number} {disk.member}")

    async def _supervise(self) -> None:
        """Make the member, then keep its governor running."""
        while not await self._found():
            await self.world.loop.sleep_ms(RESTARTS_MS)
        while not self.gone:
            if self.down or self.host.suspended:
                await self.world.loop.sleep_ms(RESTARTS_MS)
                continue
            self.governor = Governor(self.world, self.host, self.disk)
            await asyncio.shield(self.governor.ended)
            if self.governor.doubt in HOPELESS:
                self.world.tasks.start(self.world.operator.replace(self), "operator")
                return
            await self.world.loop.sleep_ms(RESTARTS_MS if self.governor.failed else 0)

    async def _found(self) -> bool:
        """Do what `governor init` does for a ledger that is there; False if it must wait.

        One that is closed takes nobody in: a time that no ledger told would free what counts.
        """
        server, world = self.world.server, self.world
        if self.disk.records:
            return True
        if not server.up or server.paused or not server.is_known or server.book is None:
            return False
        if not server.book.open:
            return False
        journal = SimulatedJournal(self.disk, Process(), world.loop, world.random)
        identity, time_ms = server.book.identity, server.book.clocks.time_ms
        try:
            state = await recovery.start(journal, self.host)
            await recovery.adopt(
                journal,
                state,
                world.contract.name,
                home=HOME,
                identity=identity,
                accounts=world.kept,
                clock=self.host,
                time_ms=time_ms,
            )
        except JournalError:
            self.disk.records, self.disk.kept = [], None
            return False
        return True

    def kill(self) -> None:
        """Kill what runs, and let nothing start before `restart`."""
        self.down = True
        if self.governor is not None:
            self.governor.kill()

    async def restart(self, after_ms: int) -> None:
        """Let a governor start again, after a while."""
        self.down = True
        await self.world.loop.sleep_ms(after_ms)
        self.down = False

    async def close(self) -> bool:
        """Take the governor down cleanly; False if there is none that could be."""
        governor = self.governor
        if governor is None or governor.dead or governor.frozen:
            return False
        self.down = True
        governor.start(governor.close())
        await asyncio.shield(governor.ended)
        return True

    def destroy(self) -> None:
        """Lose the machine with its disk, for good."""
        self.gone = True
        self.kill()
        self.world.sites.remove(self)
        self.world.lost[self.disk.member] = self.world.loop.now_ms


class Operator:
    """Whoever is called. Every word of theirs is true, for the promise rests on it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def replace(self, site: Site) -> None:
        """Move away a state directory that the ledger will not have, and begin a new one."""
        if site in self._world.sites:
            site.destroy()
            await self.bury(site.disk.member)
            self._world.found_site()

    async def bury(self, member: str) -> None:
        """Declare a member dead, once nothing that it had on the way can still be counted."""
        world = self._world
        while not world.server.retire(member):
            await world.loop.sleep_ms(world.plan.window_ms // LOOKS)
        world.note("retired", member)

    async def watch(self) -> None:
        """Look at the ledger now and then, and say what only a person can say."""
        world = self._world
        while True:
            await world.loop.sleep_ms(world.plan.window_ms // LOOKS)
            book, server = world.server.book, world.server
            if book is None or not (server.up and server.is_known) or server.paused or book.open:
                continue
            for member in list(world.lost):
                row = book.members.rows.get(member)
                if row is not None and row.epoch != book.epoch:
                    await self.bury(member)
            if book.awaits_word:
                self._vouch(book)

    def _vouch(self, book: Book) -> None:
        """Do what `governor restore` does, if the members that it names are all who collected."""
        world = self._world
        site = world.any_site()
        if not site.disk.records:
            return
        journal = SimulatedJournal(site.disk, Process(), world.loop, world.random)
        known = recovery.load(journal)[1].contracts[world.contract.name]
        loss = recovery.loss(known, members=world.members(), word=True)
        named = {entry.member for entry in loss.roster} | {site.disk.member, *book.members.rows}
        if self._collectors() <= named:
            before = replace(book.identity, epoch=book.epoch - 1)
            world.server.declare(replace(loss, seen=before))
            world.note("word")

    def _collectors(self) -> set[str]:
        """Return everybody who may have collected what still counts."""
        world = self._world
        since_ms = world.loop.now_ms - 2 * world.plan.window_ms
        lately = {member for member, at_ms in world.lost.items() if at_ms > since_ms}
        return lately | {site.disk.member for site in world.sites if site.disk.records}
