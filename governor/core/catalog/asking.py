"""What a request is and asks for: the quote, before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from governor.core.catalog.questions import Body, Place, Question
from governor.core.catalog.sizes import Expansions, Fixed, Listed, Size, Unless
from governor.core.counting import Counting

Kind = Literal["posts", "stream", "free", "refused", "unknown"]
Costs = tuple[tuple[str, int], ...]

NOTHING_KNOWN: Final = Counting((), ())
NOTHING: Final = Fixed(0)
NOTHING_MORE: Final = Expansions()


@dataclass(frozen=True, slots=True)
class Flow:
    """What bounds a stream: an endless answer of records.

    `rate`: posts per second at most. `record_bytes`: the smallest record on the wire. `each`:
    posts that one record may hold, expansions included.
    """

    rate: int
    record_bytes: int
    each: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What one request is, and its three numbers before it is sent.

    `asked`: posts the request names (ids listed, or page size). `ids`: those named by id, charged
    whatever the basis. `price`: the true ceiling of what the answer can hold, or the hold to begin
    with where there is none (`has_ceiling`). `counting`: how the answer's posts are counted.
    `items`: what the price was taken for, at least 1; a raise of the price is added to each.
    `costs`: what the request costs in other units, whatever comes back. `reason`: why it is
    refused or free, else "". `flow`: of a stream, whose price is 0.
    """

    operation: str
    kind: Kind
    asked: int
    ids: int
    price: int
    reason: str = ""
    counting: Counting = NOTHING_KNOWN
    items: int = 1
    has_ceiling: bool = True
    costs: Costs = ()
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A quote, where it comes from, and why: sentences for whoever asks.

    `title` is the row's group, `request` the row's own "METHOD /path"; both are "" for a request
    that no row describes.
    """

    quote: Quote
    title: str
    source: str
    request: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """What a row of a catalog says of its requests.

    `each`: post objects that one item brings before expansions, none where `unless` holds.
    `asks_items`: the items are posts that are asked for, not users who carry one along.
    `hold`: what to hold at first when nothing bounds the answer, else 0. `rate` and
    `record_bytes`: of a stream.
    """

    name: str
    kind: Kind
    counting: Counting
    size: Size = NOTHING
    each: int = 0
    expansions: Expansions = NOTHING_MORE
    unless: Unless | None = None
    asks: tuple[Place, ...] = ("query",)
    hold: int = 0
    costs: Costs = ()
    rate: int = 0
    record_bytes: int = 0
    reason: str = ""
    asks_items: bool = True

    @property
    def most(self) -> int:
        """The largest price that a request of this operation can have."""
        if self.kind == "stream":
            return 0
        return max(self.hold, self.size.most * (self.each + self.expansions.most))

    @property
    def depends(self) -> bool:
        """Say whether the quote depends on what a request says."""
        sized = not isinstance(self.size, Fixed)
        return sized or bool(self.expansions.adds) or self.unless is not None

    def quote(self, question: Question) -> Quote:
        """Return what a request is and asks for."""
        if self.kind == "stream":
            return self._stream(question)
        items = self.size.items(question)
        each = 0 if self.unless and self.unless.holds(question) else self.each
        asked = items if each and self.asks_items else 0
        named = isinstance(self.size, Listed) or (isinstance(self.size, Fixed) and self.size.named)
        return Quote(
            self.name,
            self.kind,
            asked,
            asked if named else 0,
            max(self.hold, items * (each + self.expansions.posts(question))),
            self.reason,
            self.counting,
            items=max(1, items),
            has_ceiling=not self.hold,
            costs=self.costs,
        )

    def _stream(self, question: Question) -> Quote:
        flow = Flow(self.rate, self.record_bytes, self.each + self.expansions.posts(question))
        return Quote(self.name, "stream", 0, 0, 0, "", self.counting, costs=self.costs, flow=flow)


__all__ = ["Body", "Costs", "Explanation", "Flow", "Kind", "Operation", "Quote"]
