"""JSON as anyone may write it: any spacing, any spelling of a key, any number of the same key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

# What walkers ask for, what they refuse, and keys that look like either.
KEYS = (
    *("id", "text", "event_type", "entity_set", "id_str", "created_at", "full_text"),
    *("recipient_id", "rest_id", "legacy", "data", "includes", "posts", "a,", "b:", "Text", '"'),
)
TEXTS = ("", ":", '":', ' "text":', '\\"text\\":', "x", "{}", "é", "\\u0074ext", "\n")
SPACES = ("", "", "", " ", "\r\n\t ")


def documents() -> SearchStrategy[Any]:
    """Make documents in which an object is a list of pairs, so that a key may come twice."""
    leaves = st.one_of(st.sampled_from(TEXTS), st.integers(-2, 2), st.none(), st.booleans())
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(tuple),
            st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=6),
            _posts(inner),
        ),
        max_leaves=25,
    )


@st.composite
def _posts(draw: DrawFn, inner: SearchStrategy[Any]) -> list[tuple[str, Any]]:
    """Make an object that is a post, or nearly."""
    shapes: tuple[list[tuple[str, Any]], ...] = (
        [("id", "1"), ("text", "x")],
        [("id_str", "1"), ("created_at", "x"), ("full_text", "x")],
        [("rest_id", "1"), ("legacy", [("full_text", "x"), ("id_str", "1"), ("created_at", "x")])],
    )
    pairs = [*draw(st.sampled_from(shapes)), ("includes", draw(inner))]
    if draw(st.booleans()):
        del pairs[draw(st.integers(0, len(pairs) - 1))]
    return draw(st.permutations(pairs))


@st.composite
def texts(draw: DrawFn) -> bytes:
    """Make a document as text."""
    return _written(draw(documents()), draw).encode()


def _written(value: Any, draw: DrawFn) -> str:  # noqa: ANN401  # any document
    space = draw(st.sampled_from(SPACES))
    if isinstance(value, list):
        pairs = [f"{_key(key, draw)}{space}:{_written(each, draw)}" for key, each in value]
        return f"{{{space}" + f",{space}".join(pairs) + "}"
    if isinstance(value, tuple):
        return "[" + f"{space},".join(_written(each, draw) for each in value) + f"{space}]"
    return json.dumps(value, ensure_ascii=draw(st.booleans())) + space


def _key(key: str, draw: DrawFn) -> str:
    """Spell a key plainly, or one letter of it by its number."""
    at = draw(st.integers(0, 20))
    if at >= len(key) or key == '"':
        return json.dumps(key)
    case = draw(st.sampled_from(("04x", "04X")))
    return f'"{key[:at]}\\u{format(ord(key[at]), case)}{key[at + 1 :]}"'
