"""Posts in a web page: in the state that it embeds as JSON for its own scripts.

Next.js writes `<script id="__NEXT_DATA__" type="application/json">{...}</script>`; others set
`window.__INITIAL_STATE__ = {...};` in a script. What else a page shows cannot be read, so its count
is believed only if it embeds some state and nothing outside of it could be a post: no key that
marks one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from governor.core.counting.documents import UncountableError, tally
from governor.core.counting.marks import marks_in
from governor.core.counting.walking import Tally

if TYPE_CHECKING:
    from governor.core.counting.walking import Walk

SCRIPT = re.compile(rb"<script\b([^>]*)>(.*?)</script\s*>", re.DOTALL | re.IGNORECASE)
JSON_TYPE = re.compile(rb"\btype\s*=\s*[\"']?application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)
SET_STATE = re.compile(rb"\b__[A-Z_]+__\s*=\s*(?=[{\[])")

WEB_PAGE: Final = "it is a web page, not JSON"


def page_tally(body: bytes | bytearray, walk: Walk, marks: tuple[str, ...]) -> Tally:
    """Return what a page's embedded state holds. Raises UncountableError."""
    states = _states(bytes(body))
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


def _states(page: bytes) -> list[bytes]:
    """Return the JSON texts that a page's scripts hold."""
    found = []
    for script in SCRIPT.finditer(page):
        attributes, content = script.groups()
        if JSON_TYPE.search(attributes):
            found.append(content)
        else:
            found += [_value(content, state.end()) for state in SET_STATE.finditer(content)]
    return found


def _value(script: bytes, start: int) -> bytes:
    """Return the JSON value that begins at `start`; a script goes on behind it."""
    try:
        text = script[start:].decode()
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        raise UncountableError(WEB_PAGE) from None
    return text[:end].encode()
