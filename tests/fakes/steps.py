"""Every step of the event loop, counted, so that a test can strike between any two of them.

A step is one callback: what one task does between two awaits, or what wakes another. Striking
before each in turn reaches every await of everything that runs; turns of the loop do not, for
several tasks step in one turn.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Context


class Steps:
    """Counts while it is `watching`; calls `before` with a step's number ahead of each."""

    def __init__(self, before: Callable[[int], None]) -> None:
        self.taken = 0
        self._before = before

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count what is scheduled on the running loop meanwhile."""
        loop = asyncio.get_running_loop()
        plain = loop.call_soon

        def call_soon(
            callback: Callable[..., object], *arguments: object, context: Context | None = None
        ) -> asyncio.Handle:
            return plain(self._step, callback, arguments, context=context)

        loop.call_soon = call_soon  # type: ignore[method-assign]  # the loop's, for as long
        try:
            yield
        finally:
            del loop.call_soon  # its class has the plain one

    def _step(self, callback: Callable[..., Any], arguments: tuple[object, ...]) -> None:
        number, self.taken = self.taken, self.taken + 1
        self._before(number)
        callback(*arguments)
