"""What a post looks like: the rules by which an object of JSON is recognised as one.

A platform's catalog writes them as data, so counting knows no platform. A rule speaks of keys
alone: what a value may hold changes from day to day, and such a rule would miss the odd post.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governor.core.counting.places import Place

# Keys that JSON can spell in one way only, but for \u escapes: see `marks`.
PLAIN_KEY = re.compile(r"[\w.$@:-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Walker:
    """One shape of a post.

    `has`: the keys that an object must have, each a path: `("text",)`, or `("legacy", "full_text")`
    for a member `legacy` that is an object with `full_text`. `any_of`: at least one of these too,
    if there are any. `lacks`: none of these. `within`: the member that is the same post, not a
    second. `mark`: a key that every such post has, by which bodies are bounded that cannot be
    read: the end of a path in `has`, or one of `any_of`, all of which then are marks; "" for
    `any_of`, or the end of the first path. Raises ValueError that says what is wrong.
    """

    name: str
    has: tuple[tuple[str, ...], ...]
    any_of: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    within: str = ""
    mark: str = ""

    def __post_init__(self) -> None:
        if not self.has or not all(path and all(path) for path in self.has):
            raise ValueError(f"walker {self.name!r} must name a key that a post has")
        if self.mark and self._marked() is None:
            raise ValueError(
                f"walker {self.name!r}: the mark {self.mark!r} is a key neither of has nor of any, "
                "so a post may lack it"
            )
        if not all(PLAIN_KEY.fullmatch(mark) for mark in self.marks):
            raise ValueError(
                f"walker {self.name!r}: a mark is made of letters, digits and _ . $ @ : - only"
            )
        # Else two posts of one body could have the same mark, and it would bound only one.
        marked = self._marked()
        if marked is not None and marked[:-1] not in ((), (self.within,)):
            raise ValueError(
                f"walker {self.name!r}: the mark {self.mark!r} lies in {marked[0]!r}, which must "
                "be the same post: name it in within"
            )

    @property
    def marks(self) -> tuple[str, ...]:
        """Keys of which every post of this shape has one that no other post has."""
        if self.any_of and self.mark in ("", *self.any_of):
            return self.any_of
        return ((self._marked() or self.has[0])[-1],)

    def _marked(self) -> tuple[str, ...] | None:
        """Return the path of the mark, None if no path ends so."""
        if self.any_of and self.mark in ("", *self.any_of):
            return (self.any_of[0],)
        paths = [path for path in self.has if self.mark in ("", path[-1])]
        return paths[0] if paths else None


@dataclass(frozen=True, slots=True)
class Counting:
    """How an operation's posts are counted: in up to three ways, of which the highest counts.

    `own`: the walkers that know this operation's posts. `every`: all that the catalog has.
    `places`: where this operation's posts stand; an object there is one post, unless its member
    `not_post[0]` has a value in `not_post[1]`. No two places may lead to the same object.
    """

    own: tuple[Walker, ...]
    every: tuple[Walker, ...]
    places: tuple[Place, ...] = ()
    not_post: tuple[str, frozenset[str]] | None = None

    @property
    def walkers(self) -> tuple[Walker, ...]:
        """All of them, each once."""
        return tuple(dict.fromkeys((*self.own, *self.every)))

    @property
    def marks(self) -> tuple[str, ...]:
        """Keys that bound a body: it holds no more posts, however spelled, than it has of them."""
        return tuple(dict.fromkeys(mark for walker in self.walkers for mark in walker.marks))
