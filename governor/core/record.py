"""What is remembered of one exchange: one value, to which metrics and the log both listen.

It holds no URL, header, user or text: only names that the configuration and the catalog know, and
numbers. So nothing that a crawler or a platform sent can reach a log or a label through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["allow", "shadow", "refuse", "left"]


@dataclass(frozen=True, slots=True)
class ExchangeRecord:
    """One governed request, after its end.

    `decision`: it was allowed; allowed although shadow mode would have refused it; refused; or its
    crawler left before the answer ended. `reason` says why, from a closed list: limit, job_cap,
    price_above_limit, doubt, operation, expired, severed (cut off for want of ledger or journal),
    slow (a stream's crawler was), unreadable (a stream was), or the Proxy-Status error of a failed
    platform. A stream that was allowed and has one of these was cut.
    `outcome` is how its hold ended, its last one if it had more, or "free" for a free operation.
    `received` is None for what could not be counted. `drift`: how the answer was not as the catalog
    says, in numbers only. `raised`: by how much the operation's price is above the catalog's from
    now on, for each item or, without a ceiling, once; 0 if this answer taught nothing. Durations in
    milliseconds; `upstream_ms` is 0 if nothing was sent.
    """

    decision_id: str
    contract: str
    job: str
    operation: str
    way: str
    decision: Verdict
    reason: str
    outcome: str
    asked: int
    price: int
    received: int | None
    unreadable: str
    charged: int
    overrun: int
    usage: int
    status: int | None
    waited_ms: int
    upstream_ms: int
    total_ms: int
    relayed_bytes: int
    drift: str = ""
    raised: int = 0
