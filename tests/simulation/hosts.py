"""Machines: each with clocks that drift, are stepped, stand still in a suspend and begin anew.

A `Host` knows the true time, which nobody else may ask for, and what its three clocks make of it.
Drift goes up to 500 ppm, as far as a kernel lets NTP slew a clock (adjtimex(2)).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.simulation.loop import Process, VirtualLoop

MOST_DRIFT_PPM: Final = 500
MILLION: Final = 1_000_000
EPOCH_MS: Final = 1_795_478_400_000  # 2026-11-24T00:00:00Z
RIGHT_MS: Final = 1_000  # what a clock called synchronised may be wrong by
UP_MS: Final = 7 * 86_400_000


class Host:
    """One machine. `halted` is there while it is suspended: then only true time passes."""

    def __init__(self, loop: VirtualLoop, name: str, *, drift_ppm: int = 0) -> None:
        self.name: Final = name
        self._loop: Final = loop
        self._ppm = drift_ppm
        self._since_ms = loop.now_ms
        self._wall_ms, self._boot_ms, self._monotonic_ms = EPOCH_MS, UP_MS, UP_MS
        self._boots = 1
        self.suspended = False
        self.processes: list[Process] = []

    def _ran_ms(self) -> int:
        """Return how long by its own crystal since the last change."""
        true_ms = self._loop.now_ms - self._since_ms
        return true_ms + true_ms * self._ppm // MILLION

    def _settle(self) -> None:
        """Carry the clocks over to now, before something changes."""
        ran_ms = self._ran_ms()
        self._wall_ms += ran_ms
        self._boot_ms += ran_ms
        if not self.suspended:
            self._monotonic_ms += ran_ms
        self._since_ms = self._loop.now_ms

    def drift(self, ppm: int) -> None:
        """Run at another rate from now on."""
        assert abs(ppm) <= MOST_DRIFT_PPM
        self._settle()
        self._ppm = ppm

    def step_wall(self, step_ms: int) -> None:
        """Set the wall clock, as an operator or a wrong time server does."""
        self._wall_ms += step_ms

    def correct_wall(self) -> None:
        """Set the wall clock right, as a time daemon does."""
        self._wall_ms += EPOCH_MS + self._loop.now_ms - self.wall_ms()

    def step_boot(self, step_ms: int) -> None:
        """Move the boot clock, as a migrated virtual machine sees it."""
        self._boot_ms += step_ms

    def suspend(self) -> None:
        """Stop every process and the monotonic clock; wall and boot clock run through."""
        self._settle()
        self.suspended = True
        for process in self.processes:
            process.frozen = True

    def resume(self) -> None:
        """Run on."""
        self._settle()
        self.suspended = False
        for process in self.processes:
            process.thaw(self._loop)

    def reboot(self) -> None:
        """Begin a new boot; its processes must have been killed."""
        self._settle()
        self._boots += 1
        self._boot_ms = self._monotonic_ms = 0

    # The face of governor.clock.Clock.

    def wall_ms(self) -> int:
        return self._wall_ms + self._ran_ms()

    def boot_ms(self) -> int:
        return self._boot_ms + self._ran_ms()

    def monotonic_ms(self) -> int:
        return self._monotonic_ms + (0 if self.suspended else self._ran_ms())

    def boot_id(self) -> str:
        return f"{self.name}-{self._boots}"

    def synchronised(self) -> bool:
        """Say so only while it is true: within a second of true time."""
        return abs(self.wall_ms() - EPOCH_MS - self._loop.now_ms) <= RIGHT_MS

    async def sleep_ms(self, duration_ms: int) -> None:
        """Sleep on the monotonic clock, which stands still in a suspend."""
        wakes_ms = self.monotonic_ms() + duration_ms
        await self._loop.sleep_ms(max(1, duration_ms - duration_ms * self._ppm // MILLION))
        while (left_ms := wakes_ms - self.monotonic_ms()) > 0:
            await self._loop.sleep_ms(max(1, left_ms - left_ms * self._ppm // MILLION))
