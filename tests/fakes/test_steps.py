"""Steps are counted one by one, over all tasks, and a strike falls between two of them."""

from __future__ import annotations

import asyncio

import pytest

from governor.tasks import Tasks
from tests.fakes.steps import Steps


async def work(passed: list[str], name: str) -> None:
    passed.append(f"{name}1")
    await asyncio.sleep(0)
    passed.append(f"{name}2")


async def test_every_step_of_every_task_is_announced() -> None:
    passed: list[str] = []
    steps = Steps(lambda number: passed.append(str(number)))
    tasks = Tasks(lambda *_: None)
    with steps.watching():
        tasks.start(work(passed, "a"), "a")
        tasks.start(work(passed, "b"), "b")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert passed[:8] == ["0", "a1", "1", "b1", "2", "3", "a2", "4"]
    assert passed[8] == "b2"
    assert steps.taken >= 5


@pytest.mark.parametrize(("at", "reached"), [(0, []), (1, ["a1"]), (2, ["a1", "a2"])])
async def test_a_strike_falls_before_its_step(at: int, reached: list[str]) -> None:
    passed: list[str] = []
    tasks = Tasks(lambda *_: None)

    def strike(number: int) -> None:
        if number == at:
            task.cancel()

    with Steps(strike).watching():
        task = tasks.start(work(passed, "a"), "a")
        await asyncio.wait((task,))

    assert passed == reached
    assert task.cancelled() == (at < 2)


async def test_a_loop_that_is_not_watched_any_more_is_as_before() -> None:
    before = asyncio.get_running_loop().call_soon
    with Steps(lambda _: None).watching():
        assert asyncio.get_running_loop().call_soon != before

    assert asyncio.get_running_loop().call_soon == before
