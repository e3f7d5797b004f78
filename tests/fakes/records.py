"""What is remembered of one exchange that went well; a test says in what its own differs."""

from __future__ import annotations

from typing import Final

from governor.core.record import ExchangeRecord

SETTLED: Final = ExchangeRecord(
    decision_id="0123",
    contract="x",
    job="elections",
    operation="search",
    way="proxy",
    decision="allow",
    reason="",
    outcome="settled",
    asked=100,
    price=300,
    received=120,
    unreadable="",
    charged=120,
    overrun=0,
    usage=120,
    status=200,
    waited_ms=30,
    upstream_ms=400,
    total_ms=434,
    relayed_bytes=9_000,
)
