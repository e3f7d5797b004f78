"""However a server reads a request, it serves no more than the request was priced for.

The servers here are lenient in every way that we could think of, and each in a combination of its
own: which separators it splits at, which of two values it takes, what it strips from a name and
takes for a number. They know nothing of how Governor reads. Requests are made of the pieces that
such servers disagree about.
"""

from __future__ import annotations

import json
from itertools import product
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, unquote

from hypothesis import example, given, settings
from hypothesis import strategies as st

from governor.catalogs import text
from governor.core.catalog import Body, Catalog
from governor.core.catalog.groups import PLACEHOLDER
from governor.core.catalog.questions import FORM, JSON
from tests.fakes.catalogs import operations, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARAM, DEFAULT, MOST = "page_size", 20, 500
HOST = "y.test"
PAGE = f"page = {{ default = {DEFAULT}, max = {MOST} }}"
Y = Catalog.parse(
    """
name = "y"
domains = ["y.test"]
[walkers.post]
has = ["id", "text"]
[[group]]
title = "posts"
kind = "posts"
hosts = ["y.test"]
walkers = ["post"]
each = 1
page_param = "page_size"
"""
    + operations(
        row("query", PAGE, request="GET /query"),
        row("form", PAGE, 'asks = ["query", "form"]', request="POST /form"),
        row("body", PAGE, 'asks = ["json"]', request="POST /json"),
        row("graph", PAGE, 'asks = ["variables"]', request="GET /graph | POST /graph"),
        row("ids", f'ids = {{ param = "ids", max = {MOST} }}', request="GET /ids"),
    )
)


def strict(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else DEFAULT


def lenient(value: object) -> int:
    """Read as `int` and `float` of Python do: signs, spaces, _, exponents, digits of any script."""
    try:
        number = float(value) if isinstance(value, str | int | float) else DEFAULT
        return int(number)
    except (ValueError, OverflowError):
        return DEFAULT


def prefix(value: object) -> int:
    """Read as C's `atoi` does: the digits at the start."""
    text = str(value).lstrip(" +")
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits[:9]) if digits else DEFAULT


NUMBERS: Final = (strict, lenient, prefix)
NAMES: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.lower,
    str.strip,
    lambda name: unquote(name).lower().replace("-", "_").removesuffix("[]").strip(),
    lambda name: name.lower().replace("pagesize", "page_size"),
)
SEPARATORS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    lambda raw: raw.replace(";", "&"),
    lambda raw: raw.partition("#")[0],
    unquote,
)


def served(size: int) -> int:
    """Return how many posts come for a page of this size: none is below 1 or above the most."""
    return size if 1 <= size <= MOST else MOST if size > MOST else DEFAULT


def pages(*looked_in: str) -> Iterator[int]:
    """Yield what each server serves that looks in these, queries or forms, first or last first."""
    for split, naming, number in product(SEPARATORS, NAMES, NUMBERS):
        found = [
            [number(value) for name, value in parse_qsl(split(raw), True) if naming(name) == PARAM]  # noqa: FBT003  # keep blank ones
            for raw in looked_in
        ]
        for sizes in (found, found[::-1]):
            yield from map(served, next(filter(None, sizes), [DEFAULT]))


def first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


PICKS: Final[tuple[Callable[[list[tuple[str, Any]]], Any], ...]] = (dict, first_wins)


def in_objects(raw: str, *path: str) -> Iterator[int]:
    """Yield what each server serves for a body of JSON; none for one that it cannot read."""
    for hook, naming, number in product(PICKS, NAMES, NUMBERS):
        try:
            found = json.loads(raw.removeprefix("\ufeff"), object_pairs_hook=hook, strict=False)
        except ValueError:
            return
        for key in path:
            inner = found.get(key, {}) if isinstance(found, dict) else {}
            try:
                found = json.loads(inner) if isinstance(inner, str) else inner
            except ValueError:
                return
        members = found.items() if isinstance(found, dict) else ()
        sizes = [number(value) for name, value in members if naming(name) == PARAM]
        yield from map(served, sizes or [DEFAULT])


NAME_PIECES = ("page_size", "Page_Size", "page%5Fsize", "page_size[]", "page-size", "pageSize")
VALUE_PIECES = (
    *("5", "50", "500", "0", "-5", "+50", "%2B50", "5e1", "5E2", "50.0", "5_0", "007", "9" * 30),
    *(
        "%D9%A5%D9%A0",
        "\N{ARABIC-INDIC DIGIT FIVE}0",
        " 50",
        "%2050",
        "50%20",
        "50,500",
        "50;",
        "%35%30",
        "%2535",
        "50#",
    ),
    *("", "true", "null", "0x50", "%00", "50%00", "\u00b2"),
)
SEPARATOR_PIECES = ("&", "&", "&", ";", "&&", "%26", "#", "?", "&amp;")
PAIRS = st.builds(
    "{}{}{}".format,
    st.sampled_from((*NAME_PIECES, "page%255Fsize", "q", "%70age_size", " page_size")),
    st.sampled_from(("=", "=", "=", "", "==", "%3D")),
    st.sampled_from(VALUE_PIECES),
)
QUERIES = st.lists(st.tuples(PAIRS, st.sampled_from(SEPARATOR_PIECES)), max_size=4).map(
    lambda pairs: "".join(map("".join, pairs))
)


@given(QUERIES)
@settings(max_examples=400)
@example("page_size=5&page_size=50")
@example("page_size=5;page_size=50")
def test_a_query_is_priced_for_every_server(raw: str) -> None:
    assert Y.quote("GET", HOST, f"/query?{raw}").price >= max(pages(raw))


@given(QUERIES, QUERIES)
@settings(max_examples=400)
def test_a_form_is_priced_for_every_server_wherever_it_looks_first(query: str, form: str) -> None:
    quoted = Y.quote("POST", HOST, f"/form?{query}", Body(FORM, form.encode()))

    assert quoted.price >= max(pages(query, form))


KEYS = ('"page_size"', '"Page_Size"', '"page\\u005fsize"', '"pageSize"', '" page_size"', '"q"')
JSON_VALUES = (
    *(
        "5",
        "50",
        "500",
        "0",
        "-5",
        "5e1",
        "50.0",
        "5E2",
        '"50"',
        '"5e1"',
        '" 50"',
        '"\N{ARABIC-INDIC DIGIT FIVE}"',
    ),
    *(
        "true",
        "null",
        "[50]",
        "[]",
        '{"page_size":50}',
        "9" * 30,
        "NaN",
        "Infinity",
        '"50,"',
        "1e999",
    ),
)
MEMBERS = st.builds("{}:{}".format, st.sampled_from(KEYS), st.sampled_from(JSON_VALUES))
OBJECTS = st.builds(
    "{}{{{}}}{}".format,
    st.sampled_from(("", "", "", " ", "\ufeff")),
    st.lists(MEMBERS, max_size=4).map(",".join),
    st.sampled_from(("", "", "", "\n", "x")),
)


@given(OBJECTS)
@settings(max_examples=400)
@example('{"page_size":5,"page_size":50}')
def test_json_is_priced_for_every_server(raw: str) -> None:
    quoted = Y.quote("POST", HOST, "/json", Body(JSON, raw.encode()))

    assert quoted.price >= max(in_objects(raw), default=0)


@given(OBJECTS, st.sampled_from(('"variables"', '"Variables"', '"v"')), st.booleans())
@settings(max_examples=400)
def test_variables_are_priced_for_every_server(raw: str, key: str, as_text: bool) -> None:  # noqa: FBT001  # drawn
    body = f"{{{key}:{json.dumps(raw) if as_text else raw}}}"
    in_body = Y.quote("POST", HOST, "/graph", Body(JSON, body.encode()))
    in_query = Y.quote("GET", HOST, f"/graph?variables={quote(raw)}", Body("", b""))

    assert in_body.price >= max(in_objects(body, "variables"), default=0)
    assert in_query.price >= max(in_objects(raw), default=0)


@given(st.lists(st.sampled_from(("1", "2x", "", " 3", "4|5", "6%2C7", "8 9", "10;11")), min_size=1))
def test_ids_are_priced_for_every_way_to_split_them(ids: list[str]) -> None:
    quoted = Y.quote("GET", HOST, f"/ids?ids={','.join(ids)}")

    text = unquote(",".join(ids))
    for separator in "|;":
        text = text.replace(separator, ",")
    assert quoted.price >= len(text.split(","))


ANYTHING = st.text(st.characters(), max_size=60)
TARGETS = st.sampled_from(("/query?", "/form?", "/json?", "/graph?variables=", "/ids?ids=", ""))


@given(ANYTHING, ANYTHING, TARGETS, ANYTHING, ANYTHING, st.none() | st.binary(max_size=200))
def test_no_request_is_beyond_a_quote(
    method: str, host: str, start: str, rest: str, content_type: str, content: bytes | None
) -> None:
    """Any text and any bytes have a quote, and one within what the catalog can charge."""
    body = Body(content_type, content)
    for asked_by, at, typed in ((method, host, body), ("POST", HOST, Body(JSON, content))):
        quoted = Y.quote(asked_by, at, start + rest, typed)

        assert 0 <= quoted.asked <= quoted.price <= MOST
        assert Y.explain(asked_by, at, start + rest, typed).quote == quoted
        assert isinstance(Y.reads_body(asked_by, at, start + rest), bool)
        assert isinstance(Y.governs(at), bool)


X = Catalog.parse(text("x"))
PATHS = [
    (row.method, min(row.hosts.exact) if row.hosts.exact else "x.com", path)
    for row in X.rows
    if row.operation.kind in ("posts", "stream")
    for path in [PLACEHOLDER.sub("7", row.request.partition(" ")[2]).replace("/**/", "/i/api/")]
]
RESPELL: Final[tuple[Callable[[str], str], ...]] = (
    str,
    str.upper,
    lambda path: path.replace("/", "//", 1),
    lambda path: path.replace("/", "/./", 1),
    lambda path: path + "/",
    lambda path: path + ";a=b",
    lambda path: path + "%20",
    lambda path: path + "%00",
    lambda path: path.removesuffix(".json"),
    lambda path: path.removesuffix(".json") + ".json",
    lambda path: "/x/.." + path,
    lambda path: path[:-1] + f"%{ord(path[-1]):02x}",
    lambda path: path[:-1] + f"%25{ord(path[-1]):02X}",
    lambda path: path.replace("/", "%2F"),
    lambda path: path.replace("/", "\\"),
)


@given(st.sampled_from(PATHS), st.sampled_from(RESPELL), st.sampled_from(RESPELL))
@settings(max_examples=400)
def test_no_spelling_of_a_path_makes_it_cheaper(
    asked: tuple[str, str, str], first: Callable[[str], str], then: Callable[[str], str]
) -> None:
    """It is the same operation, or one that nobody knows: priced as the dearest of its host."""
    method, host, path = asked
    plain = X.quote(method, host, path)

    respelled = X.quote(method, host, then(first(path)))

    assert respelled.kind not in ("free", "refused")
    assert respelled.price >= plain.price
    assert (respelled.kind == "stream") >= (plain.kind == "stream")
