"""Background work has one owner, which loses none of it and hides no failure."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from governor.tasks import Tasks

Report = list[tuple[str, BaseException]]


@pytest.fixture
def report() -> Report:
    return []


@pytest.fixture
def tasks(report: Report) -> Tasks:
    return Tasks(lambda name, error: report.append((name, error)))


async def _after(gate: asyncio.Event) -> str:
    await gate.wait()
    return "done"


async def _fail(error: BaseException) -> None:
    raise error


async def test_a_task_that_nobody_else_holds_is_kept(tasks: Tasks) -> None:
    """The event loop keeps only a weak reference; a collected settlement would leave a hold."""
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.Event().wait()

    task = weakref.ref(tasks.start(work(), "settle"))
    await started.wait()
    gc.collect()

    assert task() is not None
    await tasks.cancel()


async def test_its_caller_may_wait_for_its_result(tasks: Tasks) -> None:
    gate = asyncio.Event()
    gate.set()

    task = tasks.start(_after(gate), "settle")

    assert await task == "done"
    assert task.get_name() == "settle"


async def test_a_failure_is_reported_with_the_name_of_its_task(
    tasks: Tasks, report: Report
) -> None:
    error = ValueError("no such row")

    tasks.start(_fail(error), "settle")

    assert await tasks.drain(10)
    assert report == [("settle", error)]


async def test_what_has_ended_is_let_go(tasks: Tasks) -> None:
    gate = asyncio.Event()
    tasks.start(_after(gate), "one")
    tasks.start(_after(gate), "two")
    assert len(tasks) == 2

    gate.set()
    await tasks.drain(10)

    assert len(tasks) == 0


async def test_draining_nothing_is_done_at_once(tasks: Tasks) -> None:
    assert await tasks.drain(0)


async def test_draining_says_when_time_was_up_and_cuts_nothing_off(tasks: Tasks) -> None:
    gate = asyncio.Event()
    task = tasks.start(_after(gate), "slow")

    assert not await tasks.drain(0.001)

    assert not task.done()
    gate.set()
    assert await tasks.drain(10)


async def test_cancelling_waits_until_each_has_cleaned_up(tasks: Tasks, report: Report) -> None:
    """And being cancelled is not a failure."""
    started, cleaned = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    tasks.start(work(), "keeper")
    await started.wait()

    await tasks.cancel()

    assert cleaned.is_set()
    assert len(tasks) == 0
    assert report == []


async def test_a_failure_while_being_cancelled_is_reported_too(
    tasks: Tasks, report: Report
) -> None:
    started = asyncio.Event()
    error = OSError("the journal's disk is full")

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise error

    tasks.start(work(), "keeper")
    await started.wait()

    await tasks.cancel()

    assert report == [("keeper", error)]
