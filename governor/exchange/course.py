"""What happened to one request on its way, gathered for its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governor.core.record import Verdict


@dataclass(slots=True)
class Course:
    """What happened to one request, for its record. Instants are monotonic milliseconds."""

    began_ms: int
    decision: Verdict = "allow"
    reason: str = ""
    waited_ms: int = 0
    claimed: bool = False
    sent_ms: int | None = None
    ended_ms: int | None = None
    started: bool = False
    status: int | None = None
    relayed_bytes: int = 0

    def upstream_ms(self, now_ms: int) -> int:
        """Return how long the platform has had the request; 0 if it was never asked."""
        if self.sent_ms is None:
            return 0
        return (now_ms if self.ended_ms is None else self.ended_ms) - self.sent_ms
