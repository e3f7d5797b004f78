"""What one exchange is charged, from how it ended and what was counted (design, section 2).

The rule behind every line: never give back what cannot be proven undelivered.

    ended                                  charged
    nothing written upstream               0 (void)
    read to its end and counted            asked or ids, or received where that is higher
    ... a 4xx without a post               0, unless errors = "charge"
    ... an operation the catalog lacks     at least 200: the largest page X serves by default
    ... one that it calls free             0, or what was received: then the catalog was wrong
    anything else                          the full price, or what was seen where that is higher

A count that cannot be believed (no post where there always were some) is anything else.

A limit on requests counts 1 for each that was sent, however it ended and whatever it cost in posts.
An answer that outgrew its first hold has several. Its price is then what they hold together, and
`shared` says what each is charged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from governor.core.counting import Counted, Unreadable
from governor.core.ledger.holds import State
from governor.core.ledger.records import Outcome

if TYPE_CHECKING:
    from governor.core.catalog import Quote
    from governor.core.ledger.holds import Hold
    from governor.core.policy import Contract

UNKNOWN_FLOOR = 200  # X's largest page by default is 200 (v1.1 timelines)
CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True)
class Charge:
    """How a hold ends. `received` is None where the answer could not be counted.

    `requests` is 1 if anything of it may have been sent.
    `overrun` is how far the charge passes the price: a mistake of the catalog, never clipped.
    """

    outcome: Outcome
    posts: int
    received: int | None
    lingers: bool
    overrun: int
    requests: int = 1


def charge(
    contract: Contract,
    quote: Quote,
    hold: Hold,
    *,
    status: int | None,
    count: Counted | Unreadable | None,
    believed: bool = True,
) -> Charge:
    """Return what a hold is charged as it stands; `status` and `count` as far as they are known.

    `believed` is False for a count that is taken for wrong: too low.
    """
    if hold.believed is Outcome.VOID:
        return Charge(Outcome.VOID, 0, None, lingers=False, overrun=0, requests=0)
    if hold.state is State.READ and isinstance(count, Counted) and believed:
        posts = settled(contract, quote, status=status, received=count.posts)
        overrun = max(0, posts - quote.price)
        return Charge(Outcome.SETTLED, posts, count.posts, lingers=False, overrun=overrun)
    posts = max(quote.price, seen(count))
    lingers = hold.state is not State.READ
    return Charge(Outcome.ORPHANED, posts, None, lingers=lingers, overrun=posts - quote.price)


def shared(whole: Charge, held: tuple[int, ...]) -> tuple[Charge, ...]:
    """Return what each hold of one request is charged, of what all of it is; the first holds first.

    The last takes what is more than all of them hold.
    """
    charges: list[Charge] = []
    posts, received = whole.posts, whole.received or 0
    for place, room in enumerate(held, 1):
        is_last = place == len(held)
        mine = Charge(
            whole.outcome,
            posts if is_last else min(posts, room),
            received if is_last else min(received, room),
            lingers=whole.lingers,
            overrun=whole.overrun if is_last else 0,
            requests=whole.requests,
        )
        posts, received = posts - mine.posts, received - (mine.received or 0)
        charges.append(mine if whole.received is not None else replace(mine, received=None))
    return tuple(charges)


def settled(contract: Contract, quote: Quote, *, status: int | None, received: int) -> int:
    """Return the charge for an answer that was read to its end and in which `received` were."""
    if status in CLIENT_ERRORS and received == 0 and contract.errors == "free":
        return 0
    if quote.kind == "unknown":
        return max(received, UNKNOWN_FLOOR)
    named = quote.asked if contract.basis == "asked" else quote.ids
    return max(named, received)


def seen(count: Counted | Unreadable | None) -> int:
    """Return how many posts were surely, or may have been, in what was received."""
    match count:
        case Counted():
            return count.posts
        case Unreadable():
            return count.at_least
        case None:
            return 0
