"""Header fields on their way back from a platform.

A platform's fields are passed on as they came: in their order, repeated ones repeated, in the
case they were written in. Except those that are about one connection (RFC 9110, 7.6.1), and those
no honest server sends: aiohttp's response parser is lenient by design, so what it let through is
checked here before it is written to a crawler.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governor.exchange import Headers

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# `Connection: content-encoding` must not make an answer unreadable to the crawler or to us.
NEVER_NOMINATED = frozenset({"content-length", "content-encoding", "content-type"})
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def from_wire(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the end-to-end fields of an answer. One that is no legal field is left out."""
    decoded = [(name.decode(), _text(value)) for name, value in raw if NAME.fullmatch(name)]
    dropped = HOP_BY_HOP | _nominated(decoded)
    return tuple(
        (name, value)
        for name, value in decoded
        if value is not None and name.lower() not in dropped
    )


def phrase(reason: str | None) -> str:
    """Return a reason phrase that can be written in a status line."""
    return CONTROL.sub(" ", reason or "").encode("ascii", "replace").decode()


def _text(value: bytes) -> str | None:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return None if CONTROL.search(text) else text


def _nominated(fields: Iterable[tuple[str, str | None]]) -> frozenset[str]:
    """Return the names that `Connection` fields say are about this connection only."""
    options = (value or "" for name, value in fields if name.lower() == "connection")
    named = (option.strip().lower() for value in options for option in value.split(","))
    return frozenset(named) - NEVER_NOMINATED
