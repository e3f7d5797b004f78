"""Where a request says what it asks for, read in the most expensive way any server could read it.

A crawler and the platform may disagree about `max_results=10&max_results=100`, about a name
spelled `max%5Fresults`, about `;` between parameters, about `{"count":10,"count":100}`. We do not
know which reading the platform takes, so all are returned and the dearest is priced; where no
reading is certain, that is said, and the operation's maximum is taken. That is never a loss for
long: an answer that was read and counted is settled by its count.

JSON is read with `json` and a hook for pairs, because msgspec keeps the last of two equal keys and
turns `1e2` and `100` into numbers before anybody can see how they were written. The hook costs
three times the time, which counting could not afford for answers of megabytes; what a crawler asks
for is a few hundred bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = Literal["query", "form", "json", "variables"]
PLACES: Final[tuple[Place, ...]] = ("query", "form", "json", "variables")
IN_BODIES: Final = frozenset({"form", "json", "variables"})

# Printable ASCII without what some servers split at, cut at or read as a path, and whole escapes.
NOT_PLAIN = re.compile(r"[^!\"$%&-:<-\[\]-~]|%(?![0-9A-Fa-f]{2})")
HIDDEN = re.compile("%(26|3[bBdD])")  # an escaped separator of fields
SEPARATORS = re.compile("[&;]")
INDEX = re.compile(r"\[[0-9]+\]")  # `ids[0]=1&ids[1]=2` is an array to some
NOT_NAMING = re.compile(r"[^a-z0-9]")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
CHARSETS = ("", "charset=utf-8", 'charset="utf-8"')

# A request of a crawler has hundreds of bytes. The worst body of this length takes 45 ms to read.
MOST_BODY_BYTES: Final = 256 * 1024
MOST_NAMES: Final = 1000  # in one query or object; more costs the maximum, and no time
MOST_DECODINGS: Final = 3  # of a name; who escapes one more often means to hide it


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body as it was read for pricing.

    `content_type` is its field ("" when absent). `content` is None when the body is too long,
    coded or unreadable; b"" when there is none.
    """

    content_type: str
    content: bytes | None


class Members(list[tuple[str, Any]]):
    """Names and values as they were written, repeated ones too.

    A value is a text (a number as it was written), true, false or null, a list, or more members.
    """

    __slots__ = ("_spelled",)

    def spelled(self) -> dict[str | None, set[str]]:
        """Return the spellings of each name by what is left without spelling, made once."""
        if not hasattr(self, "_spelled"):
            self._spelled: dict[str | None, set[str]] = {}
            for name in {name for name, _ in self}:
                self._spelled.setdefault(_squash(name), set()).add(name)
        return self._spelled


class Question:
    """What a request says, ready to be asked for the values of one parameter.

    `asks` are the places where its operation looks for parameters. `body` is None when it is not
    known, which leaves no certain reading if one of the places is in bodies.
    """

    def __init__(self, query: str, body: Body | None, asks: tuple[Place, ...]) -> None:
        self._raw_query, self._body, self._asks = query, body, asks
        self._read: tuple[Members | None, Members | None] | None = None

    def scalars(self, param: str) -> tuple[str, ...] | None:
        """Return all values a parameter was given, none when it is absent.

        None means that no reading is certain: take the maximum.
        """
        found = self._found(param)
        return found if found is not None and all(map(_is_text, found)) else None

    def listed(self, param: str) -> tuple[str, ...] | None:
        """Return the same for a parameter that may also be an array: each element is a value."""
        found = self._found(param)
        if found is None:
            return None
        flat = [each for value in found for each in (value if type(value) is list else [value])]
        return tuple(flat) if all(map(_is_text, flat)) else None

    def _found(self, param: str) -> tuple[Any, ...] | None:
        query, body = self._places()
        if query is None or body is None:
            return None
        found: list[Any] = []
        for members, path in self._paths(query, body, param):
            here = _find(members, path)
            if here is None:
                return None
            found += here
        if "query" not in self._asks and _find(query, (param,)) != []:
            return None  # a server may take it from there, and may not
        return tuple(found)

    def _paths(
        self, query: Members, body: Members, param: str
    ) -> Iterator[tuple[Members, tuple[str, ...]]]:
        nested = tuple(param.split("."))
        is_form = self._body is not None and _media_type(self._body) == FORM
        if "query" in self._asks:
            yield query, (param,)
        if "form" in self._asks and is_form:
            yield body, (param,)
        if "json" in self._asks and not is_form:
            yield body, nested
        if "variables" in self._asks:
            yield query, ("variables", *nested)
            yield body, ("variables", *nested)

    def _places(self) -> tuple[Members | None, Members | None]:
        """Return what the query and the body say; None for one that is odd."""
        if self._read is None:
            self._read = _fields(self._raw_query), self._read_body()
        return self._read

    def _read_body(self) -> Members | None:
        is_asked = not IN_BODIES.isdisjoint(self._asks)
        if self._body is None:
            return None if is_asked else Members()
        if self._body.content == b"":
            return Members()
        if not is_asked or self._body.content is None:
            return None  # where nobody should look, some server may
        if len(self._body.content) > MOST_BODY_BYTES:
            return None
        try:
            text = self._body.content.decode()
        except UnicodeError:
            return None
        has_variables = "variables" in self._asks
        media_type = _media_type(self._body)
        if media_type == FORM and (has_variables or "form" in self._asks):
            return _fields(text)
        if media_type == JSON and (has_variables or "json" in self._asks):
            return _object(text)
        return None


def _is_text(value: object) -> bool:
    return type(value) is str


def _media_type(body: Body) -> str:
    """Return the media type if nothing else than UTF-8 is said beside it, else ""."""
    kind, _, rest = body.content_type.lower().partition(";")
    return kind.strip() if rest.strip(" ;") in CHARSETS else ""


def _fields(raw: str) -> Members | None:
    """Read a query or a form. None when some server may see other pairs than we do."""
    if NOT_PLAIN.search(raw) or raw.count("&") >= MOST_NAMES:
        return None
    pairs = [pair.partition("=") for pair in raw.split("&") if pair]
    fields = Members((unquote_plus(name), unquote_plus(value)) for name, _, value in pairs)
    if HIDDEN.search(raw):
        fields += _hidden(raw, fields)
    return fields


def _hidden(raw: str, fields: Members) -> Iterator[tuple[str, None]]:
    """Yield what appears besides when the whole is decoded before it is split, as some proxies do.

    Their values are null, which is never plain: most servers do not see them. A value that is only
    cut short by it (a search for `AT%26T`) asks for no more than the whole.
    """
    whole: dict[str, list[str]] = {}
    for name, value in fields:
        whole.setdefault(name, []).append(value)
    for pair in SEPARATORS.split(unquote_plus(raw), maxsplit=MOST_NAMES):
        name, _, value = pair.partition("=")
        if not any(each.startswith(value) for each in whole.get(name, ())):
            yield name, None


def _object(text: str) -> Members | None:
    """Read a JSON object. None for any other text."""
    try:
        found = json.loads(
            text,
            object_pairs_hook=Members,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
        )
    except (ValueError, RecursionError):
        return None
    return found if type(found) is Members else None


def _find(members: Members, path: tuple[str, ...]) -> list[Any] | None:
    """Return all values at a path of names, or None when another spelling may mean it too.

    A text where members are needed is read as JSON: GraphQL's `variables` in a query are.
    """
    if len(members) > MOST_NAMES:
        return None
    spelled = members.spelled()
    if None in spelled:
        return None
    for length in range(1, len(path) + 1):  # "a.b" and "a[b]" may mean b in a
        if spelled.get(_squash("".join(path[:length])), set()) - {path[0]}:
            return None
    found: list[Any] = []
    for value in [value for name, value in members if name == path[0]]:
        if len(path) == 1:
            found.append(_plain(value))
            continue
        inner = _object(value) if type(value) is str else value
        deeper = _find(inner, path[1:]) if type(inner) is Members else None
        if deeper is None:
            return None
        found += deeper
    return found


def _plain(value: Any) -> Any:  # noqa: ANN401  # any JSON
    """Return true, false and null as texts; null is one that is never plain."""
    if value is None:
        return ""
    return str(value).lower() if type(value) is bool else value


def _squash(name: str) -> str | None:
    """Return a name without its spelling: the same for `Max-Results[]` and `max%5Fresults[0]`.

    Whatever squashes to the same may be the same parameter to somebody. None: it may be any.
    """
    for _ in range(MOST_DECODINGS):
        if "%" not in name:
            break
        name = unquote(name)
    if "%" in name or not name.isascii():
        return None
    return NOT_NAMING.sub("", INDEX.sub("", name).lower())
