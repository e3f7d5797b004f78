"""By how much a stream's hold leads its count: what the platform may have sent unseen.

A stream has no last byte, so it is not its answer that is held but what of it nobody has read yet.
Two things bound that, and either may be what the platform makes of us at its worst:

- a burst: everything that our end of the connection can contain, filled with the smallest records;
- time: what comes at the documented rate while nothing is read, for up to a second.

The buffers are made small for it (upstream/client), and nobody waits for longer than the second
(exchange/streaming): neither for the ledger, nor for the journal, nor for a slow crawler.

Weakness, said aloud: what waits in the platform's own socket cannot be bounded from here. There
only the documented rate holds. gzip may hold more records in as many bytes than `GZIP_RATIO` says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from governor.core.catalog.asking import Flow

# What our end of a stream's connection can contain unread, in all its layers together.
UNREAD_BYTES: Final = 65_536
# Records of a stream are alike, yet have ids, times and texts of their own: recorded ones shrink to
# a sixth at most when coded together.
GZIP_RATIO: Final = 10
PAUSE_MS: Final = 1_000  # the longest time in which nothing is read: what the rate is taken for


def lead(flow: Flow, *, coded: bool = False) -> int:
    """Return the posts that may be on their way unseen; `coded`: the stream is gzip."""
    unread_bytes = UNREAD_BYTES * (GZIP_RATIO if coded else 1)
    return -(-unread_bytes // flow.record_bytes) * flow.each + flow.rate
