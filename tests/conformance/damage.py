"""What may be lost of a ledger in Redis, each loss by its name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from governor.core.window import Window
from tests.conformance.inside import LEDGER, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis

    Damage = Callable[[redis.Redis], object]

TOTAL: Final = "x-24h"
MEMBERS, ROW = f"{PREFIX}members", f"{PREFIX}row:m"
ACCOUNT, RING = f"{PREFIX}account:{TOTAL}", f"{PREFIX}ring:{TOTAL}"
BUCKETS: Final = f"{PREFIX}buckets:m:{TOTAL}"
BYTES: Final = 4 * Window(86_400_000).ring_length
FIELDS: Final = (
    *("schema", "epoch", "run_id", "replication_id", "time", "high", "store_offset", "lead"),
    *("open", "opens", "awaits_word", "vouched", "sound", "roster", "leniency", "turn"),
    *("recounted", "rebased", "accounts", "calendars"),
)


def _no_field(key: str, field: str, inside: redis.Redis) -> None:
    inside.hdel(key, field)


def _one_bucket(inside: redis.Redis) -> None:
    inside.hdel(BUCKETS, inside.hkeys(BUCKETS)[0])


GONE: Final[dict[str, Damage]] = {
    "FLUSHALL": lambda inside: inside.flushall(),
    "no ledger": lambda inside: inside.delete(LEDGER),
}
PARTIAL: Final[dict[str, Damage]] = {
    "no account": lambda inside: inside.delete(ACCOUNT),
    "no ring": lambda inside: inside.delete(RING),
    "an empty ring": lambda inside: inside.set(RING, ""),
    "a short ring": lambda inside: inside.set(RING, inside.getrange(RING, 0, BYTES - 2)),
    "a long ring": lambda inside: inside.setrange(RING, BYTES, "x"),
    **{f"no {field}": partial(_no_field, LEDGER, field) for field in FIELDS},
    **{
        f"no {field} of an account": partial(_no_field, ACCOUNT, field)
        for field in ("limit", "window", "unit", "calendar", "pending", "charged", "first")
    },
}
UNSEEN: Final[dict[str, Damage]] = {  # until it is counted
    "no roster": lambda inside: inside.delete(MEMBERS),
    "no buckets": lambda inside: inside.delete(BUCKETS),
    "a lost bucket": _one_bucket,
    "no value in a row": lambda inside: inside.hdel(ROW, f"value:{TOTAL}"),
    "a higher pending sum": lambda inside: inside.hincrby(ACCOUNT, "pending", 1),
    "a lower charged sum": lambda inside: inside.hincrby(ACCOUNT, "charged", -1),
}
