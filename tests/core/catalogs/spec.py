"""The operations of X's API, reduced from its OpenAPI document to what a catalog must know.

`python -m tests.core.catalogs.spec DOCUMENT >governor/catalogs/x-spec.csv` writes the list that is
committed beside the catalog, one operation a row. It is kept instead of the document because that
has 860 KB and is X's; a new document shows its differences in a review of a few rows.
"""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

METHODS = ("get", "post", "put", "patch", "delete")
LISTS = ("ids", "usernames", "user_ids")
POST = "Post"  # the schema of a post


@dataclass(frozen=True, slots=True)
class Listed:
    """One operation. `schema`: its answer's, or the media type of what has none.

    `post`: "post" if the schema refers to that of a post, near or far. `stream`: "stream" if the
    answer never ends. `page`: the least, default and largest max_results, "" where one is not said;
    `ids`: the most in a list of ids. `expansions`: those it offers, separated by blanks.
    """

    method: str
    path: str
    operation: str
    schema: str
    post: str
    stream: str
    page: str
    ids: str
    expansions: str


def reduced(document: dict[str, Any]) -> list[Listed]:
    """Return the operations of an OpenAPI document in the order of their paths."""
    return [
        _listed(document, method.upper(), path, methods[method])
        for path, methods in sorted(document["paths"].items())
        for method in METHODS
        if method in methods
    ]


def read(text: str) -> list[Listed]:
    """Return the operations of a list that `write` wrote."""
    return [Listed(**row) for row in csv.DictReader(text.splitlines())]


def write(operations: Iterable[Listed], file: TextIO) -> None:
    """Write a list of operations."""
    names = [field.name for field in fields(Listed)]
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(each) for each in operations)


def _listed(document: dict[str, Any], method: str, path: str, described: dict[str, Any]) -> Listed:
    contents = [
        (media_type, content.get("schema", {}))
        for status, answer in described["responses"].items()
        if status.startswith("2")
        for media_type, content in answer.get("content", {}).items()
    ]
    schemas = sorted({_name(schema) or media_type for media_type, schema in contents})
    asks = {each["name"]: each["schema"] for each in _parameters(document, described)}
    page = asks.get("max_results", {})
    sizes = [str(page.get(key, "")) for key in ("minimum", "default", "maximum")]
    return Listed(
        method,
        path,
        described["operationId"],
        " ".join(schemas),
        POST.lower() if POST in _reached(document, [schema for _, schema in contents]) else "",
        "stream" if described.get("x-twitter-streaming") else "",
        "/".join(sizes) if page else "",
        next((str(asks[each].get("maxItems", "")) for each in LISTS if each in asks), ""),
        " ".join(dict.fromkeys(asks.get("expansions", {}).get("items", {}).get("enum", ()))),
    )


def _parameters(document: dict[str, Any], described: dict[str, Any]) -> Iterator[dict[str, Any]]:
    shared = document["components"].get("parameters", {})
    for each in described.get("parameters", ()):
        parameter = shared[_name(each)] if "$ref" in each else each
        if parameter["in"] == "query":
            yield parameter


def _reached(document: dict[str, Any], schemas: list[Any]) -> set[str]:
    """Return the names of all schemas that some refer to, directly or through others."""
    found: set[str] = set()
    todo = list(schemas)
    for node in todo:  # it grows while it is read
        if isinstance(node, list):
            todo += node
        elif isinstance(node, dict):
            name = _name(node)
            if name and name not in found:
                found.add(name)
                todo.append(document["components"]["schemas"].get(name, {}))
            todo += node.values()
    return found


def _name(schema: dict[str, Any]) -> str:
    """Return the name that a reference refers to, "" for what is no reference."""
    reference = schema.get("$ref", "")
    return reference.rpartition("/")[2] if isinstance(reference, str) else ""


if __name__ == "__main__":
    write(reduced(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))), sys.stdout)
