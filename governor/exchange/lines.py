"""Whole lines on their way to a crawler, while more of the stream is read.

A crawler's pace must not become the stream's: what a platform has written and nobody has read may
count already, so reading goes on while the crawler is slow, and its lines wait here. One that falls
behind by more than this room is cut off, as the platforms do to readers that are too slow.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from governor.exchange.relaying import begin

if TYPE_CHECKING:
    from types import TracebackType

    from governor.exchange.course import Course
    from governor.exchange.parts import Answer

MOST_BYTES: Final = 1_048_576  # four seconds of 250 posts of 1 KB; there are few streams at a time


class Lines:
    """A context in which lines are written beside the reading.

    Left without an error, or with one of the platform's, all of them are written first; cancelled,
    what waits is dropped. Never is a part of a line written.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._gone = False
        self._answer: Answer | None = None  # its head is still to be written
        self._decoded = False

    def begin(self, answer: Answer, *, decoded: bool) -> None:
        """Write the head of the answer; `decoded`: its lines are not in the coding of the wire."""
        self._answer, self._decoded = answer, decoded
        self._start()

    def put(self, lines: bytes) -> bool:
        """Take whole lines; say whether there is room for more. Raises ConnectionError if gone."""
        if self._gone:
            raise ConnectionResetError("the crawler is gone")
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)
        self._start()
        return self._waiting_bytes <= MOST_BYTES

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._writing is None:
            return
        if kind is not None and not issubclass(kind, Exception):
            self._writing.cancel()
        await asyncio.wait((self._writing,))
        if kind is None and self._gone:
            raise ConnectionResetError("the crawler is gone")

    def _start(self) -> None:
        if self._writing is None or self._writing.done():
            work, name = self._write(), f"write lines {self._course.id}"
            self._writing = self._course.adapters.tasks.start(work, name)

    async def _write(self) -> None:
        try:
            if self._answer is not None:
                answer, self._answer = self._answer, None
                await begin(self._course, answer, decoded=self._decoded)
            while self._waiting:
                lines = b"".join(self._waiting)
                self._waiting.clear()
                await self._course.downstream.write(lines)
                self._waiting_bytes -= len(lines)
                self._course.relayed_bytes += len(lines)
        except ConnectionError:
            self._gone = True
