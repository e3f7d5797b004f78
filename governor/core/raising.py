"""What overruns have taught: by how much an operation's price is above the catalog's.

A price should be a true ceiling. An answer that held more shows that it was none, so from then on
every request of that operation is priced higher, in proportion to what it asks for. A raise stands
in the journal with the overrun that taught it, and is never taken back: it ends with the catalog
whose price it raises, since only another catalog can say that a price is right.

It must not shut an operation out: where a raised price is above a limit that the catalog's fits,
all of that limit is held (exchange/pricing).

Where there is no true ceiling the price is a first hold, and it becomes the largest answer seen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.catalog import Quote


class Raises:
    """The raises of one contract: posts by operation, for each item or, without a ceiling, once."""

    def __init__(self, known: Mapping[str, int] | None = None) -> None:
        self._raises = dict(known or {})

    def priced(self, listed: Quote) -> Quote:
        """Return the catalog's quote at its raised price."""
        raised = self._raises.get(listed.operation, 0)
        if not raised or listed.kind != "posts":
            return listed
        return replace(listed, price=listed.price + raised * _times(listed))

    def learn(self, listed: Quote, received: int) -> int:
        """Take in what an answer held; return the operation's new raise, or 0 if it stays.

        `listed` is the catalog's quote of the request, without any raise.
        """
        if listed.kind != "posts":
            return 0
        raised = -(-(received - listed.price) // _times(listed))
        if raised <= self._raises.get(listed.operation, 0):
            return 0
        self._raises[listed.operation] = raised
        return raised


def _times(listed: Quote) -> int:
    return listed.items if listed.has_ceiling else 1
