"""An event loop whose clock is virtual: nothing waits, and one seed is one schedule.

Time moves only when nobody can run, straight to the next timer, so thirty days take as long as
what happens in them. All instants are whole milliseconds of true time, ties run in the order in
which they were made, and there are no threads and no sockets: two runs of one program on it are
the same run.

A callback belongs to the `Process` in whose context it was made. A frozen process (SIGSTOP, a
suspended machine) runs nothing; what became due meanwhile runs when it thaws, in its order.
Rejected: subclassing asyncio's own loop, which reads private fields and keeps time in floats.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")

MOST_AT_ONCE: Final = 1_000_000  # callbacks at one instant; more, and it spins for ever


class Process:
    """Something that an operating system can stop, and end."""

    def __init__(self) -> None:
        self.frozen = False
        self.dead = False
        self._due: deque[Callback] = deque()

    def keep(self, callback: Callback) -> None:
        """Keep for later what became due while frozen."""
        self._due.append(callback)

    @property
    def can_freeze(self) -> bool:
        """Whether it runs."""
        return not (self.frozen or self.dead)

    def require_alive(self) -> None:
        """Stand before each effect on the world outside: the dead have none."""
        if self.dead:
            raise asyncio.CancelledError

    def thaw(self, loop: VirtualLoop) -> None:
        """Run on, beginning with what became due meanwhile."""
        self.frozen = False
        loop.requeue(self._due)
        self._due = deque()


PROCESS: Final[contextvars.ContextVar[Process | None]] = contextvars.ContextVar(
    "process", default=None
)


class Callback:
    """One callback, as `asyncio.Handle` is to a task or a future."""

    __slots__ = ("args", "call", "context", "done", "process", "when_ms")

    def __init__(
        self,
        call: Callable[..., object],
        args: tuple[Any, ...],
        context: contextvars.Context | None,
        when_ms: int,
    ) -> None:
        self.call, self.args = call, args
        self.context = context or contextvars.copy_context()
        self.process = self.context.get(PROCESS)
        self.when_ms = when_ms
        self.done = False

    def cancel(self) -> None:
        """Never run it."""
        self.done = True

    def cancelled(self) -> bool:
        """Say whether it will not run."""
        return self.done

    def when(self) -> float:
        """Return its instant in seconds."""
        return self.when_ms / 1_000


class VirtualLoop(asyncio.AbstractEventLoop):
    """See the module's first lines. `run` is the way in, and any defect comes out of it."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._ready: deque[Callback] = deque()
        self._timers: list[tuple[int, int, Callback]] = []
        self._made = 0
        self._outside = contextvars.Context()
        self._defects: list[BaseException] = []

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run until `work` is done and return its result. Raises the first defect there is."""
        asyncio._set_running_loop(self)  # noqa: SLF001  # documented, for event loops
        try:
            task = self.create_task(work)
            while True:
                self._run_ready()
                if self._defects:
                    raise self._defects[0]
                if task.done():
                    return task.result()
                self._let_time_pass()
        finally:
            asyncio._set_running_loop(None)  # noqa: SLF001  # likewise

    def _run_ready(self) -> None:
        """Run what is ready, and what becomes ready by it, at this instant."""
        ready, most = self._ready, MOST_AT_ONCE
        while ready:
            callback = ready.popleft()
            if callback.done:
                continue
            if callback.process is not None and callback.process.frozen:
                callback.process.keep(callback)
                continue
            most -= 1
            assert most > 0, f"something spins at {self.now_ms} ms: {callback.call}"
            callback.context.run(callback.call, *callback.args)

    def _let_time_pass(self) -> None:
        """Move on to the next timer."""
        timers, ready = self._timers, self._ready
        while timers and timers[0][2].done:
            heapq.heappop(timers)
        assert timers, "everybody waits, and nothing will ever happen"
        self.now_ms = max(self.now_ms, timers[0][0])
        while timers and timers[0][0] <= self.now_ms:
            ready.append(heapq.heappop(timers)[2])

    def requeue(self, callbacks: deque[Callback]) -> None:
        """Make ready what a process kept."""
        self._ready.extend(callbacks)

    async def sleep_ms(self, duration_ms: int) -> None:
        """Return after so much true time."""
        await self.until_ms(self.now_ms + max(0, duration_ms))

    async def until_ms(self, at_ms: int) -> None:
        """Return at an instant of true time."""
        woken = self.create_future()
        timer = self.at(at_ms, wake, woken)
        try:
            await woken
        finally:
            timer.cancel()

    def at(self, at_ms: int, call: Callable[..., object], *args: Any) -> Callback:  # noqa: ANN401  # the callback's
        """Call at an instant of true time, outside of all processes: the world does not freeze."""
        return self._schedule(Callback(call, args, self._outside, at_ms))

    def _schedule(self, timer: Callback) -> Callback:
        self._made += 1
        heapq.heappush(self._timers, (timer.when_ms, self._made, timer))
        return timer

    # What tasks, futures and asyncio's own functions ask of a loop. The names are asyncio's.

    def time(self) -> float:
        return self.now_ms / 1_000

    def call_soon(  # type: ignore[override]  # a callback is as good as a Handle
        self,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401  # the callback's
        context: contextvars.Context | None = None,
    ) -> Callback:
        ready = Callback(callback, args, context, self.now_ms)
        self._ready.append(ready)
        return ready

    def call_later(  # type: ignore[override]  # likewise
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401  # the callback's
        context: contextvars.Context | None = None,
    ) -> Callback:
        return self._schedule(
            Callback(callback, args, context, self.now_ms + max(0, round(delay * 1_000)))
        )

    def call_at(  # type: ignore[override]  # likewise
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401  # the callback's
        context: contextvars.Context | None = None,
    ) -> Callback:
        return self._schedule(Callback(callback, args, context, round(when * 1_000)))

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]  # likewise
        self,
        coro: Coroutine[Any, Any, Result],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[Result]:
        return asyncio.Task(coro, loop=self, name=name, context=context)

    async def run_in_executor(  # type: ignore[override]  # there are no threads: at once
        self,
        executor: object,  # noqa: ARG002  # asyncio's
        func: Callable[..., Result],
        *args: Any,  # noqa: ANN401  # the function's
    ) -> Result:
        return func(*args)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Fail the run: an error that nobody retrieved is a defect."""
        error = context.get("exception") or AssertionError(context.get("message"))
        self._defects.append(error)


def wake(waiting: asyncio.Future[None]) -> None:
    """Wake whoever waits, if he still does."""
    if not waiting.done():
        waiting.set_result(None)
