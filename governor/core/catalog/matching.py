"""Which operation a request is: hosts and paths against the rows of a catalog.

Everything below a governed domain is governed, and every request there is one of its rows or
unknown; unknown is never free. So a spelling that we do not recognise costs more than the plain
one, and no canonicaliser has to guess what the platform makes of `//` or `%2e`. Only refusals are
looked for under every spelling, because a stream let in by the back door never ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from governor.core.catalog.asking import Body, Explanation, Operation, Quote
from governor.core.catalog.reading import Row, read
from governor.core.counting import WALKERS

UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Catalog:
    """One platform's catalog. `domains` are governed with all below them but `ungoverned`.

    `sha256` is the hash of the text it was read from, recorded with each charge.
    """

    name: str
    sha256: str
    domains: tuple[str, ...]
    ungoverned: frozenset[str]
    rows: tuple[Row, ...]
    counts: str = "posts"
    dialect: str = "plain"

    @classmethod
    def parse(cls, text: str) -> Catalog:
        """Read a catalog from its TOML. Raises ConfigError that lists every mistake."""
        source = read(text)
        digest = sha256(text.encode()).hexdigest()
        return cls(source.name, digest, source.domains, source.ungoverned, source.rows)

    @property
    def operations(self) -> tuple[str, ...]:
        """Return the name of every operation, once."""
        return tuple(dict.fromkeys(row.operation.name for row in self.rows))

    def governs(self, host: str) -> bool:
        """Say whether requests to this host name (no port) are governed.

        A name that no resolver could be asked for is governed too: then it goes nowhere.
        """
        plain = _plain_host(host)
        if plain is None:
            return True
        if plain in self.ungoverned:
            return False
        return any(plain == each or plain.endswith(f".{each}") for each in self.domains)

    def host_price(self, host: str) -> int:
        """Return the largest price of any operation at the host; of the catalog if it has none."""
        plain = _plain_host(host)
        here = [row.operation.most for row in self.rows if plain in row.hosts]
        return max(here, default=0) or max(row.operation.most for row in self.rows)

    @property
    def units(self) -> tuple[str, ...]:
        """Return every unit that a limit of this platform may be in."""
        return ("requests", self.counts)

    def reads_body(self, method: str, host: str, target: str) -> bool:  # noqa: ARG002  # until any row asks in a body
        """Say whether a request's body tells what it asks for: then `quote` needs it."""
        return False

    def explain(self, method: str, host: str, target: str, body: Body | None = None) -> Explanation:
        """Return the quote of a request and why it is so."""
        return Explanation(self.quote(method, host, target, body), "", "", "", ())

    def quote(self, method: str, host: str, target: str, body: Body | None = None) -> Quote:  # noqa: ARG002  # until any row asks in a body
        """Return what a request is. `target` is its raw path and query, as it will be sent.

        `body` is asked for by `reads_body`; None costs the maximum then.
        """
        path, _, query = target.partition("?")
        operation = self._find(method, host, path)
        if operation is None:
            return Quote(UNKNOWN, UNKNOWN, 0, 0, self.host_price(host), "", WALKERS)
        return operation.quote(query)

    def _find(self, method: str, host: str, path: str) -> Operation | None:
        plain = _plain_host(host)
        here = [row for row in self.rows if row.method == method and plain in row.hosts]
        exact = _plain_path(path)
        found = [row for row in here if exact is not None and row.path.fullmatch(exact)]
        if found:  # a literal path beats a template
            return min(found, key=lambda row: row.placeholders).operation
        loose = _loose_path(path)
        refused = (row for row in here if row.operation.kind == "refused")
        spellings = (loose, loose.removesuffix(".json"), f"{loose}.json")
        return next(
            (row.operation for row in refused if any(map(row.path.fullmatch, spellings))), None
        )


def _plain_host(host: str) -> str | None:
    """Return the name that would be resolved: full-width dots and letters are ASCII to IDNA."""
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    return plain.lower().rstrip(".")


def _plain_path(path: str) -> str | None:
    """Return a path decoded once, or None when decoding changed its segments.

    Lower case is for ASCII only: the Kelvin sign is another letter to a platform, not a k.
    """
    decoded = unquote(path, "latin-1")
    plain = decoded.isascii() and decoded.count("/") == path.count("/")
    return decoded.lower() if plain else None


def _loose_path(path: str) -> str:
    """Return what the most lenient server could make of a path."""
    while (decoded := unquote(path, "latin-1")) != path:
        path = decoded
    segments: list[str] = []
    for segment in re.split(r"[/\\]", path.lower()):
        name = re.split(r"[;?#]", segment, maxsplit=1)[0].strip()
        if name == "..":
            segments = segments[:-1]
        elif name not in ("", "."):
            segments.append(name)
    return "/" + "/".join(segments)
