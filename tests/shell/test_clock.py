"""The system's clocks, as `governor/clock.py` reports them."""

from __future__ import annotations

import ctypes
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from governor.clock import Clock, SystemClock, is_synchronised, utc


@pytest.fixture
def clock() -> Clock:
    return SystemClock()


def test_every_reading_is_an_integer_of_milliseconds(clock: Clock) -> None:
    for reading in (clock.wall_ms, clock.monotonic_ms, clock.boot_ms):
        before = reading()
        after = reading()

        assert type(before) is int
        assert 0 <= after - before < 5_000


def test_the_wall_clock_is_unix_time(clock: Clock) -> None:
    before = time.time_ns()
    wall_ms = clock.wall_ms()
    after = time.time_ns()

    assert before // 1_000_000 <= wall_ms <= after // 1_000_000


@pytest.mark.skipif(not Path("/proc/uptime").exists(), reason="only Linux tells its uptime there")
def test_the_boot_clock_counts_from_the_boot_suspends_included(clock: Clock) -> None:
    """The kernel prints the same clock in /proc/uptime, to a hundredth of a second."""
    before_ms = clock.boot_ms()
    seconds, hundredths = Path("/proc/uptime").read_text("ascii").split()[0].split(".")
    after_ms = clock.boot_ms()

    assert before_ms - 10 <= int(seconds) * 1000 + int(hundredths) * 10 <= after_ms


def test_one_boot_has_one_name(clock: Clock) -> None:
    assert clock.boot_id()
    assert clock.boot_id() == clock.boot_id()


@pytest.mark.skipif(not Path("/proc/sys/kernel").exists(), reason="only Linux names its boots")
def test_two_processes_of_one_boot_agree_on_its_name(clock: Clock) -> None:
    assert SystemClock().boot_id() == clock.boot_id()


class NtpTime(ctypes.Structure):
    """The head of glibc's `struct ntptimeval`, which another call fills."""

    _fields_ = (
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 128),
    )


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these calls")
def test_the_clock_is_called_right_by_what_the_kernel_says_of_it(clock: Clock) -> None:
    found = NtpTime()
    state = ctypes.CDLL(None).ntp_gettimex(ctypes.byref(found))

    assert clock.synchronised() is is_synchronised(state, found.maxerror)
    assert 0 <= state <= 5
    assert 0 <= found.maxerror <= 16_000_000


@pytest.mark.parametrize(
    ("state", "most_error_us", "expected"),
    [
        (0, 0, True),
        (0, 1_000_000, True),
        (0, 1_000_001, False),
        (1, 300, True),  # a leap second is announced
        (4, 300, True),  # it has just been
        (5, 300, False),
        (5, 16_000_000, False),
        (-1, 0, False),
    ],
)
def test_a_clock_is_right_if_it_is_known_to_be_within_a_second(
    state: int, most_error_us: int, *, expected: bool
) -> None:
    """TIME_OK is 0, TIME_ERROR 5 (adjtimex(2)); a call that is not permitted returns -1."""
    assert is_synchronised(state, most_error_us) is expected


async def test_a_sleep_is_never_too_short(clock: Clock) -> None:
    before_ms = clock.monotonic_ms()
    await clock.sleep_ms(20)

    assert clock.monotonic_ms() - before_ms >= 19  # both readings are rounded down


@pytest.mark.parametrize(
    ("wall_ms", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_731_628_799_999, "2024-11-14T23:59:59.999Z"),
        (1_731_628_800_000, "2024-11-15T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_instants_are_written_in_rfc_3339_and_utc(wall_ms: int, expected: str) -> None:
    assert utc(wall_ms) == expected
    assert datetime.fromisoformat(expected).timestamp() * 1000 == pytest.approx(wall_ms, abs=0.01)
