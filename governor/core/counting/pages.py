"""Posts in a web page: in the state that it embeds as JSON for its own scripts.

Next.js writes `<script id="__NEXT_DATA__" type="application/json">{...}</script>`; others set
`window.__INITIAL_STATE__ = {...};` in a script. What else a page shows cannot be read, so its count
is believed only if it embeds some state and nothing outside of it could be a post: no key that
marks one.

Every search goes on where the last one ended, and none looks for what is not there twice: one
expression for a whole script took minutes for 300 KB of scripts that nobody closed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from governor.core.counting.documents import UncountableError, tally
from governor.core.counting.marks import marks_in
from governor.core.counting.walking import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.core.counting.walking import Walk

OPENS = re.compile(rb"<script\b([^<>]*)>", re.IGNORECASE)
CLOSES = re.compile(rb"</script\s*>", re.IGNORECASE)
JSON_TYPE = re.compile(rb"\btype\s*=\s*[\"']?application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)
SET_STATE = re.compile(r"\b__[A-Z_]+__\s*=\s*(?=[{\[])", re.ASCII)
DECODER = json.JSONDecoder()

WEB_PAGE: Final = "it is a web page, not JSON"


def page_tally(body: bytes | bytearray, walk: Walk, marks: tuple[str, ...]) -> Tally:
    """Return what a page's embedded state holds. Raises UncountableError."""
    states = [state for script in _scripts(bytes(body)) for state in _states(*script)]
    known = sum(marks_in(state, marks) for state in states)
    if not states or known < marks_in(bytes(body), marks):
        raise UncountableError(WEB_PAGE)
    found = Tally()
    for state in states:
        one = tally(state, walk)
        found.own += one.own
        found.every += one.every
        found.placed += one.placed
    return found


def _scripts(page: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the attributes and the content of each script that is closed."""
    start = 0
    while (opens := OPENS.search(page, start)) and (closes := CLOSES.search(page, opens.end())):
        yield opens[1], page[opens.end() : closes.start()]
        start = closes.end()


def _states(attributes: bytes, content: bytes) -> Iterator[bytes]:
    """Yield the JSON texts that a script holds; it goes on behind each that it sets."""
    if JSON_TYPE.search(attributes):
        yield content
        return
    start = 0
    try:
        text = content.decode() if b"__" in content else ""
        while sets := SET_STATE.search(text, start):
            _, start = DECODER.raw_decode(text, sets.end())
            yield text[sets.end() : start].encode()
    except (ValueError, RecursionError):
        raise UncountableError(WEB_PAGE) from None
