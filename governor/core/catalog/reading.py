"""Reading a catalog from its TOML, and saying all that is wrong with it at once.

The format is explained in the package's docstring (`governor.core.catalog`).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from governor.core.catalog.groups import UNIT, Groups
from governor.core.catalog.sizes import Expansions
from governor.core.catalog.tables import Mistakes, Table
from governor.core.counting import Walker
from governor.core.dialects import DIALECTS, Dialect
from governor.errors import ConfigError

if TYPE_CHECKING:
    from governor.core.catalog.rows import Row

TOP: Final = {
    *("name", "counts", "dialect", "domains", "domains_from", "ungoverned"),
    *("segments", "expansions", "walkers", "group"),
}
DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Source:
    """All that a catalog's text says. `asks_domains`: the contract says what is governed."""

    name: str
    counts: str
    dialect: Dialect
    domains: tuple[str, ...]
    asks_domains: bool
    ungoverned: frozenset[str]
    walkers: tuple[Walker, ...]
    rows: tuple[Row, ...]


def read(text: str) -> Source:
    """Read a catalog. Raises ConfigError that lists every mistake, each with its row."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"the catalog is not TOML: {error}") from error
    mistakes = Mistakes()
    source = catalog(table, mistakes)
    if mistakes.said:
        raise ConfigError(*mistakes.said)
    return source


def catalog(values: dict[str, Any], mistakes: Mistakes) -> Source:
    """Return what a catalog's tables say, and note what is wrong with them."""
    top = Table(values, "top", mistakes)
    top.only(TOP)
    counts = top.text("counts", "posts")
    if not UNIT.fullmatch(counts) or counts == "requests":
        top.wrong(f"counts: {counts!r} is no name for what is counted; 'posts' is one")
    walkers = _walkers(top)
    groups = Groups(_segments(top), _expansions(top), walkers, counts)
    rows = [row for each in top.tables("group") for row in groups.rows(each, top)]
    if not rows:
        top.wrong("it has no operation")
    domains, asks_domains = _domains(top)
    ungoverned = _ungoverned(top)
    if not asks_domains:
        _check_hosts(top, rows, domains, ungoverned)
    return Source(
        top.text("name"),
        counts,
        _dialect(top),
        domains,
        asks_domains,
        ungoverned,
        tuple(walkers.values()),
        tuple(rows),
    )


def _dialect(top: Table) -> Dialect:
    said = top.text("dialect", "plain")
    for each in DIALECTS:
        if each == said:
            return each
    top.wrong(f"dialect must be one of {', '.join(DIALECTS)}, not {said!r}")
    return "plain"


def _domains(top: Table) -> tuple[tuple[str, ...], bool]:
    """Return what is governed, and whether the contract says it."""
    if "domains_from" not in top:
        domains = tuple(each.lower() for each in top.names("domains"))
        for each in domains:
            if not DOMAIN.fullmatch(each):  # no host would ever be below it: all passes uncounted
                top.wrong(f"domains: {each!r} is no domain: write it bare, as x.com")
        return domains, False
    if top.text("domains_from") != "contract":
        top.wrong(f"domains_from must be 'contract', not {top.text('domains_from')!r}")
    if top.values.get("domains", []) != []:
        top.wrong("domains must be [] beside domains_from: the contract names them")
    return (), True


def _ungoverned(top: Table) -> frozenset[str]:
    hosts = set()
    for number, each in enumerate(top.tables("ungoverned"), 1):
        table = Table(each, f"ungoverned {number}", top.mistakes)
        table.only({"host", "source"})
        table.text("source")
        hosts.add(table.text("host").lower())
    return frozenset(hosts)


def _check_hosts(
    top: Table, rows: list[Row], domains: tuple[str, ...], ungoverned: frozenset[str]
) -> None:
    for host in sorted({each for row in rows for each in (*row.hosts.exact, *row.hosts.below)}):
        if not any(host == each or host.endswith(f".{each}") for each in domains):
            top.wrong(f"host {host!r} is below none of the domains")
    for host in sorted(ungoverned & {each for row in rows for each in row.hosts.exact}):
        top.wrong(f"host {host!r} is ungoverned, so no operation of it is seen")


def _segments(top: Table) -> dict[str, str]:
    table, found = top.table("segments", "segments"), {}
    for name in table.values:
        pattern = table.text(name)
        try:
            re.compile(pattern)
        except re.error as error:
            table.wrong(f"{name}: {error}")
            continue
        found[name] = pattern
    return found


def _expansions(top: Table) -> dict[str, Expansions]:
    found = {}
    tables = top.table("expansions")
    for title in tables.values:
        table = tables.table(title, f"expansions.{title}")
        table.only({"param", "adds", "adds_nothing"})
        adds = []
        for each in table.tables("adds"):
            added = Table(each, table.where, top.mistakes)
            added.only({"names", "posts"})
            adds.append((added.names("names"), added.number("posts")))
        nothing = frozenset(table.names("adds_nothing", ()))
        found[title] = Expansions(table.text("param"), tuple(adds), nothing)
    return found


def _walkers(top: Table) -> dict[str, Walker]:
    found = {}
    tables = top.table("walkers")
    for name in tables.values:
        table = tables.table(name, f"walkers.{name}")
        table.only({"has", "any", "lacks", "within", "mark"})
        has = tuple(tuple(each.split(".")) for each in table.names("has"))
        if not has:
            continue
        try:
            found[name] = Walker(
                name,
                has,
                any_of=table.names("any", ()),
                lacks=table.names("lacks", ()),
                within=table.text("within", ""),
                mark=table.text("mark", ""),
            )
        except ValueError as error:
            table.wrong(str(error))
    return found
