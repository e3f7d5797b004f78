"""Bodies that X really sent, where a collection of them is at hand.

They are other people's recordings, so none is part of the product: a directory is named by the
environment variable GOVERNOR_FIXTURES, and without it every body is generated. Its `index.json`
says of each body how many posts two separate parsers found in it; that number is the truth here.

A request is answered from the collection when it is word for word the recorded one, or when the
operation is the same and the recording holds no more than the request could have been answered
with: a page no longer than asked for, and nothing that an expansion brought unless it was asked.
"""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from governor.demo.bodies import Body, Query, find, page_size

VARIABLE = "GOVERNOR_FIXTURES"


@dataclass(frozen=True, slots=True)
class Recording:
    """One recorded answer: what was asked, where its body lies, and the posts in it.

    `primary` counts those that the page size bounds; None where the index does not say.
    """

    method: str
    url: str
    file: Path
    posts: int
    primary: int | None

    @property
    def query(self) -> Query:
        """What was asked when this was recorded."""
        parts = urlsplit(self.url)
        return Query(parts.path, dict(parse_qsl(parts.query)))

    @property
    def target(self) -> str:
        """Path and query, as they were sent."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def content(self) -> Any:  # noqa: ANN401  # JSON
        """Read the body."""
        return json.loads(gzip.decompress(self.file.read_bytes()))


class Recordings:
    """A collection of recorded bodies, given out in turn."""

    def __init__(self, directory: Path) -> None:
        index = json.loads((directory / "index.json").read_text(encoding="utf-8"))
        self.all = tuple(
            Recording(
                entry["method"],
                entry["url"],
                directory / entry["body"],
                entry["post_objects"],
                entry["primary"],
            )
            for entry in index["fixtures"]
            if entry["url"] and entry["status"] == HTTPStatus.OK and not entry["request_body"]
        )
        self._exact = {(one.method, one.target): one for one in self.all}
        self._given: dict[str, int] = {}

    def answer(self, method: str, target: str, query: Query) -> Body | None:
        """Return a recorded answer to this request, or None when there is no fitting one."""
        if exact := self._exact.get((method, target)):
            return self._body(exact)
        fitting = [one for one in self.all if _fits(one, method, query)]
        if not fitting:
            return None
        turn = self._given.get(query.path, 0)
        self._given[query.path] = turn + 1
        return self._body(fitting[turn % len(fitting)])

    def _body(self, recording: Recording) -> Body:
        operation = find(recording.method, recording.query.path)
        name = operation.name if operation else "recorded"
        return Body(name, int(HTTPStatus.OK), recording.content(), recording.posts)


def recordings_at_hand() -> Recordings | None:
    """Return the collection that GOVERNOR_FIXTURES names, or None when it names none."""
    directory = os.environ.get(VARIABLE)
    return Recordings(Path(directory)) if directory else None


def _fits(recording: Recording, method: str, query: Query) -> bool:
    operation = find(method, query.path)
    if operation is None or operation.pages == (1, 1, 1) or not recording.posts:
        return False  # a look-up is answered with what it names, never with another's posts
    if operation is not find(recording.method, recording.query.path):
        return False
    if operation.page_parameter == "count":  # v1.1 nests without being asked
        return page_size(operation, recording.query) <= page_size(operation, query)
    asked = set(query.items("expansions"))
    short_enough = (recording.primary or recording.posts) <= page_size(operation, query)
    return short_enough and (
        recording.primary == recording.posts
        or asked.issuperset(recording.query.items("expansions"))
    )
