"""A member's own row: what it holds and was charged, what of that the ledger was told.

The row is told in absolute values, so "what must be told" is simply what differs from the last
acknowledged value. What a message said that was never answered is in doubt, and told in any case.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from governor.core.ledger.messages import RowValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.core.ledger.records import Amounts

NOTHING = RowValue()


class Row:
    """One member's row of one contract, by account. `totals` is all it was ever charged."""

    __slots__ = ("_acknowledged", "_doubtful", "_stamped", "_values")

    def __init__(self, *, totals: Mapping[str, RowValue], spread: Mapping[str, RowValue]) -> None:
        self._values = dict(totals)
        self._acknowledged: dict[str, RowValue] = {}
        self._doubtful: set[str] = set()
        self._stamped = dict(spread)

    def hold(self, amounts: Amounts) -> None:
        """Add to what is pending."""
        for account, posts in amounts:
            value = self._values.get(account, NOTHING)
            self._values[account] = replace(value, pending=value.pending + posts)

    def release(self, amounts: Amounts) -> None:
        """Take from what is pending; the hold has ended."""
        for account, posts in amounts:
            value = self._values[account]
            assert value.pending >= posts, f"{account} releases {posts} of {value.pending} held"
            self._values[account] = replace(value, pending=value.pending - posts)

    def charge(self, amounts: Amounts, *, lingers: bool) -> None:
        """Add to what was ever charged, counted from now or (lingering) a little later."""
        for account, posts in amounts:
            self._values[account] = grown(self._values.get(account, NOTHING), posts, lingers)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is pending."""
        return not any(value.pending for value in self._values.values())

    def values(self) -> dict[str, RowValue]:
        """Return the whole row."""
        return dict(self._values)

    def untold(self) -> dict[str, RowValue]:
        """Return the values that the ledger has not acknowledged as they stand."""
        return {
            account: value
            for account, value in self._values.items()
            if account in self._doubtful or self._acknowledged.get(account, NOTHING) != value
        }

    def doubt(self, accounts: Iterable[str]) -> None:
        """Note that the ledger may have been told otherwise of these, or granted something."""
        for account in accounts:
            self._doubtful.add(account)
            self._values.setdefault(account, NOTHING)

    def acknowledge(self, values: Mapping[str, RowValue]) -> tuple[tuple[str, RowValue], ...]:
        """Note that the ledger took `values`; return those whose growth it stamped just now."""
        self._acknowledged.update(values)
        self._doubtful.difference_update(values)
        grew = {
            account: replace(value, pending=0)
            for account, value in values.items()
            if replace(value, pending=0) != self._stamped.get(account, NOTHING)
        }
        self._stamped.update(grew)
        return tuple(grew.items())

    def granted(self, amounts: Amounts) -> None:
        """Note that the ledger added a grant to what it holds of ours."""
        for account, posts in amounts:
            value = self._acknowledged.get(account, NOTHING)
            self._acknowledged[account] = replace(value, pending=value.pending + posts)
            self._values.setdefault(account, NOTHING)


def grown(value: RowValue, posts: int, lingers: bool) -> RowValue:  # noqa: FBT001  # the one flag
    """Return a row's value after a charge, stamped now or (lingering) a little later."""
    if lingers:
        return replace(value, lingered=value.lingered + posts)
    return replace(value, charged=value.charged + posts)
