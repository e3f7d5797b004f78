"""Hosts and paths under the spellings that a platform may take for the same.

One plain form is what rows are matched with. Whatever has another spelling is no row, so it is
unknown, and unknown is never free: no canonicaliser has to guess what the platform makes of `//` or
`%2e`. Only for requests that must not slip into unknown (an endless answer held to a price, a
refused operation) every lenient reading is tried too.
"""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase
from typing import Final
from urllib.parse import unquote

# No server decodes more often than its proxies are many; a bound, for each round is linear work.
MOST_DECODINGS: Final = 8

SLASHES = re.compile(r"[/\\]")
# Where servers cut a segment: matrix parameters, a query, a fragment, a C string's end.
CUTS = re.compile(r"[;?#\0]")
# The same, and other slashes: of a plain path none is a part.
NOT_PLAIN = re.compile(r"[\\;?#\0]")
STRUCTURE = re.compile(r"[/\\;?#\0.%]")
SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
SUFFIX: Final = ".json"  # what v1.1 of X's API and many others add to a path, or leave away


def plain_host(host: str) -> str | None:
    """Return the name that would be resolved: full-width dots and letters are ASCII to IDNA.

    None when no resolver could be asked for it.
    """
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    return plain.lower().rstrip(".")


def plain_path(path: str) -> str | None:
    """Return a path decoded once, or None when it is no plain UTF-8 or decoding changes segments.

    Nor may anything in it cut it for some server: `/2/tweets%3F/1.1/help/tos.json` ends as a free
    operation and may be served as a dear one. Only ASCII letters become small: the Kelvin sign is
    another letter to a platform, not a k.
    """
    if not path.isascii():
        return None
    if "%" not in path:
        return None if NOT_PLAIN.search(path) else path.lower()
    try:
        decoded = unquote(path, errors="strict")
    except UnicodeError:
        return None
    plain = decoded.isprintable() and decoded.count("/") == path.count("/")
    if not plain or NOT_PLAIN.search(decoded):
        return None
    folded = unicodedata.normalize("NFKC", decoded)  # as some servers do: a full-width slash is one
    if len(STRUCTURE.findall(folded)) != len(STRUCTURE.findall(decoded)):
        return None
    return decoded.translate(SMALL)


def loose_paths(path: str) -> tuple[str, ...]:
    """Return what the most lenient servers could make of a path, each reading once."""
    for _ in range(MOST_DECODINGS):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    path = unicodedata.normalize("NFKC", path).casefold()
    names = [CUTS.split(each, maxsplit=1)[0].strip() for each in SLASHES.split(path)]
    resolved: list[str] = []
    for name in names:
        if name == "..":
            resolved = resolved[:-1]
        elif name not in ("", "."):
            resolved.append(name)
    ignored = [name for name in names if name.strip(".")]
    readings = ["/" + "/".join(each) for each in (resolved, ignored)]
    readings += [each.removesuffix(SUFFIX) for each in readings]
    readings += [each + SUFFIX for each in readings]
    return tuple(dict.fromkeys(readings))
