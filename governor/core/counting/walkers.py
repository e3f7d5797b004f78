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

# Spelled in JSON in one way only, but for \u escapes: no quote, backslash, slash or control.
PLAIN_KEY = re.compile(r"[\w.$@:-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Walker:
    """One shape of a post.

    `has`: the keys that an object must have, each a path: `("text",)`, or `("legacy", "full_text")`
    for a member `legacy` that is an object with `full_text`. `any_of`: at least one of these too,
    if there are any. `lacks`: none of these. `within`: the member that is the same post, not a
    second. `mark`: a key that every such post has, by which bodies are bounded that cannot be
    read: the end of a path in `has`, or one of `any_of`, all of which then are marks; "" for
    `any_of`, or the end of the last path.
    """

    name: str
    has: tuple[tuple[str, ...], ...]
    any_of: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    within: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Counting:
    """How an operation's posts are counted: in up to three ways, of which the highest counts.

    `own`: the walkers that know this operation's posts. `every`: all that the catalog has.
    `places`: where this operation's posts stand; an object there is one post, unless its member
    `not_post[0]` has a value in `not_post[1]`.
    """

    own: tuple[Walker, ...]
    every: tuple[Walker, ...]
    places: tuple[Place, ...] = ()
    not_post: tuple[str, frozenset[str]] | None = None
