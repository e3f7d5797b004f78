"""The life of one governed request, straight through, and the only place that says what is next.

    classify -> price -> reserve -> journal the claim -> upstream -> count while relaying
             -> settle | void | orphan -> journal -> record

Read `Life` from `live` down. Whatever ends it - the answer's last byte, a refusal, a crawler that
leaves, a platform that breaks off, a cancellation at any await - ends in `resolve`, which charges
what the hold's state makes us believe (core/ledger/holds.py) and runs to its end whatever happens
to the request's own task.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import secrets
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from governor.core import refusal
from governor.core.charging import Charge, charge
from governor.core.coding import countable
from governor.core.counting import Counted, Counter, Unreadable
from governor.core.ledger.decisions import Decision, Doubted, Granted, Refused
from governor.core.ledger.holds import Event, Hold, State
from governor.core.ledger.messages import SHARE, DoubtReason
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.core.policy import amounts
from governor.core.record import ExchangeRecord
from governor.core.standing import refusing, standings
from governor.errors import JournalError, UpstreamError
from governor.exchange.course import Course
from governor.tasks import Interrupted, Tasks, unless

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from governor.clock import Clock
    from governor.conversation import Conversation
    from governor.core.catalog import Catalog, Quote
    from governor.core.ledger.records import Amounts
    from governor.core.policy import Contract, Job
    from governor.exchange.parts import Answer, Downstream, Headers, Journal, Request, Upstream

OLDEST_GRANT_MS = 5_000  # an older one is given back unused: the ledger may have moved on (I5)
IN_A_THREAD_BYTES = 512 * 1_024  # decoding more holds up every other exchange for milliseconds


@dataclass(frozen=True, slots=True)
class Governed:
    """One contract with its catalog and its talk with the ledger."""

    contract: Contract
    catalog: Catalog
    conversation: Conversation


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
        self.upstream: Final = upstream
        self.journal: Final = journal
        self.clock: Final = clock
        self.record: Final = record
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
        life = Life(request, downstream, governed, self._jobs[request.job], self)
        try:
            await life.live()
        finally:
            await asyncio.shield(self._tasks.start(life.resolve(), f"resolve {life.id}"))


class Life:
    """One request on its way. `id` is minted before the first await; the hold bears it too."""

    def __init__(
        self,
        request: Request,
        downstream: Downstream,
        governed: Governed,
        job: Job,
        parts: Exchange,
    ) -> None:
        self.id: Final = secrets.token_hex(12)
        self._request, self._downstream, self._job = request, downstream, job
        self._governed, self._contract = governed, governed.contract
        self._conversation = governed.conversation
        self._parts, self._clock = parts, parts.clock
        self._quote: Final[Quote] = governed.catalog.quote(
            request.method, request.host, request.target
        )
        self._hold = Hold(self.id, amounts(self._contract, job, self._quote.price))
        self._account = ""  # the one that refused it
        self._counter: Counter | None = None
        self._course = Course(began_ms=self._clock.monotonic_ms())

    async def live(self) -> None:
        """Take the request as far as it goes."""
        cause = await self._admit()
        if cause is not None:
            await self._refuse(cause)
        elif self._course.decision != "left":
            await self._forward()

    async def _admit(self) -> refusal.Cause | None:
        """Hold what the answer may cost and make that claim durable, or say why not."""
        enforced = self._contract.mode == "enforce"
        if (cause := self._rule()) is not None:
            if enforced:
                return cause
            self._course.decision = "shadow"
        if self._quote.kind == "free":
            return None
        try:
            decision = await unless(self._downstream.gone(), self._reserve())
        except Interrupted:
            self._course.decision = "left"
            return None
        if not isinstance(decision, Granted):
            cause = self._cause(decision)
            if enforced or decision == Doubted(DoubtReason.JOURNAL):
                return cause
            self._course.decision = "shadow"
            self._conversation.take(self._hold)
        return await self._claim()

    def _rule(self) -> refusal.Cause | None:
        """Return why this request is not sent whatever the usage."""
        job, quote, contract = self._job, self._quote, self._contract
        if job.until_ms is not None and self._clock.wall_ms() >= job.until_ms:
            self._course.reason = "expired"
            return refusal.Expired(job.name, job.until_ms)
        if job.contract not in (None, contract.name):
            self._course.reason = "operation"
            return refusal.NotServed(quote.operation, f"job {job.name} is for {job.contract}")
        if quote.kind == "refused":
            self._course.reason = "operation"
            return refusal.NotServed(quote.operation, quote.reason)
        if quote.kind == "unknown" and contract.unknown == "refuse":
            self._course.reason = "operation"
            return refusal.NotServed(quote.operation, "the catalog does not know it")
        return None

    async def _reserve(self) -> Decision:
        """Ask the ledger, and wait in line as long as the job may."""
        patience_ms = self._job.max_wait_ms
        if patience_ms is None:
            patience_ms = self._contract.max_wait_ms
        decision = await self._conversation.reserve(self._hold, patience_ms=patience_ms)
        if not isinstance(decision, Doubted):
            self._course.waited_ms = decision.waited_ms
        return decision

    def _cause(self, decision: Refused | Doubted) -> refusal.Cause:
        match decision:
            case Doubted(reason):
                self._course.reason = "doubt"
                return refusal.InDoubt(reason.value)
            case Refused() if decision.grant.never:
                self._account = decision.grant.account
                self._course.reason = "price_above_limit"
                return refusal.AboveLimit()
            case Refused():
                self._account = decision.grant.account
                self._course.reason = "job_cap" if SHARE in decision.grant.account else "limit"
                return refusal.Spent(decision.retry_ms)

    async def _claim(self) -> refusal.Cause | None:
        """Make the claim durable: from here on, a crash charges it in full (invariant 1)."""
        claim = Claimed(
            contract=self._contract.name,
            hold=self.id,
            job=self._job.name,
            operation=self._quote.operation,
            asked=self._quote.asked,
            price=self._quote.price,
            amounts=self._hold.amounts,
            catalog=self._governed.catalog.sha256,
            at_ms=self._conversation.time_ms,
        )
        self._course.claimed = True
        try:
            await self._parts.journal.append(claim)
        except JournalError:
            return self._cause(Doubted(DoubtReason.JOURNAL))
        self._hold.on(Event.CLAIM)
        if self._clock.monotonic_ms() - self._hold.granted_ms > OLDEST_GRANT_MS:
            return self._cause(Doubted(DoubtReason.UNREACHABLE))
        return None

    async def _forward(self) -> None:
        """Send it, once, and relay the answer; leave when the crawler does."""
        self._course.sent_ms = self._clock.monotonic_ms()
        try:
            await unless(self._downstream.gone(), self._relay())
        except (Interrupted, ConnectionError):
            self._course.decision = "left"
        except UpstreamError as error:
            if error.sent:
                self._sending()
            elif self._hold.state is State.SENT:
                self._hold.on(Event.UNSENT)
            await self._report(error)
        self._course.ended_ms = self._clock.monotonic_ms()

    async def _relay(self) -> None:
        request = replace(self._request, headers=countable(self._request.headers))
        body = self._downstream.body() if request.has_body else None
        async with self._parts.upstream.ask(request, body, self._sending) as answer:
            self._sending()  # whoever answers was asked
            self._course.status = answer.status
            self._counter = self._counter_for(answer)
            await self._downstream.start(
                answer.status, answer.reason, (*answer.headers, *self._passing())
            )
            self._course.started = True
            async with aclosing(answer.chunks()) as chunks:
                async for chunk in chunks:
                    self._counter.feed(chunk)
                    self._check_end(self._counter)
                    self._course.relayed_bytes += len(chunk)
                    await self._downstream.write(chunk)
            if self._hold.state is State.SENT:
                self._hold.on(Event.READ)
        await self._downstream.finish()

    def _sending(self) -> None:
        """Note that from now on the platform may count it: a connection is there to write to."""
        if self._hold.state is State.CLAIMED:
            self._hold.on(Event.SEND)

    def _check_end(self, counter: Counter) -> None:
        """Cut the answer of an unknown operation once it may hold more than was held for it.

        The catalog cannot say that it ever ends. A known one has a true ceiling and is read to its
        end even past it: the platform has served it.
        """
        if self._quote.kind == "unknown" and counter.at_most > self._quote.price:
            raise UpstreamError(
                f"{self._quote.price} posts were held for an operation that the catalog does not "
                "know, and its answer holds more",
                sent=True,
                status=502,
                kind="http_response_body_size",
            )

    def _counter_for(self, answer: Answer) -> Counter:
        fields = {name.lower(): value for name, value in answer.headers}
        return Counter(
            fields.get("content-encoding", ""), fields.get("content-type", ""), self._quote.walkers
        )

    async def _report(self, error: UpstreamError) -> None:
        """Tell the crawler that the platform failed, or let it see the answer cut off."""
        self._course.reason = error.kind
        if self._course.started:
            return
        title = http.HTTPStatus(error.status).phrase
        await self._answer(refusal.problem(error.status, title, str(error), error.kind))

    async def _refuse(self, cause: refusal.Cause) -> None:
        self._course.decision = "refuse"
        now_ms = self._clock.wall_ms()
        request = refusal.Request(
            contract=self._contract.name,
            asked=self._quote.asked,
            price=self._quote.price,
            decision_id=self.id,
            now_ms=now_ms,
            jitter_s=int(self.id, 16) % (_most_jitter_s(cause) + 1),
        )
        await self._answer(
            refusal.refuse(cause, request, refusing(self._standings(), self._account))
        )

    async def _answer(self, notice: refusal.Notice) -> None:
        """Send an answer of our own; a crawler that left does not need it."""
        self._course.status = notice.status
        with contextlib.suppress(ConnectionError):
            await self._downstream.start(notice.status, notice.reason, notice.headers)
            await self._downstream.write(notice.body)
            await self._downstream.finish()

    def _standings(self) -> tuple[refusal.Standing, ...]:
        """Return how each account of this request stands, as of the ledger's last reply."""
        return standings(
            self._contract,
            self._hold.amounts,
            self._conversation.snapshot().usage,
            ledger_ms=self._conversation.time_ms,
            wall_ms=self._clock.wall_ms(),
        )

    def _passing(self) -> Headers:
        return refusal.passing_headers(self._standings(), self._clock.wall_ms())

    async def resolve(self) -> None:
        """End the hold: charge it durably, tell the ledger, and record what happened. Once."""
        count = await self._count()
        ended = charge(
            self._contract, self._quote, self._hold, status=self._course.status, count=count
        )
        posts = amounts(self._contract, self._job, ended.posts)
        if await self._is_durable(ended, posts):
            self._conversation.end(self._hold, posts, lingers=ended.lingers)
        self._parts.record(self._recorded(ended, count))

    async def _count(self) -> Counted | Unreadable | None:
        """Count what was relayed; a large answer in a thread, so that no other exchange waits."""
        if self._counter is None:
            return None
        if self._counter.decoded_bytes > IN_A_THREAD_BYTES:
            return await asyncio.to_thread(self._counter.finish)
        return self._counter.finish()

    async def _is_durable(self, ended: Charge, posts: Amounts) -> bool:
        """Journal the resolution of what was claimed; say whether the ledger may be told.

        If the journal fails, a charge stays pending, which counts for ever; a start charges it.
        What is void may go: nothing was sent, and a start would only charge it for nothing.
        """
        if not self._course.claimed:
            return True
        resolved = Resolved(
            contract=self._contract.name,
            hold=self.id,
            outcome=ended.outcome,
            received=ended.received,
            amounts=posts,
            lingers=ended.lingers,
            at_ms=self._conversation.time_ms,
        )
        try:
            await self._parts.journal.append(resolved)
        except JournalError:
            return ended.outcome is Outcome.VOID
        return True

    def _recorded(self, ended: Charge, count: Counted | Unreadable | None) -> ExchangeRecord:
        course, quote = self._course, self._quote
        now_ms = self._clock.monotonic_ms()
        usage = self._conversation.snapshot().usage.get(self._contract.limits[0].name)
        return ExchangeRecord(
            decision_id=self.id,
            contract=self._contract.name,
            job=self._job.name,
            operation=quote.operation,
            way=self._request.way,
            decision=course.decision,
            reason=course.reason,
            outcome="free" if quote.kind == "free" else ended.outcome.value,
            asked=quote.asked,
            price=quote.price,
            received=ended.received,
            unreadable=count.reason if isinstance(count, Unreadable) else "",
            charged=ended.posts,
            overrun=ended.overrun,
            usage=usage.charged + usage.pending if usage else 0,
            status=course.status,
            waited_ms=course.waited_ms,
            upstream_ms=course.upstream_ms(now_ms),
            total_ms=now_ms - course.began_ms,
            relayed_bytes=course.relayed_bytes,
        )


def _most_jitter_s(cause: refusal.Cause) -> int:
    """Return how far the wake-ups of sleepers may be spread: by a tenth of what they wait."""
    if isinstance(cause, refusal.Spent) and cause.retry_after_ms is not None:
        return min(refusal.MOST_JITTER_S, cause.retry_after_ms // 10_000)
    return refusal.MOST_JITTER_S
