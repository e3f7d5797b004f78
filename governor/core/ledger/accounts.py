"""What a ledger keeps of one account: its rule, and its sums over all rows that count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor.core.ledger.messages import Account
from governor.core.ledger.periods import Turns

if TYPE_CHECKING:
    from governor.core.ledger.messages import Unit
    from governor.core.ledger.ring import Ring


@dataclass(slots=True)
class AccountState:
    """One account's rule and its sums."""

    limit: int | None
    ring: Ring
    pending: int = 0
    unit: Unit = "posts"

    @property
    def calendar(self) -> str:
        """The text of the calendar that it counts by, empty for a window."""
        window = self.ring.window
        return window.calendar if isinstance(window, Turns) else ""

    @property
    def rule(self) -> tuple[int, str, str]:
        """Its window, its unit and its calendar: what never changes under a name."""
        return self.ring.window.window_ms, self.unit, self.calendar

    def shown(self, name: str) -> Account:
        """Return its rule as a message shows it."""
        return Account(name, self.limit, *self.rule)

    @property
    def usage(self) -> int:
        """Charged and held posts: what the platform may have counted in the last window."""
        return self.ring.charged + self.pending

    def shortage(self, posts: int) -> int:
        """Return how many posts must free before `posts` more fit; at most 0 when they do."""
        return -posts if self.limit is None else self.usage + posts - self.limit


def stricter(one: int | None, other: int | None) -> int | None:
    """Return the lower of two limits; None is no limit."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
