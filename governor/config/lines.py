"""Where each table and key of a TOML text stands, so that a mistake can be told with its line.

tomllib keeps no positions, and a second TOML parser was not worth its dependency. This one only
knows headers, keys at the start of a line, and texts over several lines; what stands inside an
inline table is found at that table's line. It judges nothing: tomllib has read the text before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Where = tuple[str | int, ...]  # ("contract", 0, "limit", 1, "posts")
PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
DOTTED: Final = rf"{PART}(?:\s*\.\s*{PART})*"
HEADER: Final = re.compile(rf"\s*(\[{{1,2}})\s*({DOTTED})\s*\]")
KEY: Final = re.compile(rf"\s*({DOTTED})\s*=")
PARTS: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
FENCE: Final = re.compile(r'"""|' + r"'''")


def lines(text: str) -> dict[Where, int]:
    """Return the line, from 1, of everything that could be found."""
    return dict(_found(text))


def nearest(where: Where, known: dict[Where, int]) -> int | None:
    """Return the line of a key or, if that is not known, of the innermost table around it."""
    around = (where[:length] for length in range(len(where), 0, -1))
    return next((known[each] for each in around if each in known), None)


def _found(text: str) -> Iterator[tuple[Where, int]]:
    last: dict[Where, int] = {}  # the index of the last element of each array of tables
    table: Where = ()
    fence = ""  # what ends the text over several lines that we are in
    for number, line in enumerate(text.splitlines(), start=1):
        inside = fence
        for mark in FENCE.findall(line):
            fence = mark if not fence else "" if mark == fence else fence
        if inside:
            continue
        if header := HEADER.match(line):
            table = _table(_parts(header[2]), last, is_array=header[1] == "[[")
            yield table, number
        elif key := KEY.match(line):
            parts = _parts(key[1])
            for length in range(1, len(parts) + 1):
                yield (*table, *parts[:length]), number


def _table(parts: list[str], last: dict[Where, int], *, is_array: bool) -> Where:
    table: Where = ()
    for part in parts[:-1]:
        table = (*table, part)
        if table in last:
            table = (*table, last[table])
    table = (*table, parts[-1])
    if is_array:
        last[table] = last.get(table, -1) + 1
        table = (*table, last[table])
    return table


def _parts(dotted: str) -> list[str]:
    return [part.strip("\"'") for part in PARTS.findall(dotted)]
