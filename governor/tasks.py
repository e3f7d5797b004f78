"""The one owner of background tasks.

asyncio keeps only a weak reference to a task, so one that nobody holds can vanish in mid-flight,
and with it a hold that it should have resolved. Everything that runs beside its caller is started
here, named, held, and waited for; a task that dies of an error is never silent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")


class Tasks:
    """A set of running tasks. `report` hears of every one that ended by an exception."""

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._report = report

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, Result], name: str) -> asyncio.Task[Result]:
        """Run `work` beside the caller and keep it until it ends."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251  # the one owner of tasks
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report(task.get_name(), error)

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all have ended by themselves; return False if the time was up first."""
        if not self._running:
            return True
        _, late = await asyncio.wait(self._running, timeout=timeout_s)
        return not late

    async def cancel(self) -> None:
        """Cancel what still runs and wait for its end."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Interrupted(Exception):  # noqa: N818  # not an error: what was waited for came first
    """The work was stopped because something else happened first."""


async def unless(stop: Coroutine[Any, Any, object], work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` and return its result; if `stop` ends first, end the work and raise Interrupted.

    The work has really ended on return: it was cancelled and waited for. If both are done at once
    the work's result counts.
    """
    working = asyncio.create_task(work)  # noqa: TID251  # owned by this very call
    stopping = asyncio.create_task(stop)  # noqa: TID251  # owned by this very call
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Interrupted
        return working.result()
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
