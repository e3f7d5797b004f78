"""What a request asks for: its query, read in the most expensive way any server could read it.

A crawler and the platform may disagree about `max_results=10&max_results=100`, about a name
spelled `max%5Fresults`, about `;` between parameters. We do not know which reading the platform
takes, so the dearest one is priced; whatever is not plain costs the operation's maximum. That is
never a loss for long: an answer that was read and counted is settled by its count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, unquote_plus

from governor.core.counting import WALKERS

Kind = Literal["posts", "stream", "free", "refused", "unknown"]

# Printable ASCII without what some servers split at, cut at or read as a path, and whole escapes.
PLAIN_QUERY = re.compile(r"([!\"$&-:<-\[\]-~]|%[0-9A-Fa-f]{2})*")
PLAIN_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)  # int() takes "+1", "1_0" and other digits too
PLAIN_ID = re.compile(r"[0-9A-Za-z_]{1,50}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body as it was read for pricing.

    `content_type` is its field ("" when absent). `content` is None when the body is too long,
    coded or unreadable; b"" when there is none.
    """

    content_type: str
    content: bytes | None


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
    with where there is none (`has_ceiling`). `items`: what the price was taken for, at least 1; a
    raise of the price is added to each. `costs`: what the request costs in other units, whatever
    comes back. `reason`: why it is refused or free, else "". `flow`: of a stream, whose price is 0.
    """

    operation: str
    kind: Kind
    asked: int
    ids: int
    price: int
    reason: str = ""
    walkers: tuple[str, ...] = WALKERS
    items: int = 1
    has_ceiling: bool = True
    costs: tuple[tuple[str, int], ...] = ()
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


class Query:
    """The raw query of a request, ready to be asked for the values of one parameter."""

    def __init__(self, raw: str) -> None:
        self._is_plain = PLAIN_QUERY.fullmatch(raw) is not None
        pairs = [pair.partition("=") for pair in raw.split("&") if pair]
        self._pairs = [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs]

    def values(self, param: str) -> tuple[str, ...] | None:
        """Return all values a parameter was given, none when it is absent.

        None means that no reading is certain: take the maximum.
        """
        if not self._is_plain:
            return None
        wanted = _squash(param)
        alike = [(name, value) for name, value in self._pairs if _squash(name) == wanted]
        if any(name != param for name, _ in alike):
            return None
        return tuple(value for _, value in alike)


def _squash(name: str) -> str:
    """Return what is left of a name when spelling is taken away: `Max-Results[]`, `max%5Fresults`.

    Whatever squashes to the same may be the same parameter to somebody.
    """
    while (decoded := unquote(name)) != name:
        name = decoded
    return "".join(letter for letter in name.lower() if letter.isalnum())


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `least` to `most` items, `default` when the request does not say."""

    param: str
    least: int
    default: int
    most: int

    def items(self, query: Query) -> int:
        """Return the largest page that the query can be read to ask for.

        A number outside the bounds is an error at X, or clamped, or ignored: the maximum.
        """
        values = query.values(self.param)
        if values is None:
            return self.most
        return max((self._size(value) for value in values), default=self.default)

    def _size(self, value: str) -> int:
        if not PLAIN_NUMBER.fullmatch(value):
            return self.most
        size = int(value)
        return size if self.least <= size <= self.most else self.most


@dataclass(frozen=True, slots=True)
class Listed:
    """Up to `most` ids in a comma-separated parameter; `in_body`: where we do not see them."""

    param: str
    most: int
    in_body: bool = False

    def items(self, query: Query) -> int:
        """Return how many ids are listed, repeated ones too."""
        values = query.values(self.param)
        if not values or self.in_body:
            return self.most
        ids = [each for value in values for each in value.split(",")]
        if not all(PLAIN_ID.fullmatch(each) for each in ids):
            return self.most
        return min(len(ids), self.most)


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always `most` items; `named`: the path names them by id."""

    most: int
    named: bool = False

    def items(self, query: Query) -> int:  # noqa: ARG002  # one question to all three sizes
        """Return the number that never changes."""
        return self.most


Size = Page | Listed | Fixed


@dataclass(frozen=True, slots=True)
class Expansions:
    """Which values of a parameter add posts to each item, and how many.

    `adds` pairs names with posts; a name ending in `*` stands for all that begin so.
    """

    param: str = ""
    adds: tuple[tuple[tuple[str, ...], int], ...] = ()
    adds_nothing: frozenset[str] = frozenset()

    @property
    def most(self) -> int:
        """Posts that one item gains when everything is expanded."""
        return sum(posts for _, posts in self.adds)

    def posts(self, query: Query) -> int:
        """Return the posts that each item can gain. A name nobody knows may add everything."""
        values = query.values(self.param) if self.adds else ()
        if values is None:
            return self.most
        names = {name for value in values for name in value.lower().split(",")}
        names -= self.adds_nothing
        gained = 0
        for spellings, posts in self.adds:
            known = {name for name in names if _is_one_of(name, spellings)}
            gained += posts if known else 0
            names -= known
        return self.most if names else gained


def _is_one_of(name: str, spellings: tuple[str, ...]) -> bool:
    return any(
        name.startswith(each[:-1]) if each.endswith("*") else name == each for each in spellings
    )


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of a catalog. `each`: post objects that one item brings before expansions."""

    name: str
    kind: Kind
    walkers: tuple[str, ...]
    size: Size = Fixed(0)
    each: int = 0
    expansions: Expansions = Expansions()
    reason: str = ""

    @property
    def most(self) -> int:
        """The largest price that a request of this operation can have."""
        return self.size.most * (self.each + self.expansions.most)

    def quote(self, raw_query: str) -> Quote:
        """Return what a request with this query is and asks for."""
        query = Query(raw_query)
        items = self.size.items(query)
        asked = items if self.each else 0  # users and messages are asked for, not their posts
        named = isinstance(self.size, Listed) or (isinstance(self.size, Fixed) and self.size.named)
        price = items * (self.each + self.expansions.posts(query))
        ids = asked if named else 0
        return Quote(self.name, self.kind, asked, ids, price, self.reason, self.walkers)
