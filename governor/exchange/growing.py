"""More is held for an answer that flows past what was held for it.

A top-up is a grant of its own, with an id and a claim of its own (invariant 9): granted, durable,
and not older than a first hold may be, before anything rests on it (invariants 1 and 5). It is no
wire request of its own, so it takes nothing from limits in other units than posts.

An answer that ends is followed: its top-ups are asked for while it is relayed, and when one is
refused it is read to its end all the same, for the platform has served it. A stream is led: more
is held before more of it is read, and where that is refused it must be cut. Its holds are settled
as they are used up, each when its last post was read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from governor.core import refusal
from governor.core.charging import Charge
from governor.core.leading import PAUSE_MS
from governor.core.ledger.decisions import Doubted, Granted
from governor.core.ledger.holds import Event
from governor.core.ledger.messages import DoubtReason
from governor.core.ledger.records import Outcome
from governor.errors import JournalError
from governor.exchange import holding
from governor.exchange.admission import unheld
from governor.tasks import Interrupted, unless

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from governor.exchange.course import Course
    from governor.exchange.holding import Holding

Asking = asyncio.Task[refusal.Cause | None]

UNUSED: Final = Charge(Outcome.VOID, 0, None, lingers=False, overrun=0, requests=0)


class Growth:
    """The top-ups of one course. Give it up with `close` before what is left is resolved."""

    def __init__(self, course: Course) -> None:
        self._course = course
        self._asking: Asking | None = None
        self._settling: set[asyncio.Task[None]] = set()
        self._settled = 0  # posts of holds that are used up
        self._looks_ahead = True

    @property
    def held(self) -> int:
        """Posts that are held and not settled."""
        return sum(each.posts for each in self._course.live)

    @property
    def unused(self) -> int:
        """Posts of a stream that are held and were not read yet."""
        return self.held + self._settled - (self._course.seen or 0)

    def follow(self, at_most: int) -> None:
        """Ask for more if an answer that may hold `at_most` by now comes near what is held.

        Once refused, it is not asked again: whatever is too much is recorded as overrun.
        """
        if self._asking is not None and (not self._asking.done() or self._asking.result()):
            return
        if 4 * at_most > 3 * self.held:
            self._ask_ahead(max(self._course.first.posts, at_most - self.held))

    async def lead(self, posts: int, *, batch: int) -> refusal.Cause | None:
        """Return once `posts` are held and unused, or say why they cannot be.

        A batch more is asked for ahead, so that a stream seldom waits. It waits no longer than the
        lead allows for, however long the ledger and the journal take.
        """
        if self._asking is not None and self._asking.done():
            self._looks_ahead = self._take(self._asking) is None
        if self._looks_ahead and self._asking is None and self.unused < posts + batch // 2:
            self._ask_ahead(batch)
        if self.unused >= posts:
            return None
        try:
            return await unless(self._course.adapters.clock.sleep_ms(PAUSE_MS), self._insist(posts))
        except Interrupted:
            self._course.reason = "doubt"
            return refusal.InDoubt(DoubtReason.UNREACHABLE.value)

    def use(self, posts: int) -> None:
        """Note that so many posts of a stream were read, and settle the holds that are used up.

        The newest stays open: it is charged when the stream ends, with whatever is too much.
        """
        course = self._course
        course.seen = (course.seen or 0) + posts
        live = course.live
        for oldest in live[:-1]:
            if course.seen - self._settled < oldest.posts:
                break
            self._settled += oldest.posts
            oldest.hold.on(Event.READ)
            oldest.spent = True
            task = course.adapters.tasks.start(self._settle(oldest), f"settle {oldest.hold.id}")
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

    @property
    def settled(self) -> int:
        """Posts of a stream in holds that were used up."""
        return self._settled

    async def close(self) -> None:
        """Ask for nothing more, and let what is being settled be durable."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
        await asyncio.gather(*self._settling)

    async def _insist(self, posts: int) -> refusal.Cause | None:
        """Hold what is missing, waiting for it as long as the job may and the lead allows."""
        if self._asking is not None:
            await asyncio.wait((self._asking,))
            self._take(self._asking)
        while (missing := posts - self.unused) > 0:
            self._looks_ahead = True
            asking = self._start(top_up(self._course, missing, patience_ms=self._patience_ms()))
            await asyncio.wait((asking,))
            if (cause := self._take(asking)) is not None:
                return cause
        return None

    def _patience_ms(self) -> int:
        """Return how long to wait for room: not at all where nothing but its own holds has any.

        Else half of what the lead allows for: then there is time to cut.
        """
        usage = self._course.conversation.snapshot().usage
        accounts = [usage[account] for account, _ in self._course.hold.amounts if account in usage]
        if all(each.charged + each.pending <= self.held for each in accounts):
            return 0
        return min(self._course.patience_ms, PAUSE_MS // 2)

    def _ask_ahead(self, posts: int) -> None:
        self._start(self._ahead(posts))

    async def _ahead(self, posts: int) -> refusal.Cause | None:
        """Hold more before it is needed: a refusal means nothing yet, but in shadow mode."""
        course = self._course
        before = course.reason, course.account
        cause = await top_up(course, posts, patience_ms=0)
        if cause is not None:
            course.reason, course.account = before
        return cause

    def _start(self, asks: Coroutine[Any, Any, refusal.Cause | None]) -> Asking:
        self._asking = self._course.adapters.tasks.start(asks, f"top up {self._course.id}")
        return self._asking

    def _take(self, asking: Asking) -> refusal.Cause | None:
        self._asking = None
        return asking.result()

    async def _settle(self, used_up: Holding) -> None:
        posts = used_up.posts
        charge = Charge(Outcome.SETTLED, posts, posts, lingers=False, overrun=0)
        await holding.end(self._course, used_up, charge)
        self._course.holdings.remove(used_up)


async def top_up(course: Course, posts: int, *, patience_ms: int) -> refusal.Cause | None:
    """Hold so many posts more for an answer that is flowing, or say why not.

    On None they may be received. Shadow mode notes a cause and goes on.
    """
    more = course.top_up(posts)
    cause = await _held(course, more, patience_ms)
    if cause is not None:
        await holding.end(course, more, UNUSED)
        course.holdings.remove(more)
        return cause
    more.hold.on(Event.SEND)
    return None


async def _held(course: Course, more: Holding, patience_ms: int) -> refusal.Cause | None:
    decision = await course.conversation.reserve(more.hold, patience_ms=patience_ms, flowing=True)
    if not isinstance(decision, Granted):
        cause = unheld(course, decision)
        if course.is_enforced or decision == Doubted(DoubtReason.JOURNAL):
            return cause
        course.decision = "shadow"
        course.conversation.take(more.hold)
    try:
        await holding.claim(course, more)
    except JournalError:
        return unheld(course, Doubted(DoubtReason.JOURNAL))
    if course.is_enforced and more.is_old(course.adapters.clock):
        return unheld(course, Doubted(DoubtReason.UNREACHABLE))
    return None
