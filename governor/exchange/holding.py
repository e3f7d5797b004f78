"""One hold of a request, from its ask to its durable end; an answer that grows has several.

Whatever it is for, it is claimed durably before anything rests on it, and its end is durable before
the ledger is told (invariant 1). These are the only two places where either is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from governor.core.ledger.holds import Event, State
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.core.policy import amounts
from governor.errors import JournalError

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.core.charging import Charge
    from governor.core.ledger.holds import Hold
    from governor.core.ledger.records import Amounts
    from governor.exchange.course import Course

OLDEST_GRANT_MS: Final = (
    5_000  # an older one is given back unused: the ledger may have moved on (I5)
)


@dataclass(slots=True, eq=False)
class Holding:
    """A hold of `posts`. It began to be asked for at those instants of two clocks.

    `spent`: all of it was used, and its settlement is under way.
    """

    hold: Hold
    posts: int
    began_ms: int
    began_boot_ms: int
    claimed: bool = False
    spent: bool = False

    @property
    def is_live(self) -> bool:
        """Whether what is received may rest on it; a claim that is being given back is no more."""
        return not self.spent and self.hold.state in (State.SENT, State.READ)

    def grant_age_ms(self, clock: Clock) -> int:
        """Return how long ago the ledger granted it; a suspend of the machine counts.

        All of it does, from the beginning on: nobody saw whether it was suspended before the grant
        or after.
        """
        now_ms, elapsed_ms = clock.monotonic_ms(), clock.boot_ms() - self.began_boot_ms
        suspended_ms = max(0, elapsed_ms - (now_ms - self.began_ms))
        return now_ms - self.hold.granted_ms + suspended_ms

    def is_old(self, clock: Clock) -> bool:
        """Say whether the grant is too old to be used for the first time."""
        return self.grant_age_ms(clock) > OLDEST_GRANT_MS


async def claim(course: Course, holding: Holding) -> None:
    """Make a claim durable: from here on, a crash charges it in full. Raises JournalError."""
    claimed = Claimed(
        contract=course.contract.name,
        hold=holding.hold.id,
        job=course.job.name,
        operation=course.quote.operation,
        asked=course.quote.asked if holding is course.first else 0,
        price=holding.posts,
        amounts=holding.hold.amounts,
        catalog=course.governed.catalog.sha256,
        at_ms=course.conversation.time_ms,
    )
    holding.claimed = True
    await course.adapters.journal.append(claimed)
    holding.hold.on(Event.CLAIM)


async def end(course: Course, holding: Holding, charge: Charge, *, raised: int = 0) -> None:
    """Charge a hold durably, then tell the ledger. `raised`: the raise that this taught."""
    is_request = holding is course.first  # a top-up is of the same wire request
    posts = amounts(
        course.contract,
        course.job,
        charge.posts,
        requests=charge.requests if is_request else 0,
        costs=course.quote.costs,
    )
    if await _is_durable(course, holding, charge, posts, raised):
        course.conversation.end(holding.hold, posts, lingers=charge.lingers)


async def _is_durable(
    course: Course,
    holding: Holding,
    charge: Charge,
    posts: Amounts,
    raised: int,
) -> bool:
    """Journal the resolution of what was claimed; say whether the ledger may be told.

    If the journal fails, a charge stays pending, which counts for ever; a start charges it.
    What is void may go: nothing was sent, and a start would only charge it for nothing.
    """
    if not holding.claimed:
        return True
    resolved = Resolved(
        contract=course.contract.name,
        hold=holding.hold.id,
        outcome=charge.outcome,
        received=charge.received,
        amounts=posts,
        lingers=charge.lingers,
        at_ms=course.conversation.time_ms,
        raised=raised,
    )
    try:
        await course.adapters.journal.append(resolved)
    except JournalError:
        return charge.outcome is Outcome.VOID
    return True
