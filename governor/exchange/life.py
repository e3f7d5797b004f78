"""The life of one governed request, straight through, and the only place that says what is next.

    classify -> price -> reserve -> journal the claim -> upstream -> count while relaying
             -> settle | void | orphan -> journal -> record

Whatever ends it - the answer's last byte, a refusal, a crawler that leaves, a platform that breaks
off, a cancellation at any await - ends in `resolve`, which charges what the hold's state makes us
believe and runs to its end whatever happens to the request's own task.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from governor.exchange.admission import admit, claim
from governor.exchange.answering import refuse, sever
from governor.exchange.course import Course
from governor.exchange.forwarding import forward
from governor.exchange.parts import Adapters
from governor.exchange.pricing import price
from governor.exchange.resolving import resolve
from governor.tasks import Interrupted, unless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from governor.clock import Clock
    from governor.core.policy import Job
    from governor.core.record import ExchangeRecord
    from governor.core.refusal import Cause
    from governor.exchange.parts import Downstream, Governed, Journal, Request, Upstream
    from governor.tasks import Tasks


class Exchange:
    """Every governed request passes through `run`, once."""

    def __init__(
        self,
        governed: tuple[Governed, ...],
        jobs: Mapping[str, Job],
        *,
        upstream: Upstream,
        journal: Journal,
        clock: Clock,
        tasks: Tasks,
        record: Callable[[ExchangeRecord], None],
    ) -> None:
        self._governed, self._jobs = governed, jobs
        self._adapters = Adapters(upstream, journal, clock, record, tasks)
        self._tasks = tasks

    def governs(self, host: str) -> bool:
        """Say whether a host's requests are to be given to `run`."""
        return any(governed.catalog.governs(host) for governed in self._governed)

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Live one request, from its classification to its record.

        On return the crawler has its answer, or has left, or its answer was cut; and what it cost
        is durable and told. Cancelled, it still resolves: that part is a task of its own.
        """
        governed = next(each for each in self._governed if each.catalog.governs(request.host))
        job = self._jobs[request.job]
        course = Course.begin(request, downstream, governed, job, self._adapters)
        try:
            await self._live(course)
        finally:
            await asyncio.shield(self._tasks.start(resolve(course), f"resolve {course.id}"))

    async def _live(self, course: Course) -> None:
        """Take the request as far as it goes, and no further once its crawler has left."""
        try:
            cause = await unless(course.downstream.gone(), _pass(course))
        except (Interrupted, ConnectionError):
            course.decision = "left"
            return
        if cause is not None:
            await refuse(course, cause)


async def _pass(course: Course) -> Cause | None:
    """Let it pass, or return why it is refused.

    Nothing that holds posts goes on without the ledger and the journal: what others do meanwhile
    may rest on our death (invariant 5), for an operator may have retired us.
    """
    await price(course)
    if (cause := await admit(course)) is not None:
        return cause
    if not course.is_enforced:
        return await _send(course)
    try:
        return await unless(course.conversation.severed(), _send(course))
    except Interrupted:
        await sever(course)
        return None


async def _send(course: Course) -> Cause | None:
    return await claim(course) or await forward(course)
