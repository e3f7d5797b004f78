"""Reading the catalogs that come with Governor, as the tests of each ask for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from governor import catalogs, zones
from governor.config import load
from governor.core.catalog import Body, Catalog
from governor.core.counting import Counted, Counter

if TYPE_CHECKING:
    from pathlib import Path

    from governor.core.catalog import Quote
    from governor.core.policy import Contract

MARGIN = "#   "


def catalog(name: str) -> Catalog:
    """Return a catalog that comes with Governor."""
    return Catalog.parse(catalogs.text(name))


def recommended(name: str, directory: Path) -> Contract:
    """Return the contract that the head of a catalog recommends, as Governor would read it."""
    head = [line for line in catalogs.text(name).split("\n\n", 1)[0].splitlines() if line]
    start = next(number for number, line in enumerate(head) if line == f"{MARGIN}[[contract]]")
    written = []
    for line in head[start:]:
        if not line.startswith(MARGIN):
            break
        written.append(line.removeprefix(MARGIN))
    file = directory / "governor.toml"
    file.write_text("\n".join(written) + "\n", encoding="utf-8")
    return configured(file)


def configured(file: Path) -> Contract:
    """Return the one contract of a configuration, as Governor reads it."""
    (contract,) = load(file, {}, catalogs.names(), zones.names()).contracts()
    return contract


def json_body(content: object) -> Body:
    """Return a request's body as crawlers send it."""
    return Body("application/json", json.dumps(content).encode())


def form_body(content: str) -> Body:
    """Return a request's body as an HTML form has it."""
    return Body("application/x-www-form-urlencoded", content.encode())


def counted(quote: Quote, answer: Any) -> int:  # noqa: ANN401  # any JSON
    """Return how many posts an answer holds; the operation's walkers and places must agree."""
    counter = Counter("", "application/json", quote.counting)
    counter.feed(json.dumps(answer).encode())
    found = counter.finish()

    assert isinstance(found, Counted)
    assert found.drift == ""
    return found.posts
