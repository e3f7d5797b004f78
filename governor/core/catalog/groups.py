"""Reading the groups of a catalog: each row with what it does not say itself from its group."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from governor.core.catalog.asking import Kind, Operation
from governor.core.catalog.questions import PLACES
from governor.core.catalog.rows import ANY_HOST, ANY_PREFIX, Hosts, Path, Row
from governor.core.catalog.sizes import PLAIN_ID, Expansions, Fixed, Listed, Page, Size, Unless
from governor.core.catalog.tables import Table, Toml
from governor.core.counting import Counting, Place, Walker
from governor.core.ledger.messages import MOST_POSTS

KINDS: Final[dict[str, Kind]] = {
    "posts": "posts",
    "stream": "stream",
    "free": "free",
    "refused": "refused",
}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
SIZES = ("page", "ids", "items")

EITHER: Final = {
    *("kind", "hosts", "walkers", "places", "not_post", "each", "expansions", "none_when"),
    *("page_param", "asks", "asked", "costs", "hold", "rate", "record_bytes", "reason"),
}
GROUP: Final = EITHER | {"title", "operations"}
ROW: Final = EITHER | {"name", "request", "source", *SIZES}

# What a row of a kind says besides; a key of the group that has no meaning for it is passed over.
MEANT: Final[dict[Kind, set[str]]] = {
    "posts": {*SIZES, "asked", "hold", "none_when", "page_param", "costs"},
    "stream": {"rate", "record_bytes", "costs"},
    "free": set(),
    "refused": set(),
}
ALL_MEANT: Final = set().union(*MEANT.values())

RATE: Final = 100  # posts per second, where the platform does not say
RECORD_BYTES: Final = 100  # the smallest record of a stream, where nobody measured it

OPERATION = re.compile(r"[a-z][a-z0-9_]*")
NO_PATH = re.compile(r"[?#%;\\\s]|//|/\.{1,2}(/|$)")  # what `spelling.plain_path` never leaves
UNIT = re.compile(r"[a-z][a-z_]{0,30}")
HOST = re.compile(r"(\*\.)?([a-z0-9_-]+\.)*[a-z0-9-]+|\*")
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


@dataclass(slots=True)
class Groups:
    """Reads groups, with what the tables above them define."""

    segments: dict[str, str]
    expansions: dict[str, Expansions]
    walkers: dict[str, Walker]
    counts: str
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _names: set[str] = field(default_factory=set)

    def rows(self, values: Toml, top: Table) -> list[Row]:
        """Return the rows of one group."""
        group = Table(values, f"group {values.get('title', '?')!r}", top.mistakes)
        group.only(GROUP)
        group.text("title")
        operations = group.tables("operations")
        if not operations:
            group.wrong("it has no operations")
        return [row for each in operations for row in self._rows(each, group)]

    def _rows(self, values: Toml, group: Table) -> list[Row]:
        where = f"operation {values.get('name', '?')!r}"
        row = Table(values, where, group.mistakes, group)
        row.only(ROW)
        own = Table(values, where, group.mistakes)  # what no group can say for it
        name, source = own.text("name"), own.text("source")
        self._named_once(row, name)
        hosts = _hosts(row)
        operation = self._operation(row, name, source)
        title = group.values.get("title", "")
        requests = values.get("request")
        rows = []
        for request in requests if isinstance(requests, list) else [requests]:
            method, _, path = str(request).partition(" ")
            if not isinstance(request, str) or method not in METHODS or not path.startswith("/"):
                row.wrong(f'request must be "METHOD /path", not {request!r}')
                continue
            self._once(row, request)
            found = self._path(row, path)
            rows.append(Row(hosts, method, found, operation, title, source, request))
        return rows

    def _named_once(self, row: Table, name: str) -> None:
        """Note a name that is no label of metrics, or not the one that a raise is remembered by."""
        if name and (not OPERATION.fullmatch(name) or name == "unknown"):
            row.wrong(
                "name must be a word of a-z, 0-9 and _ that begins with a letter, no 'unknown'"
            )
        if name in self._names:
            row.wrong("another operation has this name")
        self._names.add(name)

    def _once(self, row: Table, request: str) -> None:
        method, _, path = request.partition(" ")
        for host in row.names("hosts", ()):
            other = self._known.setdefault((host.lower(), method, path.lower()), row.where)
            if other != row.where:
                row.wrong(f"{request} at {host} is {other} already")

    def _path(self, row: Table, path: str) -> Path:
        any_prefix = path.startswith(ANY_PREFIX)
        written = path.removeprefix(ANY_PREFIX) if any_prefix else path[1:]
        if NO_PATH.search(f"/{written}"):
            row.wrong(f"no plain path is {path}: no ? # % ; and no spaces, dot segments or //")
        if any_prefix and KINDS.get(row.text("kind")) == "free":
            row.wrong(
                f"what is free names its whole path, not {path}: a server may take the end of one "
                "for parameters, and serve posts by its beginning"
            )
        if "*" in written:
            row.wrong(f"* has no meaning in {path}; only a path that begins with {ANY_PREFIX} has")
        segments = [self._segment(row, each) for each in written.lower().split("/")]
        return Path(tuple(segments), any_prefix)

    def _segment(self, row: Table, written: str) -> str | re.Pattern[str]:
        parts = PLACEHOLDER.split(written)
        if len(parts) == 1:
            return written
        pattern = ""
        for number, part in enumerate(parts):
            if number % 2 and part not in self.segments:
                row.wrong(f"{{{part}}} is not one of the segments")
            pattern += f"(?:{self.segments.get(part, '')})" if number % 2 else re.escape(part)
        return re.compile(pattern, re.ASCII)

    def _operation(self, row: Table, name: str, source: str) -> Operation:
        kind = KINDS.get(row.text("kind"))
        if kind is None:
            said = row.text("kind")
            row.wrong_at("kind", f"kind must be one of {', '.join(KINDS)}, not {said!r}")
            kind = "posts"
        for key in sorted(row.values.keys() & (ALL_MEANT - MEANT[kind])):
            row.wrong(f"{key} has no meaning for the kind {kind!r}")
        counting = self._counting(row, kind)
        if kind in ("free", "refused"):
            if row.table("costs").values:
                row.wrong_at("costs", f"what is {kind} costs nothing; if it does: kind 'posts'")
            # Why it holds no posts: the source says so where the row does not.
            reason = row.text("reason", None if kind == "refused" else source)
            return Operation(name, kind, counting, reason=reason)
        asks = tuple(each for each in PLACES if each in row.names("asks", ("query",)))
        for each in set(row.names("asks", ())) - set(PLACES):
            row.wrong_at("asks", f"asks may be {', '.join(PLACES)}, not {each!r}")
        is_stream = kind == "stream"
        found = Operation(
            name,
            kind,
            counting,
            size=Fixed(0) if is_stream else self._size(row),
            each=row.number("each", 1 if is_stream else None, least=int(is_stream)),
            expansions=self._expansions(row),
            unless=None if is_stream else _unless(row),
            asks=asks,
            hold=0 if is_stream else row.number("hold", 0),
            costs=self._costs(row),
            rate=row.number("rate", RATE, least=1) if is_stream else 0,
            record_bytes=row.number("record_bytes", RECORD_BYTES, least=1) if is_stream else 0,
            asks_items=_asks_items(row),
        )
        if found.most >= MOST_POSTS:
            row.wrong(f"it may cost {found.most:,} posts, more than any limit: look at its size")
        return found

    def _counting(self, row: Table, kind: Kind) -> Counting:
        every = tuple(self.walkers.values())
        names = row.names("walkers", None if kind in ("posts", "stream") else tuple(self.walkers))
        for name in sorted(set(names) - self.walkers.keys()):
            known = ", ".join(self.walkers) or "none"
            row.wrong_at("walkers", f"unknown walker {name!r}; known are {known}")
        own = tuple(each for each in every if each.name in names)
        places: list[Place] = []
        for text in row.names("places", ()):
            try:
                place = Place.parse(text)
            except ValueError as error:
                row.wrong_at("places", f"places: {error}")
                continue
            if any(place.meets(each) for each in places):
                row.wrong_at("places", f"places: to {text} another leads too: it counted twice")
            places.append(place)
        return Counting(own, every, tuple(places), _not_post(row))

    def _expansions(self, row: Table) -> Expansions:
        title = row.text("expansions", "")
        if title and title not in self.expansions:
            row.wrong_at("expansions", f"expansions {title!r} is not a table of expansions")
        return self.expansions.get(title, Expansions())

    def _costs(self, row: Table) -> tuple[tuple[str, int], ...]:
        table = row.table("costs")
        for unit in table.values:
            if not UNIT.fullmatch(unit) or unit in ("posts", "requests", self.counts):
                row.wrong_at("costs", f"costs: {unit!r} is no name for another unit")
        return tuple((unit, table.number(unit)) for unit in sorted(table.values))

    def _size(self, row: Table) -> Size:
        given = [each for each in SIZES if each in row.values]
        if len(given) != 1:
            row.wrong(f"needs one of {', '.join(SIZES)}; has {', '.join(given) or 'none'}")
            return Fixed(1)
        match given[0]:
            case "page":
                return self._page(row)
            case "ids":
                return self._ids(row)
            case _:
                return Fixed(row.number("items"))

    def _page(self, row: Table) -> Page:
        page = row.table("page")
        page.only({"param", "min", "default", "max", "beside"})
        param = page.text("param", row.text("page_param", ""))
        if not param:
            row.wrong("page needs the name of its parameter, as param or as page_param")
        least, most = page.number("min", 1), page.number("max", least=1)
        default = page.number("default", most)
        if not 1 <= least <= default <= most:
            row.wrong("page must have 1 <= min <= default <= max")
        return Page(param, least, default, most, page.names("beside", ()))

    def _ids(self, row: Table) -> Size:
        ids = row.table("ids")
        ids.only({"param", "max", "split", "like", "beside"})
        param, most = ids.text("param"), ids.number("max", least=1)
        if PLACEHOLDER.fullmatch(param):
            return Fixed(most, named=True)
        like = ids.text("like", "")
        if like and like not in self.segments:
            row.wrong(f"ids: like must name one of the segments, not {like!r}")
        pattern = PLAIN_ID
        if like in self.segments:
            pattern = re.compile(self.segments[like], re.IGNORECASE | re.ASCII)
        beside = ids.names("beside", ())
        return Listed(param, most, ids.text("split", ","), pattern, beside)


def _hosts(row: Table) -> Hosts:
    names = tuple(each.lower() for each in row.names("hosts"))
    for each in names:
        if not HOST.fullmatch(each):
            row.wrong_at("hosts", f"hosts: {each!r} must be a name, *.name or *")
    return Hosts(
        frozenset(each for each in names if "*" not in each),
        tuple(each[2:] for each in names if each.startswith("*.")),
        ANY_HOST in names,
    )


def _not_post(row: Table) -> tuple[str, frozenset[str]] | None:
    if "not_post" not in row:
        return None
    table = row.table("not_post")
    table.only({"key", "values"})
    return table.text("key"), frozenset(table.names("values"))


def _asks_items(row: Table) -> bool:
    said = row.text("asked", "items")
    if said not in ("items", "nothing"):
        row.wrong_at("asked", f"asked must be 'items' or 'nothing', not {said!r}")
    return said != "nothing"


def _unless(row: Table) -> Unless | None:
    if "none_when" not in row:
        return None
    table = row.table("none_when")
    table.only({"param", "values"})
    return Unless(table.text("param"), frozenset(table.names("values")))
