"""How many items an answer can have, and how many posts each: a request's size by its parameters.

Every size takes the dearest reading of a parameter (`questions`), and its maximum where none is
certain, so that no spelling of a request is cheaper than the plain one it can be read as.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from governor.core.catalog.questions import Question

PLAIN_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)  # int() takes "+1", "1_0" and other digits too
PLAIN_ID = re.compile(r"[0-9A-Za-z_-]{1,50}", re.ASCII)
MOST_EXPANDED: Final = 2000  # letters of one parameter; longer ones name more than anybody has


@dataclass(frozen=True, slots=True)
class Page:
    """A page of `least` to `most` items, `default` when the request does not say.

    `beside`: parameters that choose items too; with one of them the page may be ignored.
    """

    param: str
    least: int
    default: int
    most: int
    beside: tuple[str, ...] = ()

    def values(self, question: Question) -> tuple[str, ...] | None:
        """Return what the parameter says, None where that bounds nothing for certain."""
        return None if _is_any_given(question, self.beside) else question.scalars(self.param)

    def items(self, question: Question) -> int:
        """Return the largest page that the request can be read to ask for.

        A number outside the bounds is an error at X, or clamped, or ignored: the maximum.
        """
        values = self.values(question)
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
    """Up to `most` ids in a parameter: separated by `split`, in an array, or in several values.

    `like`: what an id looks like; anything else may be read as more than one. `beside`: parameters
    that name items too; with one of them there may be `most`.
    """

    param: str
    most: int
    split: str = ","
    like: re.Pattern[str] = PLAIN_ID
    beside: tuple[str, ...] = ()

    def values(self, question: Question) -> tuple[str, ...] | None:
        """Return what the parameter says, None where that bounds nothing for certain."""
        return None if _is_any_given(question, self.beside) else question.listed(self.param)

    def items(self, question: Question) -> int:
        """Return how many ids are listed, repeated ones too."""
        values = self.values(question)
        if not values:
            return self.most
        listed = sum(value.count(self.split) + 1 for value in values)
        if listed >= self.most:
            return self.most
        ids = (each for value in values for each in value.split(self.split))
        return listed if all(map(self.like.fullmatch, ids)) else self.most


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always `most` items; `named`: the path names them by id."""

    most: int
    named: bool = False

    def items(self, question: Question) -> int:  # noqa: ARG002  # one question to all three sizes
        """Return the number that never changes."""
        return self.most


Size = Page | Listed | Fixed


def _is_any_given(question: Question, params: tuple[str, ...]) -> bool:
    return any(question.listed(param) != () for param in params)


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

    def posts(self, question: Question) -> int:
        """Return the posts that each item can gain. A name nobody knows may add everything."""
        values = question.listed(self.param) if self.adds else ()
        if values is None or sum(map(len, values)) > MOST_EXPANDED:
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
class Unless:
    """Items bring no post by themselves when a parameter has one of these values, once."""

    param: str
    values: frozenset[str]

    def holds(self, question: Question) -> bool:
        """Say whether the one plain reading of the parameter is one of the values."""
        said = question.scalars(self.param)
        return said is not None and len(said) == 1 and said[0] in self.values
