"""The only module that asks what time it is.

Three clocks, because each can fail in its own way. The wall clock can be stepped by anybody; the
monotonic clock stands still while the machine is suspended; the boot clock runs through a suspend
but starts anew at a reboot, which only `boot_id` reveals. The ledger compares them (design.md
section 3, invariant 6), so none is corrected here: an adapter reports what the kernel says.

All readings are integer milliseconds, rounded down. Floats were rejected: a sum of posts that
frees a rounding too early is a breach of contract.
"""

from __future__ import annotations

import asyncio
import ctypes
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_NANOSECONDS: Final = 1_000_000  # in a millisecond
# macOS has no CLOCK_BOOTTIME; there CLOCK_MONOTONIC_RAW is the one that runs through sleep.
_BOOT_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", None) or time.CLOCK_MONOTONIC_RAW
_TIME_ERROR: Final = 5  # what adjtimex(2) returns for a clock that is not synchronised
# The kernel calls a clock synchronised up to an error of 16 s. Two readings, each within this one,
# are within the 2 s that two clocks may differ; time daemons stay below it between two corrections.
_MOST_ERROR_US: Final = 1_000_000


class _Timex(ctypes.Structure):
    """The head of the kernel's `struct timex`, and room for the rest of it: 208 bytes in all."""

    _fields_ = (
        ("modes", ctypes.c_uint),  # 0: change nothing
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),  # in microseconds, whatever the other units are
        ("rest", ctypes.c_byte * 256),
    )


class Clock(Protocol):
    """What time it is, and waiting. Passed in wherever either is needed."""

    def wall_ms(self) -> int:
        """Return the time since 1970-01-01 UTC. It may be wrong, and may step either way."""
        ...

    def monotonic_ms(self) -> int:
        """Return a time that never goes back within this process, for durations."""
        ...

    def boot_ms(self) -> int:
        """Return the time since boot, suspended time included; comparable within one boot."""
        ...

    def boot_id(self) -> str:
        """Return what names this boot: boot times under two names cannot be compared."""
        ...

    def synchronised(self) -> bool:
        """Say whether the wall clock is known to be within a second of the true time."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None:
        """Return no earlier than `duration_ms` from now."""
        ...


class SystemClock:
    """The kernel's clocks."""

    def __init__(self) -> None:
        self._boot_id: Final = _boot_id()
        self._adjtimex: Final = getattr(ctypes.CDLL(None), "adjtimex", None)

    def wall_ms(self) -> int:
        """Return the system's wall clock."""
        return time.time_ns() // _NANOSECONDS

    def monotonic_ms(self) -> int:
        """Return the monotonic clock; its zero means nothing."""
        return time.monotonic_ns() // _NANOSECONDS

    def boot_ms(self) -> int:
        """Return CLOCK_BOOTTIME, or on macOS CLOCK_MONOTONIC_RAW."""
        return time.clock_gettime_ns(_BOOT_CLOCK) // _NANOSECONDS

    def boot_id(self) -> str:
        """Return the kernel's boot id; it is the same for the life of this object."""
        return self._boot_id

    def synchronised(self) -> bool:
        """Return what the kernel says, by adjtimex(2); False where there is no such call.

        Setting the clock by hand ends it, until a time daemon says otherwise.
        """
        if self._adjtimex is None:
            return False
        timex = _Timex()
        state: int = self._adjtimex(ctypes.byref(timex))
        return is_synchronised(state, timex.maxerror)

    async def sleep_ms(self, duration_ms: int) -> None:
        """Sleep on the event loop's monotonic clock; a suspended machine makes it longer."""
        await asyncio.sleep(duration_ms / 1000)


def is_synchronised(state: int, most_error_us: int) -> bool:
    """Say whether a clock is right enough, by what adjtimex(2) returns and finds its error to be.

    A negative state is a call that failed.
    """
    return 0 <= state < _TIME_ERROR and most_error_us <= _MOST_ERROR_US


def utc(wall_ms: int) -> str:
    """Return an instant as RFC 3339 in UTC with milliseconds: 2026-11-23T08:50:12.345Z."""
    seconds, milliseconds = divmod(wall_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def _boot_id() -> str:
    """Return a name for this boot.

    Without Linux's boot id it is the instant of the boot, to the millisecond. The wall clock is
    slewed all the time, so this name changes without a reboot; that only costs anchoring the boot
    clock anew. Rounding it would be the dangerous way: one name for two boots.
    """
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        boot_ns = time.time_ns() - time.clock_gettime_ns(_BOOT_CLOCK)
        return f"booted-{boot_ns // _NANOSECONDS}"
