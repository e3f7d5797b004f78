"""How a request's accounts stand, in the words of the answers that crawlers get.

A share without a cap of its own is left out: it says nothing that its limit does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.calendar import Calendar
from governor.core.ledger.messages import SHARE, Usage
from governor.core.refusal import Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.ledger.records import Amounts
    from governor.core.policy import Contract


def standings(
    contract: Contract,
    amounts: Amounts,
    usage: Mapping[str, Usage],
    *,
    ledger_ms: int,
    wall_ms: int,
) -> tuple[Standing, ...]:
    """Return how each capped account of a hold stands.

    `usage` is as of ledger time `ledger_ms`, which was `wall_ms` on the wall clock. An account that
    the ledger has not spoken of yet stands empty.
    """
    limits = {limit.name: limit for limit in contract.limits}
    found = []
    for account, needs in amounts:
        limit = limits[account.partition(SHARE)[0]]
        unheard = Usage(0, 0, None if SHARE in account else limit.most, None)
        stands = usage.get(account, unheard)
        if stands.limit is None:
            continue
        frees_ms = stands.next_free_ms
        found.append(
            Standing(
                name=account,
                most=stands.limit,
                window_ms=limit.window_ms,
                headroom=max(0, stands.limit - stands.charged - stands.pending),
                next_free_ms=None if frees_ms is None else frees_ms - ledger_ms + wall_ms,
                unit=limit.unit,
                calendar=Calendar.parse(limit.calendar).words if limit.calendar else "",
                needs=needs,
            )
        )
    return tuple(found)


def refusing(found: tuple[Standing, ...], account: str) -> Standing:
    """Return the standing of the account that refused, or that of the contract's first limit."""
    return next((standing for standing in found if standing.name == account), found[0])
