"""One request on its way: what it asks, what is held for it, and what has happened to it so far.

The steps of an exchange hand it on to each other; it decides nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from governor.core.ledger.holds import Hold
from governor.core.policy import amounts, strictest
from governor.core.standing import standings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from governor.conversation import Conversation
    from governor.core.catalog import Quote
    from governor.core.counting import Counter
    from governor.core.policy import Contract, Job
    from governor.core.record import Verdict
    from governor.core.refusal import Standing
    from governor.exchange.parts import Adapters, Downstream, Governed, Request


@dataclass(slots=True, eq=False)
class Course:
    """See the module's first line. Instants are monotonic milliseconds, but `began_boot_ms`.

    `id` names the request in the journal, in its refusal and in the log.
    """

    id: str
    request: Request
    downstream: Downstream
    governed: Governed
    job: Job
    adapters: Adapters
    quote: Quote
    hold: Hold
    began_ms: int
    began_boot_ms: int
    decision: Verdict = "allow"
    reason: str = ""
    account: str = ""  # the one that refused it
    waited_ms: int = 0
    claimed: bool = False
    body: AsyncIterator[bytes] | None = None
    sent_ms: int | None = None
    ended_ms: int | None = None
    started: bool = False
    status: int | None = None
    relayed_bytes: int = 0
    counter: Counter | None = None

    @classmethod
    def begin(
        cls,
        request: Request,
        downstream: Downstream,
        governed: Governed,
        job: Job,
        adapters: Adapters,
    ) -> Self:
        """Mint the id, classify and price: all before the first await."""
        minted = secrets.token_hex(12)
        quote = governed.catalog.quote(request.method, request.host, request.target)
        return cls(
            id=minted,
            request=request,
            downstream=downstream,
            governed=governed,
            job=job,
            adapters=adapters,
            quote=quote,
            hold=Hold(minted, amounts(governed.contract, job, quote.price)),
            began_ms=adapters.clock.monotonic_ms(),
            began_boot_ms=adapters.clock.boot_ms(),
        )

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

    def standings(self) -> tuple[Standing, ...]:
        """Return how each account of this request stands, as of the ledger's last reply."""
        return standings(
            self.contract,
            self.hold.amounts,
            self.conversation.snapshot().usage,
            ledger_ms=self.conversation.time_ms,
            wall_ms=self.adapters.clock.wall_ms(),
        )

    def grant_age_ms(self) -> int:
        """Return how long ago the ledger granted the hold; a suspend of the machine counts.

        All of it does, from the request's beginning on: nobody saw whether it was suspended before
        the grant or after.
        """
        clock = self.adapters.clock
        now_ms, elapsed_ms = clock.monotonic_ms(), clock.boot_ms() - self.began_boot_ms
        suspended_ms = max(0, elapsed_ms - (now_ms - self.began_ms))
        return now_ms - self.hold.granted_ms + suspended_ms

    def upstream_ms(self, now_ms: int) -> int:
        """Return how long the platform has had the request; 0 if it was never asked."""
        if self.sent_ms is None:
            return 0
        return (now_ms if self.ended_ms is None else self.ended_ms) - self.sent_ms
