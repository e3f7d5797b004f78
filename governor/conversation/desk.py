"""Where exchanges ask for holds, wait for them, and give them back.

Only the ledger grants, never our own reckoning: between two replies nobody is served.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from governor.conversation.waiting import Queue, Waiting
from governor.core.ledger.decisions import Decision, Doubted, Granted, Refused
from governor.core.ledger.holds import Event, Hold, State
from governor.core.ledger.messages import DoubtReason, Grant

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.core.ledger.messages import Reply
    from governor.core.ledger.records import Amounts
    from governor.core.ledger.row import Row

POLL_MS = 100  # while holds stand in the way: other governors' ends are seen this soon


class Desk:
    """The holds of one member and who waits for one; `row` is what the ledger is told of them.

    `stir` is set when there is something to say to the ledger.
    """

    def __init__(self, row: Row, clock: Clock, stir: asyncio.Event) -> None:
        self._row, self._clock, self._stir = row, clock, stir
        self._holds: dict[str, Hold] = {}
        self._reply: Reply | None = None
        self.queue = Queue()

    def __len__(self) -> int:
        return len(self._holds)

    @property
    def oldest_hold_ms(self) -> int | None:
        """How long ago the oldest hold was granted."""
        now_ms = self._clock.monotonic_ms()
        return max((now_ms - hold.granted_ms for hold in self._holds.values()), default=None)

    async def reserve(self, hold: Hold, patience_ms: int, *, flowing: bool = False) -> Decision:
        """Stand in line for a hold, for up to `patience_ms` and the time to the next reply."""
        if self.queue.is_full:
            return self._refused(hold, Grant(granted=False, account=hold.amounts[0][0]), 0)
        now_ms = self._clock.monotonic_ms()
        decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self.queue.join(Waiting(hold, now_ms, now_ms + patience_ms, decision, flowing=flowing))
        self._stir.set()
        try:
            return await decision
        finally:
            decision.cancel()

    def take(self, hold: Hold) -> None:
        """Hold without being granted."""
        hold.on(Event.GRANT)
        hold.granted_ms = self._clock.monotonic_ms()
        self._keep(hold)

    def end(self, hold: Hold, amounts: Amounts, *, lingers: bool) -> None:
        """Let a hold go for what it was charged; one that was never granted is forgotten."""
        hold.on(Event.END)
        if self._holds.pop(hold.id, None) is None:
            return
        self._row.release(hold.amounts)
        self._row.charge(amounts, lingers=lingers)
        self._stir.set()

    def note_grants(self, batch: tuple[Waiting, ...], reply: Reply) -> None:
        """Note what the ledger holds for us now, whatever becomes of it here."""
        self._reply = reply
        for waiting, grant in zip(batch, reply.grants, strict=True):
            if grant.granted:
                self._row.granted(waiting.hold.amounts)

    def decide(self, batch: tuple[Waiting, ...], reply: Reply) -> None:
        """Pass a reply's grants on. A grant that nobody waits for any more is given back."""
        now_ms = self._clock.monotonic_ms()
        for waiting, grant in zip(batch, reply.grants, strict=True):
            if not grant.granted:
                self._put_off(waiting, grant, now_ms)
            elif waiting.decision.done() or waiting.hold.state is not State.ASKED:
                self._stir.set()
            else:
                waiting.hold.on(Event.GRANT)
                waiting.hold.granted_ms = now_ms
                self._keep(waiting.hold)
                waiting.decide(Granted(now_ms - waiting.since_ms))
        self.queue.leave()

    def dismiss(self, reason: DoubtReason) -> None:
        """Refuse everybody who waits: the ledger's word is in doubt."""
        self.queue.dismiss(Doubted(reason))

    def _put_off(self, waiting: Waiting, grant: Grant, now_ms: int) -> None:
        """Let an ask that was not granted wait on, or refuse it for want of time.

        If no account refused it, nothing is granted to this member yet: it has just joined.
        """
        left_ms = waiting.until_ms - now_ms
        refused = self._refused(waiting.hold, grant, now_ms - waiting.since_ms)
        too_long = refused.retry_ms is not None and refused.retry_ms > left_ms
        if grant.never or left_ms <= 0 or too_long:
            waiting.decide(refused if grant.account else Doubted(DoubtReason.CLOSED))
        waiting.again_ms = now_ms + (POLL_MS if refused.retry_ms is None else refused.retry_ms)

    def _refused(self, hold: Hold, grant: Grant, waited_ms: int) -> Refused:
        assert self._reply is not None
        usage = self._reply.usage[grant.account or hold.amounts[0][0]]
        now_ms = self._reply.time_ms
        return Refused(
            grant=grant,
            usage=usage,
            retry_ms=None if grant.retry_at_ms is None else max(0, grant.retry_at_ms - now_ms),
            free_ms=None if usage.next_free_ms is None else max(0, usage.next_free_ms - now_ms),
            waited_ms=waited_ms,
        )

    def _keep(self, hold: Hold) -> None:
        self._holds[hold.id] = hold
        self._row.hold(hold.amounts)
