"""Ledger time: elapsed time that no wrong clock can hurry and no wrong clock can stop.

Two times are kept. T frees: it follows the slowest reading. H stamps: it follows the fastest. What
is stamped at H >= T frees at T, and T never runs faster than the slowest clock, so a charge counts
for at least its window whichever clock was right (invariant 6).

A reading is a clock less its offset. One further behind T than the tolerance, or further ahead of
the slowest of the others, was stepped: its offset is changed so that it reads T, and that is said.
So a step is never followed and never freezes anything. Small differences are not corrected: that
would let a jittering clock ratchet time forward. So a small step back of the store's clock slows T
and, set right, lets it catch up with the others; what was stamped in between was stamped by them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

LONGEST_UNHEARD_MS = 2_000  # twice a heartbeat: nobody who lives is silent for longer


@dataclass(frozen=True, slots=True)
class Clocks:
    """Ledger time as the ledger keeps it: T, H, and the offset of the store's own clock.

    `lead_ms`: by how much any other clock has been seen ahead of the store's. All of them tick
    alike, so one that is silent now is as far ahead still: H counts with it. `rebased`: how often
    the store's was re-based. Time may have been lost then, and a clock last read before must not
    bring it back, for what was stamped meanwhile would free early. `unheard_ms` is how far ahead
    such a clock may be merely because nobody spoke.
    """

    time_ms: int
    high_ms: int
    store_offset_ms: int
    lead_ms: int = 0
    rebased: int = 0
    unheard_ms: int = LONGEST_UNHEARD_MS

    def resumed(self, time_ms: int, high_ms: int) -> Clocks:
        """Return the clocks going on from a journal's time, if that is later.

        The store's clock is anchored where it stood: it reads as much more as T has risen.
        """
        rise_ms = max(0, time_ms - self.time_ms)
        return replace(
            self,
            time_ms=self.time_ms + rise_ms,
            high_ms=max(self.high_ms, high_ms),
            store_offset_ms=self.store_offset_ms - rise_ms,
        )

    def read(
        self,
        *,
        store_ms: int,
        boot_ms: int,
        boot_offset_ms: int | None,
        tolerance_ms: int,
        is_current: bool = True,
    ) -> tuple[Clocks, int, tuple[str, ...]]:
        """Return the clocks after one message, its sender's offset, and which were stepped.

        `boot_offset_ms` None anchors that clock at T: it has nothing to say about the past. So is
        one that was last read before the store's was re-based (`is_current` False), if it is
        further ahead than that may be.
        """
        if boot_offset_ms is None:
            boot_offset_ms = boot_ms - self.time_ms
        if not is_current and boot_ms - boot_offset_ms > self.time_ms + self.unheard_ms:
            boot_offset_ms = boot_ms - self.time_ms
        store, boot = store_ms - self.store_offset_ms, boot_ms - boot_offset_ms
        store_stepped = store < self.time_ms - tolerance_ms
        boot_stepped = boot < self.time_ms - tolerance_ms
        slowest = min(
            self.time_ms if store_stepped else store, self.time_ms if boot_stepped else boot
        )
        time_ms = max(self.time_ms, slowest)
        stepped: tuple[str, ...] = ()
        store_offset_ms, lead_ms, rebased = self.store_offset_ms, self.lead_ms, self.rebased
        if store_stepped or store > slowest + tolerance_ms:
            store_offset_ms, store = store_ms - time_ms, time_ms
            lead_ms = tolerance_ms  # of the others it was not seen yet
            rebased += 1
            stepped += ("store",)
        if boot > slowest + tolerance_ms:
            lead_ms = tolerance_ms  # those that are silent may be as far ahead, and be right
        if boot_stepped or boot > slowest + tolerance_ms:
            boot_offset_ms, boot = boot_ms - time_ms, time_ms
            stepped += ("boot",)
        lead_ms = max(lead_ms, boot - store)
        high_ms = max(self.high_ms, time_ms, store + lead_ms)
        clocks = Clocks(
            time_ms, high_ms, store_offset_ms, lead_ms, rebased, unheard_ms=self.unheard_ms
        )
        return clocks, boot_offset_ms, stepped
