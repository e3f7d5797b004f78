"""The fake clock keeps the contract of `governor.clock.Clock`, and moves only when told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from governor.clock import Clock


def _readings(clock: Clock) -> tuple[int, int, int, str]:
    return clock.wall_ms(), clock.monotonic_ms(), clock.boot_ms(), clock.boot_id()


def test_time_stands_still_until_it_is_moved() -> None:
    clock = FakeClock(wall_ms=1_000, monotonic_ms=200, boot_ms=30, boot_id="a")

    assert _readings(clock) == (1_000, 200, 30, "a")
    assert _readings(clock) == (1_000, 200, 30, "a")


def test_time_passes_on_all_clocks_alike() -> None:
    clock = FakeClock(wall_ms=1_000, monotonic_ms=200, boot_ms=30, boot_id="a")

    clock.advance_ms(5)

    assert _readings(clock) == (1_005, 205, 35, "a")


def test_each_clock_can_be_stepped_alone() -> None:
    clock = FakeClock(wall_ms=1_000, monotonic_ms=200, boot_ms=30, boot_id="a")

    clock.step_wall_ms(-900)
    clock.step_monotonic_ms(7)
    clock.step_boot_ms(8)

    assert _readings(clock) == (100, 207, 38, "a")


def test_a_suspended_machine_keeps_its_monotonic_clock() -> None:
    clock = FakeClock(wall_ms=1_000, monotonic_ms=200, boot_ms=30, boot_id="a")

    clock.suspend_ms(60)

    assert _readings(clock) == (1_060, 200, 90, "a")


def test_a_reboot_begins_its_clocks_anew_under_another_name() -> None:
    clock = FakeClock(wall_ms=1_000, monotonic_ms=200, boot_ms=30, boot_id="a")

    clock.reboot("b", down_ms=40)

    assert _readings(clock) == (1_040, 0, 0, "b")


def test_time_does_not_pass_backwards() -> None:
    with pytest.raises(AssertionError, match="backwards"):
        FakeClock().advance_ms(-1)


async def test_sleepers_wake_at_their_deadline_and_no_earlier() -> None:
    clock = FakeClock()
    woken: list[str] = []

    async def sleep(name: str, duration_ms: int) -> None:
        await clock.sleep_ms(duration_ms)
        woken.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(sleep("late", 20))
        group.create_task(sleep("early", 10))
        await clock.until_sleeping(2)

        clock.advance_ms(9)
        await clock.sleep_ms(0)
        assert woken == []

        clock.advance_ms(11)

    assert woken == ["early", "late"]
    assert clock.sleepers == 0


async def test_a_suspend_wakes_nobody() -> None:
    clock = FakeClock()
    async with asyncio.TaskGroup() as group:
        sleeper = group.create_task(clock.sleep_ms(10))
        await clock.until_sleeping()

        clock.suspend_ms(1_000)
        await clock.sleep_ms(0)

        assert not sleeper.done()
        clock.advance_ms(10)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = FakeClock()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await clock.sleep_ms(10)

    assert clock.sleepers == 0
    clock.advance_ms(10)


async def test_no_time_at_all_still_lets_others_run() -> None:
    clock = FakeClock()
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)

    await clock.sleep_ms(0)

    assert ran.is_set()


def test_a_clock_is_called_right_when_a_test_says_so() -> None:
    clock = FakeClock()
    before = clock.synchronised()
    clock.synchronise(to=True)

    assert (before, clock.synchronised()) == (False, True)
