"""One request on its way: what it asks, what is held for it, and what has happened to it so far.

The steps of an exchange hand it on to each other; it decides nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from governor.core.catalog import Body
from governor.core.ledger.holds import Hold
from governor.core.ledger.records import TOP_UP
from governor.core.policy import amounts, strictest
from governor.core.standing import standings
from governor.exchange.holding import Holding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.conversation import Conversation
    from governor.core.catalog import Quote
    from governor.core.counting import Counter
    from governor.core.policy import Contract, Job
    from governor.core.record import Verdict
    from governor.core.refusal import Standing
    from governor.exchange.growing import Growth
    from governor.exchange.parts import Adapters, Downstream, Governed, Request


@dataclass(slots=True, eq=False)
class Course:
    """See the module's first line. Instants are monotonic milliseconds, but `began_boot_ms`.

    `id` names the request in the journal, in its refusal and in the log. `listed` is the catalog's
    quote; `quote` is priced as it is held: raised, or the lead of a stream. `first` is the hold of
    the wire request itself, `holdings` all that may not have ended yet, oldest first. `seen` are
    the posts of a stream so far, None for an answer that ends.
    """

    id: str
    request: Request
    downstream: Downstream
    governed: Governed
    job: Job
    adapters: Adapters
    listed: Quote
    quote: Quote
    began_ms: int
    began_boot_ms: int
    decision: Verdict = "allow"
    reason: str = ""
    account: str = ""  # the one that refused it
    waited_ms: int = 0
    body: AsyncIterator[bytes] | None = None
    sent_ms: int | None = None
    ended_ms: int | None = None
    started: bool = False
    status: int | None = None
    relayed_bytes: int = 0
    counter: Counter | None = None
    growth: Growth | None = None
    seen: int | None = None
    drift: str = ""
    first: Holding = field(init=False)
    holdings: list[Holding] = field(init=False)
    top_ups: int = 0

    @classmethod
    def begin(
        cls,
        request: Request,
        downstream: Downstream,
        governed: Governed,
        job: Job,
        adapters: Adapters,
    ) -> Self:
        """Mint the id, classify and price by the request's head: all before the first await."""
        unread = None if request.has_body else Body("", b"")
        listed = governed.catalog.quote(request.method, request.host, request.target, unread)
        course = cls(
            id=secrets.token_hex(12),
            request=request,
            downstream=downstream,
            governed=governed,
            job=job,
            adapters=adapters,
            listed=listed,
            quote=listed,
            began_ms=adapters.clock.monotonic_ms(),
            began_boot_ms=adapters.clock.boot_ms(),
        )
        course.price(listed, listed)
        return course

    def price(self, listed: Quote, quote: Quote) -> None:
        """Take another quote for it; nothing is held or asked for yet."""
        self.listed, self.quote = listed, quote
        held = Hold(self.id, self._amounts(quote.price))
        self.first = Holding(held, quote.price, self.began_ms, self.began_boot_ms)
        self.holdings = [self.first]

    def top_up(self, posts: int) -> Holding:
        """Return one more hold for it, still to be asked for. It is no request of its own."""
        clock = self.adapters.clock
        self.top_ups += 1
        held = Hold(f"{self.id}{TOP_UP}{self.top_ups}", self._amounts(posts, requests=0))
        self.holdings.append(Holding(held, posts, clock.monotonic_ms(), clock.boot_ms()))
        return self.holdings[-1]

    def _amounts(self, posts: int, requests: int = 1) -> tuple[tuple[str, int], ...]:
        costs = self.quote.costs
        return amounts(self.contract, self.job, posts, requests=requests, costs=costs)

    @property
    def hold(self) -> Hold:
        """The first hold as the ledger knows it."""
        return self.first.hold

    @property
    def live(self) -> list[Holding]:
        """The holds that are claimed and not used up, oldest first."""
        return [holding for holding in self.holdings if holding.is_live]

    @property
    def contract(self) -> Contract:
        """The contract as it is configured here."""
        return self.governed.contract

    @property
    def terms(self) -> Contract:
        """The contract as it binds now: the stricter of ours and the ledger's (invariant 10)."""
        return strictest(self.contract, self.conversation.leniency)

    @property
    def conversation(self) -> Conversation:
        """The talk with the ledger of this contract."""
        return self.governed.conversation

    @property
    def is_enforced(self) -> bool:
        """Whether this request may be stopped: it has a hold, and is not let pass in the shadow."""
        return self.quote.kind != "free" and self.terms.mode == "enforce"

    @property
    def patience_ms(self) -> int:
        """How long it may wait for a hold."""
        own_ms = self.job.max_wait_ms
        return self.contract.max_wait_ms if own_ms is None else own_ms

    def standings(self) -> tuple[Standing, ...]:
        """Return how each account of this request stands, as of the ledger's last reply."""
        return standings(
            self.contract,
            self.hold.amounts,
            self.conversation.snapshot().usage,
            ledger_ms=self.conversation.time_ms,
            wall_ms=self.adapters.clock.wall_ms(),
        )

    def upstream_ms(self, now_ms: int) -> int:
        """Return how long the platform has had the request; 0 if it was never asked."""
        if self.sent_ms is None:
            return 0
        return (now_ms if self.ended_ms is None else self.ended_ms) - self.sent_ms
