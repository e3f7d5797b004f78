"""Who waits for a hold: first come, first served.

An ask that was refused but may still wait keeps its place, so the queue is what the next message
asks. Nobody is forgotten: whoever is taken out has his decision.

An answer that is flowing comes before all requests that have not begun: it cannot wait for long,
and a message asks for the first of the line only.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

from governor.core.ledger.messages import Ask

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from governor.core.ledger.decisions import Decision
    from governor.core.ledger.holds import Hold

MOST_ASKS = 256  # in one message: some 20 KB, a few ms of Lua
MOST_WAITING = 10_000  # waiters in all; more than any crawler fleet has connections


@dataclass(slots=True, eq=False)
class Waiting:
    """One ask in the queue. Instants are monotonic milliseconds. `flowing`: it is a top-up."""

    hold: Hold
    since_ms: int
    until_ms: int
    decision: asyncio.Future[Decision]
    again_ms: int = 0  # when it is worth asking again
    flowing: bool = False

    def ask(self, now_ms: int) -> Ask:
        """Return it as the ledger is asked now."""
        return Ask(self.hold.amounts, patience_ms=max(0, self.until_ms - now_ms))

    def decide(self, decision: Decision) -> None:
        """Tell whoever waits, if he still does."""
        if not self.decision.done():
            self.decision.set_result(decision)


class Queue:
    """All who wait, in the order of arrival, those that are flowing before the others."""

    def __init__(self) -> None:
        self._flowing: deque[Waiting] = deque()
        self._waiting: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._flowing) + len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether nobody more may wait."""
        return len(self) >= MOST_WAITING

    def join(self, waiting: Waiting) -> None:
        """Stand in line, last of one's kind."""
        (self._flowing if waiting.flowing else self._waiting).append(waiting)

    def batch(self) -> tuple[Waiting, ...]:
        """Return whom the next message asks for."""
        self.leave()
        return tuple(islice(self._all(), MOST_ASKS))

    def leave(self) -> None:
        """Let those go who have their decision, or have left."""
        for line in (self._flowing, self._waiting):
            staying = [each for each in line if not each.decision.done()]
            line.clear()
            line.extend(staying)

    def dismiss(self, decision: Decision) -> None:
        """Give everybody the same decision."""
        for waiting in self._all():
            waiting.decide(decision)
        self._flowing.clear()
        self._waiting.clear()

    def due_ms(self) -> int | None:
        """Return the first instant at which it is worth asking for anybody; None: nobody waits."""
        return min((min(each.until_ms, each.again_ms) for each in self._all()), default=None)

    def _all(self) -> Iterator[Waiting]:
        return chain(self._flowing, self._waiting)
