"""Counting again, slowly and by other means: the product's counts are judged by it.

It reads JSON with the standard library, keeps every key that was written, twice or not, follows
paths as text, and knows X's three shapes by heart. Nothing of it comes from the product.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pairs(list[tuple[str, Any]]):
    """An object as it was written."""

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self]

    def under(self, key: str) -> list[Any]:
        """Return every value that was written under a key."""
        return [value for each, value in self if each == key]


@dataclass(frozen=True)
class Found:
    """What a document holds. `twice`: an object of it has a key twice."""

    v2: int
    together: int
    twice: bool


def read(text: bytes) -> Any:  # noqa: ANN401  # any JSON
    return json.loads(text, object_pairs_hook=Pairs)


def objects(document: Any) -> Iterator[Pairs]:  # noqa: ANN401  # any JSON
    if isinstance(document, Pairs):
        yield document
        for _, value in document:
            yield from objects(value)
    elif isinstance(document, list):
        for value in document:
            yield from objects(value)


def found(text: bytes) -> Found:
    document = read(text)
    return Found(
        sum(_is_v2(each) for each in objects(document)),
        _together(document),
        any(len(set(each.keys)) < len(each) for each in objects(document)),
    )


def placed(text: bytes, pattern: str) -> int:
    """Return how many objects stand where a regular expression matches the path whole.

    A path is `/key` for each member and `[]` for each element on the way.
    """
    return sum(bool(re.fullmatch(pattern, path, re.DOTALL)) for path in _paths(read(text), ""))


def _paths(document: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # any JSON
    if isinstance(document, Pairs):
        yield path
        for key, value in document:
            yield from _paths(value, f"{path}/{key}")
    elif isinstance(document, list):
        for value in document:
            yield from _paths(value, f"{path}[]")


def _together(document: Any) -> int:  # noqa: ANN401  # any JSON
    """Count each post once; a GraphQL post and its `legacy` are one."""
    if isinstance(document, Pairs):
        if not _is_graphql(document):
            one = _is_v2(document) or _is_v1_1(document)
            return one + sum(_together(value) for _, value in document)
        total = 1
        for key, value in document:
            if key == "legacy" and isinstance(value, Pairs):
                total += sum(_together(below) for _, below in value)
            else:
                total += _together(value)
        return total
    if isinstance(document, list):
        return sum(_together(value) for value in document)
    return 0


def _is_v2(each: Pairs) -> bool:
    keys = each.keys
    return {"id", "text"} <= set(keys) and not {"event_type", "entity_set"} & set(keys)


def _is_v1_1(each: Pairs) -> bool:
    keys = set(each.keys)
    texts = {"text", "full_text"} & keys
    return {"id_str", "created_at"} <= keys and bool(texts) and "recipient_id" not in keys


def _is_graphql(each: Pairs) -> bool:
    legacies = [legacy for legacy in each.under("legacy") if isinstance(legacy, Pairs)]
    return "rest_id" in each.keys and any("full_text" in legacy.keys for legacy in legacies)
