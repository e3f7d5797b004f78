"""The fence that a governor puts around itself when nobody has heard from it for too long.

To the others it may be dead, and an operator may say so; then what it has on the way is charged to
it once and for all, and it must not go on (invariant 5). So after a minute without a reply of the
ledger, or with a journal that owes a commit for as long, its connections to the platforms close.

The silence is measured by the boot clock, since time passes for everybody else while this machine
is suspended; whoever waits here is told at the first look after it woke.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.conversation.keeping import Keeper

FENCE_MS = 60_000  # design, invariant 5


class Vigil:
    """Knows when the ledger was last heard, and says when that is too long ago."""

    def __init__(self, clock: Clock, keeper: Keeper) -> None:
        self._clock, self._keeper = clock, keeper
        self._heard_ms = clock.boot_ms()
        self._fenced = False
        self._severed = asyncio.Event()

    @property
    def silent_ms(self) -> int:
        """How long ago the ledger was last heard, by the boot clock."""
        return self._clock.boot_ms() - self._heard_ms

    def hear(self) -> None:
        """Note a reply. One that ends too long a silence does not undo it."""
        self.look()
        self._heard_ms = self._clock.boot_ms()
        self.look()

    def fence(self) -> None:
        """Note that this process may never speak again."""
        self._fenced = True
        self.look()

    def look(self) -> None:
        """See whether the silence has become too long, or is over."""
        silent_ms = max(self.silent_ms, self._keeper.owed_ms())
        if self._fenced or silent_ms >= FENCE_MS:
            self._severed.set()
        else:
            self._severed.clear()

    async def severed(self) -> None:
        """Return when this governor must let go of all that it has on the way."""
        await self._severed.wait()

    async def watch(self, every_ms: int) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._clock.sleep_ms(every_ms)
            self.look()
