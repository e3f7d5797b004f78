"""Which operation a request is: hosts and paths against the rows of a catalog.

Everything below a governed domain is governed, and every request there is one of its rows or
unknown; unknown is never free. So a spelling that we do not recognise costs more than the plain
one. Only refused operations and streams are looked for under every spelling, at every host and by
every method (`X-HTTP-Method-Override` makes a GET of a POST), because a stream let in by the back
door never ends. A HEAD is quoted as the GET that it stands for: the clause says "requesting".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from governor.core.catalog.asking import Explanation, Quote
from governor.core.catalog.explaining import explain
from governor.core.catalog.questions import Body, Question
from governor.core.catalog.reading import read
from governor.core.catalog.rows import Dearest, Index, Row
from governor.core.catalog.spelling import loose_paths, plain_host, plain_path
from governor.core.counting import Counting, Walker
from governor.errors import ConfigError

if TYPE_CHECKING:
    from governor.core.dialects import Dialect

UNKNOWN: Final = "unknown"
NO_BODY: Final = Body("", b"")
GUARDED: Final = ("refused", "stream")


@dataclass(frozen=True, slots=True)
class Catalog:
    """One platform's catalog. `domains` are governed with all below them but `ungoverned`.

    `counts` names what its limits count; `dialect` is how its refusals speak. `sha256` is the hash
    of the text it was read from, recorded with each charge. `asks_domains`: it governs nothing
    before `on` was told the domains.
    """

    name: str
    sha256: str
    domains: tuple[str, ...]
    ungoverned: frozenset[str]
    rows: tuple[Row, ...]
    walkers: tuple[Walker, ...] = ()
    counts: str = "posts"
    dialect: Dialect = "plain"
    asks_domains: bool = False
    _plain: Index = field(init=False, repr=False, compare=False)
    _guarded: Index = field(init=False, repr=False, compare=False)
    _dearest: Dearest = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        guarded = (row for row in self.rows if row.operation.kind in GUARDED)
        object.__setattr__(self, "_plain", Index.of(self.rows, lambda row: row.method))
        object.__setattr__(self, "_guarded", Index.of(guarded, lambda _: ""))
        object.__setattr__(self, "_dearest", Dearest.of(self.rows))

    @classmethod
    def parse(cls, text: str) -> Catalog:
        """Read a catalog from its TOML. Raises ConfigError that lists every mistake."""
        source = read(text)
        return cls(
            source.name,
            sha256(text.encode()).hexdigest(),
            source.domains,
            source.ungoverned,
            source.rows,
            source.walkers,
            source.counts,
            source.dialect,
            source.asks_domains,
        )

    def on(self, domains: tuple[str, ...]) -> Catalog:
        """Return the catalog for the domains that a contract names, none if it names none.

        Raises ConfigError when it must name some, or may not.
        """
        if self.asks_domains and not domains:
            raise ConfigError(
                f"catalog {self.name!r} is for many hosts: the contract must say which,"
                ' as in domains = ["example.org"]'
            )
        if domains and not self.asks_domains:
            raise ConfigError(
                f"catalog {self.name!r} has domains of its own: take the contract's away"
            )
        return replace(self, domains=tuple(each.lower() for each in domains)) if domains else self

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the name of every operation, once."""
        return tuple(dict.fromkeys(row.operation.name for row in self.rows))

    @property
    def units(self) -> tuple[str, ...]:
        """Return every unit that a limit of this platform may be in."""
        costs = sorted({unit for row in self.rows for unit, _ in row.operation.costs})
        return ("requests", self.counts, *costs)

    def governs(self, host: str) -> bool:
        """Say whether requests to this host name (no port) are governed.

        A name that no resolver could be asked for is governed too: then it goes nowhere.
        """
        plain = plain_host(host)
        if plain is None:
            return True
        if plain in self.ungoverned:
            return False
        return any(plain == each or plain.endswith(f".{each}") for each in self.domains)

    def reads_body(self, method: str, host: str, target: str) -> bool:
        """Say whether a request's body, if it has one, changes its quote: then `quote` needs it.

        It does where parameters are looked for in bodies, and in all others whose quote depends on
        parameters: a server that looks there unasked could find dearer ones.
        """
        row = self._find(method, host, target.partition("?")[0])
        return row is not None and row.operation.depends

    def quote(self, method: str, host: str, target: str, body: Body | None = None) -> Quote:
        """Return what a request is. `target` is its raw path and query, as it will be sent.

        `body` is needed where `reads_body` says so. None: a GET or a HEAD has none; of any other
        method it is not known, which costs the maximum.
        """
        path, _, query = target.partition("?")
        row = self._find(method, host, path)
        if row is None:
            return self._unknown(host)
        return row.operation.quote(_question(method, query, body, row))

    def explain(self, method: str, host: str, target: str, body: Body | None = None) -> Explanation:
        """Return the quote of a request, and why it is so. Arguments as for `quote`."""
        path, _, query = target.partition("?")
        row = self._find(method, host, path)
        if row is None:
            return explain(self._unknown(host), None, None)
        question = _question(method, query, body, row)
        return explain(row.operation.quote(question), row, question)

    def _unknown(self, host: str) -> Quote:
        price, costs = self._dearest.at(plain_host(host))
        counting = Counting(self.walkers, self.walkers)
        return Quote(UNKNOWN, UNKNOWN, 0, 0, price, "", counting, costs=costs)

    def _find(self, method: str, host: str, path: str) -> Row | None:
        plain, exact = plain_host(host), plain_path(path)
        if exact is not None:
            found = self._best(method, plain, exact)
            if found is None and method == "HEAD":
                found = self._best("GET", plain, exact)
            if found is not None:
                return found
        return next(
            (row for loose in loose_paths(path) for row in self._guarded.at("", loose)), None
        )

    def _best(self, method: str, host: str | None, path: str) -> Row | None:
        ranked = [(row.rank(host), row) for row in self._plain.at(method, path)]
        meant = [(rank, row) for rank, row in ranked if rank is not None]
        return min(meant, key=lambda each: each[0])[1] if meant else None


def _question(method: str, query: str, body: Body | None, row: Row) -> Question:
    if body is None and method in ("GET", "HEAD"):
        body = NO_BODY
    return Question(query, body, row.operation.asks)
