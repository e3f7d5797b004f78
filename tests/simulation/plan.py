"""What one seed's world is like: its size, its pace, and how often each thing goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
PPM: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One world. `faults` are how many of each kind are to be expected in the whole run.

    `trouble_ppm` is how many requests in a million go wrong at the platform or are left by their
    crawler. `named`: the configuration names the members, and nobody new comes.
    """

    window_ms: int
    windows: int
    limit: int
    heartbeat_ms: int
    members: int = 3
    crawlers: int = 2
    patience_ms: int = 60_000
    named: bool = False
    trouble_ppm: int = 0
    faults: Mapping[str, float] = field(default_factory=dict)

    @property
    def span_ms(self) -> int:
        """How much true time passes."""
        return self.window_ms * self.windows


CALM_DAYS: Final = Plan(DAY_MS, windows=30, limit=20_000, heartbeat_ms=15 * MINUTE_MS)
EVERYTHING: Final = {
    "crash": 30,
    "leave": 8,
    "freeze": 15,
    "suspend": 6,
    "reboot": 6,
    "join": 2,
    "destroy": 2,
    "restore_disk": 1,
    "step_wall": 10,
    "step_boot": 4,
    "drift": 20,
    "cut": 20,
    "storm": 10,
    "pause_store": 10,
    "restart_store": 8,
    "flush_store": 3,
    "lose_store": 2,
    "roll_back_store": 6,
    "step_store": 10,
    "slow_disk": 10,
    "full_disk": 3,
}
DAYS: Final = replace(CALM_DAYS, trouble_ppm=150_000, faults=EVERYTHING)
# Real timings throughout, faults every few seconds: where the order of two events decides.
MINUTES: Final = Plan(
    10 * MINUTE_MS,
    windows=6,
    limit=5_000,
    heartbeat_ms=1_000,
    patience_ms=2_000,
    trouble_ppm=200_000,
    faults=EVERYTHING,
)
