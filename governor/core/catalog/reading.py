"""Reading a catalog from its TOML, and saying all that is wrong with it at once.

The format is explained at the top of `catalogs/x.toml`. It is read by hand and not by a schema
library, because the core imports none and because a mistake should name its row: whoever adds a
platform edits a table of a hundred of them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final

from governor.core.catalog.asking import Expansions, Fixed, Kind, Listed, Operation, Page, Size
from governor.core.counting import WALKERS
from governor.errors import ConfigError

KINDS: Final[dict[str, Kind]] = {"posts": "posts", "free": "free", "refused": "refused"}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
TOP = {"name", "domains", "ungoverned", "segments", "expansions", "group"}
GROUP = {
    *("title", "kind", "hosts", "walkers", "each", "expansions"),
    *("page_param", "reason", "operations"),
}
ROW = {"name", "request", "source", "page", "ids", "items"}
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Row:
    """One way to ask for an operation. `path` matches a decoded, lower-case path whole."""

    hosts: frozenset[str]
    method: str
    path: re.Pattern[str]
    placeholders: int
    operation: Operation


@dataclass(frozen=True, slots=True)
class Source:
    """All that a catalog's text says."""

    name: str
    domains: tuple[str, ...]
    ungoverned: frozenset[str]
    rows: tuple[Row, ...]


def read(text: str) -> Source:
    """Read a catalog. Raises ConfigError that lists every mistake, each with its row."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the catalog is not TOML: {error}") from error
    reader = _Reader()
    source = reader.catalog(table)
    if reader.mistakes:
        raise ConfigError(*reader.mistakes)
    return source


@dataclass(slots=True)
class _Reader:
    """Walks the tables; a wrong value is noted and replaced by a harmless one, and on it goes."""

    mistakes: list[str] = field(default_factory=list)
    segments: dict[str, str] = field(default_factory=dict)
    expansions: dict[str, Expansions] = field(default_factory=dict)
    requests: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def wrong(self, where: str, what: str) -> None:
        self.mistakes.append(f"catalog, {where}: {what}")

    def get(self, table: dict[str, Any], key: str, default: Any, where: str) -> Any:  # noqa: ANN401  # any TOML
        """Return a value of the default's type; note one that is missing or of another type."""
        value = table.get(key)
        right = isinstance(value, type(default)) and not isinstance(value, bool) and value != ""
        if right and not (isinstance(value, int) and value < 0):
            return value
        self.wrong(where, f"{key} must be {_a(default)}, not {value!r}")
        return default

    def tables(self, table: dict[str, Any], key: str, where: str) -> list[dict[str, Any]]:
        """Return the tables of a list that may be absent."""
        found = self.get({key: []} | table, key, [], where)
        for each in found:
            if not isinstance(each, dict):
                self.wrong(where, f"{key} must list tables, not {each!r}")
        return [each for each in found if isinstance(each, dict)]

    def names(self, table: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
        found = self.get(table, key, [], where)
        if not found or not all(isinstance(each, str) and each for each in found):
            self.wrong(where, f"{key} must list names")
            return ()
        return tuple(found)

    def keys(self, table: dict[str, Any], known: set[str], where: str) -> None:
        for key in table.keys() - known:
            close = get_close_matches(key, known, 1)
            self.wrong(where, f"unknown key {key!r}" + (f"; {close[0]!r}?" if close else ""))

    def catalog(self, table: dict[str, Any]) -> Source:
        self.keys(table, TOP, "top")
        name = self.get(table, "name", "", "top")
        domains = self.names(table, "domains", "top")
        ungoverned = set()
        for number, each in enumerate(self.tables(table, "ungoverned", "top"), 1):
            where = f"ungoverned {number}"
            self.keys(each, {"host", "source"}, where)
            self.get(each, "source", "", where)
            ungoverned.add(self.get(each, "host", "", where))
        table = {"segments": {}, "expansions": {}} | table
        self._segments(self.get(table, "segments", {}, "top"))
        expansions = self.get(table, "expansions", {}, "top")
        for title in expansions:
            where = f"expansions.{title}"
            self.expansions[title] = self._expansions(self.get(expansions, title, {}, "top"), where)
        rows = [row for group in self.tables(table, "group", "top") for row in self._group(group)]
        if not rows:
            self.wrong("top", "it has no operation")
        for host in {host for row in rows for host in row.hosts}:
            if not any(host == each or host.endswith(f".{each}") for each in domains):
                self.wrong("top", f"host {host!r} is below none of the domains")
        return Source(name, domains, frozenset(ungoverned), tuple(rows))

    def _segments(self, table: dict[str, Any]) -> None:
        for name in table:
            pattern = self.get(table, name, "", "segments")
            try:
                re.compile(pattern)
            except re.error as error:
                self.wrong("segments", f"{name}: {error}")
                continue
            self.segments[name] = pattern

    def _expansions(self, table: dict[str, Any], where: str) -> Expansions:
        self.keys(table, {"param", "adds", "adds_nothing"}, where)
        adds = []
        for each in self.tables(table, "adds", where):
            self.keys(each, {"names", "posts"}, where)
            adds.append((self.names(each, "names", where), self.get(each, "posts", 1, where)))
        nothing = self.names(table, "adds_nothing", where) if "adds_nothing" in table else ()
        return Expansions(self.get(table, "param", "", where), tuple(adds), frozenset(nothing))

    def _group(self, group: dict[str, Any]) -> list[Row]:
        where = f"group {group.get('title', '?')!r}"
        self.keys(group, GROUP, where)
        self.get(group, "title", "", where)
        kind = self.get(group, "kind", "", where)
        if kind not in KINDS:
            self.wrong(where, f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
        if kind == "refused":
            self.get(group, "reason", "", where)
        walkers = self.names(group, "walkers", where)
        for walker in set(walkers) - set(WALKERS):
            self.wrong(where, f"unknown walker {walker!r}; known are {', '.join(WALKERS)}")
        hosts = frozenset(host.lower() for host in self.names(group, "hosts", where))
        known = tuple(each for each in WALKERS if each in walkers)
        group = group | {"kind": KINDS.get(kind, "posts"), "walkers": known}
        operations = self.tables(group, "operations", where)
        return [row for each in operations for row in self._rows(group, each, hosts)]

    def _rows(self, group: dict[str, Any], row: dict[str, Any], hosts: frozenset[str]) -> list[Row]:
        where = f"operation {row.get('name', '?')!r}"
        self.keys(row, ROW, where)
        self.get(row, "source", "", where)
        operation = self._operation(group, row, where)
        requests = row.get("request")
        rows = []
        for request in requests if isinstance(requests, list) else [requests]:
            method, _, path = request.partition(" ") if isinstance(request, str) else ("", "", "")
            if method not in METHODS or not path.startswith("/"):
                self.wrong(where, f'request must be "METHOD /path", not {request!r}')
                continue
            self._once(hosts, method, path, where)
            pattern = self._pattern(path, where)
            rows.append(Row(hosts, method, pattern, path.count("{"), operation))
        return rows

    def _once(self, hosts: frozenset[str], method: str, path: str, where: str) -> None:
        for host in hosts:
            other = self.requests.setdefault((host, method, path.lower()), where)
            if other != where:
                self.wrong(where, f"{method} {path} at {host} is {other} already")

    def _pattern(self, path: str, where: str) -> re.Pattern[str]:
        written = ""
        for number, part in enumerate(PLACEHOLDER.split(path.lower())):
            if number % 2 == 0:
                written += re.escape(part)
                continue
            if part not in self.segments:
                self.wrong(where, f"{{{part}}} is not one of the segments")
            written += f"(?:{self.segments.get(part, '')})"
        return re.compile(written, re.ASCII)

    def _operation(self, group: dict[str, Any], row: dict[str, Any], where: str) -> Operation:
        name, kind = self.get(row, "name", "", where), KINDS[group["kind"]]
        walkers = group["walkers"]
        if kind != "posts":
            for key in row.keys() & {"page", "ids", "items"}:
                self.wrong(where, f"{key} has no meaning for what is {kind}")
            return Operation(name, kind, walkers, reason=group.get("reason", ""))
        title = self.get(group, "expansions", "", where) if "expansions" in group else ""
        if title and title not in self.expansions:
            self.wrong(where, f"expansions {title!r} is not a table of expansions")
        return Operation(
            name,
            kind,
            walkers,
            size=self._size(group, row, where),
            each=self.get(group, "each", 0, where),
            expansions=self.expansions.get(title, Expansions()),
        )

    def _size(self, group: dict[str, Any], row: dict[str, Any], where: str) -> Size:
        match sorted(row.keys() & {"page", "ids", "items"}):
            case ["page"]:
                page = self.get(row, "page", {}, where)
                self.keys(page, {"min", "default", "max"}, where)
                least, most = (self.get(page, key, 1, where) for key in ("min", "max"))
                default = self.get({"default": most} | page, "default", most, where)
                if not 1 <= least <= default <= most:
                    self.wrong(where, "page must have 1 <= min <= default <= max")
                return Page(self.get(group, "page_param", "", where), least, default, most)
            case ["ids"]:
                ids = self.get(row, "ids", {}, where)
                self.keys(ids, {"param", "max", "in_body"}, where)
                param, most = self.get(ids, "param", "", where), self.get(ids, "max", 1, where)
                if PLACEHOLDER.fullmatch(param):
                    return Fixed(most, named=True)
                return Listed(param, most, in_body=ids.get("in_body") is True)
            case ["items"]:
                return Fixed(self.get(row, "items", 1, where))
            case sizes:
                self.wrong(
                    where, f"needs one of page, ids, items; has {', '.join(sizes) or 'none'}"
                )
                return Fixed(1)


def _a(default: object) -> str:
    names = {str: "a text", int: "a number from 0 up", list: "a list", dict: "a table"}
    return names[type(default)]
