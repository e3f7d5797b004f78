"""What one seed's world is like: its size, its pace, and how often each thing goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Final

from tests.simulation.platform import NESTED, PLAIN, WIDE, Page

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Plan:
    """One world. `faults` says how many of each kind are to be expected in the whole run.

    A crawler that was refused rests for `rests_ms` at least. `trouble_ppm` is how many requests in
    a million go wrong at the platform, ask for more than usual, or are left by their crawler.
    `named`: the configuration names the members, and nobody new comes.
    """

    window_ms: int
    windows: int
    limit: int
    heartbeat_ms: int
    members: int = 3
    crawlers: int = 2
    patience_ms: int = 60_000
    rests_ms: int = 1_000
    pages: tuple[Page, Page] = (PLAIN, NESTED)
    named: bool = False
    trouble_ppm: int = 0
    faults: Mapping[str, float] = field(default_factory=dict)

    @property
    def span_ms(self) -> int:
        """How much true time passes."""
        return self.window_ms * self.windows

    def drawn(self, seed: int) -> Plan:
        """Return this plan with some of its faults only, more or less often: each seed its own.

        Where everything goes wrong at once little is left to be broken. A backup of a journal put
        back while the ledger is lost too is beyond the promise: then nobody knows what it forgot.
        """
        random = Random(seed)  # noqa: S311  # a schedule, not a secret
        faults = {
            name: expected * random.choice((1 / 2, 1, 2, 4))
            for name, expected in self.faults.items()
            if random.random() < 1 / 2
        }
        if RESTORE_DISK in faults:
            faults = {name: faults[name] for name in faults if name not in LOSSES}
        return replace(
            self,
            faults=faults,
            named=random.random() < 1 / 3,
            members=random.choice((1, 2, 3, 3, 4)),
            trouble_ppm=random.choice((0, self.trouble_ppm, self.trouble_ppm)),
        )


RESTORE_DISK: Final = "restore_disk"
LOSSES: Final = frozenset({"flush_store", "lose_store", "roll_back_store", "restart_store"})
EVERYTHING: Final = {
    "crash": 30,
    "leave": 8,
    "freeze": 15,
    "suspend": 6,
    "reboot": 6,
    "join": 2,
    "destroy": 1,
    RESTORE_DISK: 1,
    "step_wall": 10,
    "step_boot": 4,
    "step_store": 10,
    "drift": 20,
    "cut": 20,
    "storm": 10,
    "pause_store": 10,
    "restart_store": 8,
    "flush_store": 3,
    "lose_store": 2,
    "roll_back_store": 6,
    "slow_disk": 10,
    "full_disk": 3,
}

# Heartbeats are stretched: at one a second a month would be eight million messages.
CALM_DAYS: Final = Plan(DAY_MS, windows=30, limit=20_000, heartbeat_ms=20 * MINUTE_MS)
DAYS: Final = replace(
    CALM_DAYS,
    patience_ms=200,
    rests_ms=4 * MINUTE_MS,
    trouble_ppm=100_000,
    faults=EVERYTHING,
)
MILLION_DAYS: Final = replace(DAYS, limit=1_000_000, pages=(WIDE, WIDE))
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
