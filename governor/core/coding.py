"""Which content coding is asked for: one that Governor can count and the crawler can read.

What cannot be decoded cannot be counted and is charged in full, so `br` and `zstd` are never asked
for, however much a crawler prefers them. Decoding those too was rejected: more code that strangers
feed, to save bytes on a path where posts are what is scarce.
"""

from __future__ import annotations

import re

Headers = tuple[tuple[str, str], ...]

ZERO_WEIGHT = re.compile(r";\s*q\s*=\s*0(?:\.0{0,3})?\s*$", re.IGNORECASE)


def countable(headers: Headers) -> Headers:
    """Ask only for a coding that Governor can count: gzip if the client takes it, else none.

    A client that names no coding may take any (RFC 9110, 12.5.3), but those that name none
    (curl, netcat) decode none.
    """
    others = tuple(field for field in headers if field[0].lower() != "accept-encoding")
    offered = ",".join(value for name, value in headers if name.lower() == "accept-encoding")
    return (*others, ("Accept-Encoding", "gzip" if _takes_gzip(offered) else "identity"))


def _takes_gzip(offered: str) -> bool:
    weights = {
        coding.partition(";")[0].strip().lower(): ZERO_WEIGHT.search(coding) is None
        for coding in offered.split(",")
    }
    named = [weights[name] for name in ("gzip", "x-gzip") if name in weights]
    return any(named) if named else weights.get("*", False)
