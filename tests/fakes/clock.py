"""A clock that stands still until a test moves it.

`advance_ms` is time as it should pass: all three clocks run together and sleepers wake. Each clock
can also be stepped alone, as an operator, a hypervisor or a suspend does it.
"""

from __future__ import annotations

import asyncio
from typing import Final

MIDNIGHT_MS: Final = 1_795_478_400_000  # 2026-11-24T00:00:00Z: an instant a person can read
LONG_UP_MS: Final = 7 * 86_400_000


class FakeClock:
    """`governor.clock.Clock` under a test's control; durations may be 0 but only steps negative."""

    def __init__(
        self,
        *,
        wall_ms: int = MIDNIGHT_MS,
        monotonic_ms: int = LONG_UP_MS,
        boot_ms: int = LONG_UP_MS,
        boot_id: str = "boot-1",
        synchronised: bool = False,
    ) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._boot_ms = boot_ms
        self._boot_id = boot_id
        self._synchronised = synchronised
        self._sleepers: list[tuple[int, asyncio.Future[None]]] = []
        self._changed = asyncio.Event()

    def wall_ms(self) -> int:
        """Return the wall clock as the test left it."""
        return self._wall_ms

    def monotonic_ms(self) -> int:
        """Return the monotonic clock as the test left it."""
        return self._monotonic_ms

    def boot_ms(self) -> int:
        """Return the boot clock as the test left it."""
        return self._boot_ms

    def boot_id(self) -> str:
        """Return the name of the present boot."""
        return self._boot_id

    def synchronised(self) -> bool:
        """Say what the test says of the wall clock."""
        return self._synchronised

    async def sleep_ms(self, duration_ms: int) -> None:
        """Return when the monotonic clock has been moved this far; always yield once."""
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        sleeper = (self._monotonic_ms + duration_ms, woken)
        self._sleepers.append(sleeper)
        self._changed.set()
        try:
            await woken
        finally:
            if sleeper in self._sleepers:  # its task was cancelled
                self._sleepers.remove(sleeper)

    @property
    def sleepers(self) -> int:
        """How many are asleep."""
        return len(self._sleepers)

    async def until_sleeping(self, count: int = 1) -> None:
        """Return when at least `count` are asleep: what was started has reached its wait."""
        while len(self._sleepers) < count:
            self._changed.clear()
            await self._changed.wait()

    def advance_ms(self, duration_ms: int) -> None:
        """Let time pass on all clocks and wake, in the order of their deadlines, who is due."""
        self.suspend_ms(duration_ms)
        self._monotonic_ms += duration_ms
        due = [sleeper for sleeper in self._sleepers if sleeper[0] <= self._monotonic_ms]
        for sleeper in sorted(due, key=lambda sleeper: sleeper[0]):
            self._sleepers.remove(sleeper)
            if not sleeper[1].done():
                sleeper[1].set_result(None)

    def suspend_ms(self, duration_ms: int) -> None:
        """Let the machine sleep: the monotonic clock and every sleeper stand still."""
        assert duration_ms >= 0, "time does not pass backwards; a clock can be stepped"
        self._wall_ms += duration_ms
        self._boot_ms += duration_ms

    def step_wall_ms(self, step_ms: int) -> None:
        """Set the wall clock ahead, or back by a negative step."""
        self._wall_ms += step_ms

    def step_boot_ms(self, step_ms: int) -> None:
        """Move the boot clock alone, as a migrated virtual machine sees it."""
        self._boot_ms += step_ms

    def step_monotonic_ms(self, step_ms: int) -> None:
        """Move the monotonic clock alone. Sleepers notice at the next `advance_ms`."""
        self._monotonic_ms += step_ms

    def synchronise(self, *, to: bool) -> None:
        """Let the kernel call the wall clock synchronised, or not."""
        self._synchronised = to

    def reboot(self, boot_id: str, *, down_ms: int = 0) -> None:
        """Start the machine anew: wall time passed, the other two clocks begin at 0."""
        assert boot_id != self._boot_id, "each boot has its own name"
        self._wall_ms += down_ms
        self._boot_ms = self._monotonic_ms = 0
        self._boot_id = boot_id
