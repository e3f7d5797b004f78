"""Time on the virtual loop passes when nobody can run, and for the frozen not at all."""

from __future__ import annotations

import asyncio
import contextvars

import pytest

from tests.simulation.loop import PROCESS, Process, VirtualLoop

HOUR_MS = 3_600_000


def virtual() -> VirtualLoop:
    return VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing


def test_an_hour_passes_at_once() -> None:
    loop = virtual()

    async def work() -> float:
        await asyncio.sleep(1_800)
        await loop.sleep_ms(HOUR_MS // 2)
        return loop.time()

    assert loop.run(work()) == 3_600
    assert loop.now_ms == HOUR_MS


def test_ties_run_in_the_order_in_which_they_were_made() -> None:
    loop, order = virtual(), list[str]()

    async def work() -> None:
        loop.at(10, order.append, "first")
        loop.at(5, order.append, "before")
        loop.at(10, order.append, "second")
        await loop.until_ms(10)
        order.append("last")

    loop.run(work())

    assert order == ["before", "first", "second", "last"]


def test_a_deadline_ends_a_wait() -> None:
    loop = virtual()

    async def work() -> None:
        await asyncio.wait_for(loop.create_future(), 5)

    with pytest.raises(TimeoutError):
        loop.run(work())
    assert loop.now_ms == 5_000


def test_a_frozen_process_runs_nothing_until_it_thaws() -> None:
    """And then all that became due, in its order."""
    loop, process, ran = virtual(), Process(), list[tuple[str, int]]()

    async def inside(name: str, at_ms: int) -> None:
        await loop.until_ms(at_ms)
        ran.append((name, loop.now_ms))

    async def work() -> None:
        context = contextvars.copy_context()
        context.run(PROCESS.set, process)
        tasks = [
            loop.create_task(inside(name, at_ms), context=context)
            for name, at_ms in (("b", 20), ("a", 10), ("c", 200))
        ]
        await loop.until_ms(1)
        process.frozen = True
        await loop.until_ms(100)
        process.thaw(loop)
        await asyncio.wait(tasks)

    loop.run(work())

    assert ran == [("a", 100), ("b", 100), ("c", 200)]


def test_the_dead_have_no_effect() -> None:
    process = Process()
    process.require_alive()
    process.dead = True

    with pytest.raises(asyncio.CancelledError):
        process.require_alive()


def test_a_world_in_which_nothing_can_happen_any_more_is_a_defect() -> None:
    loop = virtual()

    async def work() -> None:
        await loop.create_future()

    with pytest.raises(AssertionError, match="nothing will ever happen"):
        loop.run(work())


def test_a_spinning_world_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.loop.MOST_AT_ONCE", 1_000)
    loop = virtual()

    def spin() -> None:
        loop.call_soon(spin)

    async def work() -> None:
        spin()
        await loop.create_future()

    with pytest.raises(AssertionError, match="spins"):
        loop.run(work())


def test_a_callback_that_fails_fails_the_run() -> None:
    loop = virtual()

    def fail() -> None:
        raise ValueError("here")

    async def work() -> None:
        loop.at(5, fail)
        await loop.until_ms(10)

    with pytest.raises(ValueError, match="here"):
        loop.run(work())
