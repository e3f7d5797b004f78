r"""Counting the posts in an answer, while it is relayed and without ever holding it up.

What a post is, each walker says for one shape of JSON; the rules are those by which the recorded
bodies were counted by two other methods. Nested and repeated posts count: the contract speaks of
"requesting, viewing, or accessing" and knows no de-duplication.

The count may be too high and never too low, so whatever could hide a post makes the answer
unreadable, which costs its full price: another coding than gzip, a cut or broken body, nesting
that a decoder refuses, and a key written twice in one object, of which a decoder keeps the last.
Rejected: counting by regular expression (a post's text may hold anything, and texts quote JSON);
a streaming parser in Python (ten times slower); `json` with a hook for pairs (three times).

Weakness, said aloud: `Unreadable.at_least` looks for keys as they are usually spelled, so a broken
body that writes `"te\u0078t"` hides posts from it. Then the price holds, which is the ceiling.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Three times the largest answer that 500 posts of the largest recorded kind with their referenced
# posts can make (3 x 500 x 3.3 KB), and four times the largest recorded one (3.7 MB).
CAP_BYTES = 16 * 1024 * 1024
PIECE_BYTES = 64 * 1024  # inflated and looked at together: what a bomb can make us hold
GZIP_FRAMING = 31  # zlib's wbits for a gzip header, the largest window and a checked trailer
V2, V1_1, GRAPHQL = WALKERS = ("v2", "v1.1", "graphql")

# A key that every post of the shape has; so a body holds no more posts than such keys.
MARKS = {V2: b'"text"', V1_1: b'"created_at"', GRAPHQL: b'"full_text"'}

STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
QUOTE_AND_COLON = re.compile(rb'"[ \t\r\n]*:')


@dataclass(frozen=True, slots=True)
class Counted:
    """The answer was read to its end and parsed: `posts` post objects, nested ones too."""

    posts: int
    drift: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be counted; `at_least` posts were seen or must be assumed by its size."""

    reason: str
    at_least: int = 0


class Counter:
    """Counts one answer. Feed it the wire's bytes in any split, then ask once with `finish`.

    `content_encoding` and `content_type` are the answer's fields ("" when absent); `walkers` are
    the shapes to look for, from `WALKERS`. No more than `cap_bytes` of the decoded body are kept.
    """

    def __init__(
        self,
        content_encoding: str,
        content_type: str,
        walkers: tuple[str, ...],
        cap_bytes: int = CAP_BYTES,
    ) -> None:
        assert set(walkers) <= set(WALKERS), walkers
        coding = content_encoding.strip().lower()
        self._member = _Members() if coding in ("gzip", "x-gzip") else None
        self._trouble = "" if self._member or coding in ("", "identity") else UNKNOWN_CODING
        self._is_page = content_type.strip().lower().startswith(("text/html", "application/xhtml"))
        self._walkers: Final = walkers
        self._cap_bytes: Final = cap_bytes
        self._kept = bytearray()
        self._marks = _Marks(walkers)
        self.decoded_bytes = 0  # kept or not; 0 for a coding that cannot be read

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body. Never raises; trouble shows in `finish`."""
        if self._trouble:
            return
        for start in range(0, len(chunk), PIECE_BYTES):
            self._decode(chunk[start : start + PIECE_BYTES])

    @property
    def at_most(self) -> int:
        """Return how many posts the bytes so far can hold: an upper bound, and a cheap one."""
        return self._marks.posts

    def finish(self) -> Counted | Unreadable:
        """Return the count of a body that was fed whole.

        For a body that was cut, ask too: the count tells what was seen, and the caller knows that
        it is not the end.
        """
        reason = self._trouble
        if not reason and self._member and not self._member.whole:
            reason = "the gzip coding was cut off"
        if not reason and self.decoded_bytes > self._cap_bytes:
            reason = f"it is longer than {self._cap_bytes} bytes"
        if not reason:
            try:
                return Counted(_count(bytes(self._kept), self._walkers))
            except _UncountableError as trouble:
                reason = "it is a web page, not JSON" if self._is_page else str(trouble)
        self._kept.clear()
        return Unreadable(reason, self._marks.posts)

    def _decode(self, chunk: bytes) -> None:
        pieces = self._member.inflate(chunk) if self._member else iter((chunk,))
        try:
            for piece in pieces:
                self._take(piece)
        except zlib.error:
            self._trouble = "its gzip coding is broken"

    def _take(self, piece: bytes) -> None:
        self.decoded_bytes += len(piece)
        self._marks.look(piece)
        if self.decoded_bytes <= self._cap_bytes:
            self._kept += piece
        else:
            self._kept.clear()


UNKNOWN_CODING = "its content coding is not gzip"


class _Members:
    """The gzip coding: any number of members, one after another (RFC 1952, section 2.2)."""

    def __init__(self) -> None:
        self._open: zlib._Decompress | None = None

    @property
    def whole(self) -> bool:
        """Whether the last member that was begun was also ended and its checksum was right."""
        return self._open is None

    def inflate(self, coded: bytes) -> Iterator[bytes]:
        """Yield what `coded` inflates to, in pieces, so that a bomb is never held whole."""
        while coded or self._open:
            self._open = self._open or zlib.decompressobj(GZIP_FRAMING)
            piece = self._open.decompress(coded, PIECE_BYTES)
            yield piece
            if self._open.eof:
                coded = self._open.unused_data
                self._open = None
            else:
                coded = self._open.unconsumed_tail
                if not coded and len(piece) < PIECE_BYTES:
                    return


class _Marks:
    """An upper bound of the posts in bytes that cannot be parsed: the keys that each must have."""

    def __init__(self, walkers: tuple[str, ...]) -> None:
        self._tails = {MARKS[walker]: b"" for walker in walkers}
        self.posts = 0

    def look(self, piece: bytes) -> None:
        """Count the marks in the next bytes, those that began in the bytes before too."""
        for mark, tail in self._tails.items():
            seen = tail + piece
            self.posts += seen.count(mark)
            self._tails[mark] = seen[max(0, len(seen) - len(mark) + 1) :]


class _UncountableError(Exception):
    """The body is not JSON that has one meaning."""


def _count(body: bytes, walkers: tuple[str, ...]) -> int:
    if not body.strip():
        return 0
    posts = members = 0
    for document in _documents(body):
        found, seen = _walk(document, walkers)
        posts += found
        members += seen
    if members != _keys_written(body, members):
        raise _UncountableError("an object in it has the same key twice")
    return posts


def _documents(body: bytes) -> list[Any]:
    """Return the one document, or those of newline-delimited JSON."""
    try:
        return [_parse(body)]
    except _UncountableError:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) == 1:
            raise
        return [_parse(line) for line in lines]


def _parse(text: bytes) -> Any:  # noqa: ANN401  # whatever the platform sends
    try:
        return msgspec.json.decode(text)
    except RecursionError:
        raise _UncountableError("it is nested too deeply") from None
    except (msgspec.MsgspecError, UnicodeError):
        # From none: their messages may quote the body, and no post's text leaves this module.
        raise _UncountableError("it is not JSON") from None


def _keys_written(body: bytes, members: int) -> int:
    """Return how many keys valid JSON writes, given how many members its objects came to have.

    Every key ends in a quote and a colon, so their count is never below the keys written; when it
    equals the members no key was lost. Else (a text that begins with ":" looks like one) the
    strings are taken out and the colons left are the keys exactly, at three times the cost.
    """
    if len(QUOTE_AND_COLON.findall(body)) == members:
        return members
    return STRING.sub(b"", body).count(b":")


def _walk(document: Any, walkers: tuple[str, ...]) -> tuple[int, int]:  # noqa: ANN401  # any JSON
    """Return how many posts a document holds, and how many members its objects have.

    An object is one post however many walkers know it, and posts of several shapes in one body
    all count: the union, which is never below the most that one walker finds alone. A GraphQL
    post keeps itself under `legacy` in the v1.1 shape; that is the same post, not a second.
    """
    v2, v1_1, graphql = (name in walkers for name in WALKERS)
    posts = members = 0
    todo = [document] if isinstance(document, dict | list) else []
    for node in todo:  # it grows while it is read: a walk that no nesting can exhaust
        children: Iterable[Any] = node
        if node.__class__ is dict:
            members += len(node)
            children = node.values()
            if graphql and _is_graphql_post(node):
                posts += 1
                legacy = node["legacy"]
                members += len(legacy)
                children = [*(each for each in children if each is not legacy), *legacy.values()]
            else:
                posts += (v2 and _is_v2_post(node)) or (v1_1 and _is_v1_1_post(node))
        for child in children:
            if child.__class__ is dict or child.__class__ is list:
                todo.append(child)  # noqa: PERF401  # the list that is being read
    return posts, members


def _is_v2_post(node: dict[str, Any]) -> bool:
    """Direct messages are events and say their type; GraphQL keeps a long text with an entity_set.

    Either has an id and a text, and is no post.
    """
    return "text" in node and "id" in node and "event_type" not in node and "entity_set" not in node


def _is_v1_1_post(node: dict[str, Any]) -> bool:
    """Direct messages of old have all of it, and a recipient."""
    return (
        "id_str" in node
        and "created_at" in node
        and ("full_text" in node or "text" in node)
        and "recipient_id" not in node
    )


def _is_graphql_post(node: dict[str, Any]) -> bool:
    """Tell it from references, tombstones and unavailable posts: those have no text."""
    if "rest_id" not in node:
        return False
    legacy = node.get("legacy")
    return legacy.__class__ is dict and "full_text" in legacy
