"""One walk over a document, for all the ways to count it.

An object is one post however many walkers know it, and posts of several shapes in one body all
count: the union, which is never below the most that one walker finds alone. A post may keep itself
a second time in one of its members (`Walker.within`); the two are one.

Nearly all the time goes into finding that an object is no post. So each walker has keys of which
every post has one (its pivots), and only who has one of those is looked at closer. Rejected: a loop
over pivots (half as slow again when there are ten), a cache of key sets seen (to build its key
takes as long), and recursion, which nesting exhausts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governor.core.counting.walkers import Counting, Walker

Node = dict[str, Any]


@dataclass(slots=True)
class Tally:
    """What was found: posts by the operation's own walkers, by every one, and in its places.

    `members` are the keys of all objects, as many as a decoder kept.
    """

    own: int = 0
    every: int = 0
    placed: int = 0
    members: int = 0


class Walk:
    """A counting made ready. It keeps nothing of what it walks over."""

    def __init__(self, counting: Counting) -> None:
        self._shapes = [_Shape(each, own=each in counting.own) for each in counting.walkers]
        self._fixed = [place.steps for place in counting.places if not place.is_deep]
        self._deep = [(p.steps[0], p.steps[1:]) for p in counting.places if p.is_deep]
        self._not_post: Final = counting.not_post
        pivots = dict.fromkeys(key for shape in self._shapes for key in shape.pivots)
        self._by_pivot = [(key, [s for s in self._shapes if key in s.pivots]) for key in pivots]
        self._pivots: Final = frozenset([*pivots, *(key for key, _ in self._deep)])

    def over(self, document: Any, tally: Tally) -> None:  # noqa: ANN401  # any JSON
        """Add to a tally what a document holds."""
        tally.placed += sum(self._standing(document, steps) for steps in self._fixed)
        is_dull = self._pivots.isdisjoint
        members = 0
        todo = [document] if isinstance(document, dict | list) else []
        for node in todo:  # it grows while it is read: a walk that no nesting can exhaust
            children: Iterable[Any] = node
            if node.__class__ is dict:
                members += len(node)
                children = node.values() if is_dull(node) else self._look(node, tally)
            for child in children:
                if child.__class__ is dict or child.__class__ is list:
                    todo.append(child)  # noqa: PERF401  # the list that is being read
        tally.members += members

    def _look(self, node: Node, tally: Tally) -> Iterable[Any]:
        """Count an object that may be a post, and return what to look at below it."""
        known = [
            shape
            for key, shapes in self._by_pivot
            if key in node
            for shape in shapes
            if shape.knows(node)
        ]
        twins = _twins(node, known)
        for each in (node, *twins.values()) if self._deep else ():
            for key, steps in self._deep:
                if key in each:
                    tally.placed += self._standing(each[key], steps)
        if known:
            tally.every += 1
            tally.own += self._is_own(known, twins)
        if not twins:
            return node.values()
        tally.members += sum(map(len, twins.values()))
        below = [child for name, child in node.items() if name not in twins]
        return [*below, *(child for twin in twins.values() for child in twin.values())]

    def _is_own(self, known: list[_Shape], twins: dict[str, Node]) -> bool:
        """Say whether a walker of this operation knows the post, or the member that is the same."""
        if any(shape.is_own for shape in known):
            return True
        own = [shape for shape in self._shapes if shape.is_own]
        return any(shape.knows(twin) for twin in twins.values() for shape in own)

    def _standing(self, document: Any, steps: tuple[str, ...]) -> int:  # noqa: ANN401  # any JSON
        """Return how many posts stand where steps lead."""
        nodes = [document]
        for step in steps:
            if step == "[]":
                nodes = [each for node in nodes if node.__class__ is list for each in node]
            elif step == "*":
                nodes = [each for node in nodes if node.__class__ is dict for each in node.values()]
            else:
                nodes = [node[step] for node in nodes if node.__class__ is dict and step in node]
        return sum(node.__class__ is dict and not self._is_none(node) for node in nodes)

    def _is_none(self, node: Node) -> bool:
        if self._not_post is None:
            return False
        value = node.get(self._not_post[0])
        return isinstance(value, str) and value in self._not_post[1]


class _Shape:
    """A walker made ready."""

    def __init__(self, walker: Walker, *, own: bool) -> None:
        self.is_own: Final = own
        self.within: Final = walker.within
        # The keys of its marks tell best: few objects have one and are no post.
        marked = [path[0] for path in walker.has if path[-1] in walker.marks]
        self.pivots: Final = marked or walker.marks
        self._flat = frozenset(path[0] for path in walker.has if len(path) == 1)
        self._deep = [path for path in walker.has if len(path) > 1]
        self._any_of = walker.any_of
        self._lacks = walker.lacks

    def knows(self, node: Node) -> bool:
        keys = node.keys()
        return (
            keys >= self._flat
            and (not self._any_of or not keys.isdisjoint(self._any_of))
            and (not self._lacks or keys.isdisjoint(self._lacks))
            and (not self._deep or all(_has(node, path) for path in self._deep))
        )


def _twins(node: Node, known: list[_Shape]) -> dict[str, Node]:
    """Return the members of a post that are the same post."""
    names = [shape.within for shape in known if shape.within in node]
    return {name: node[name] for name in names if node[name].__class__ is dict}


def _has(node: Node, path: tuple[str, ...]) -> bool:
    *ways, key = path
    for way in ways:
        below = node.get(way)
        if below.__class__ is not dict:
            return False
        node = below
    return key in node
