"""Rate limiters from the package index, each behind the adversary's face, none of them changed.

`pyrate-limiter` is handed a clock and runs in virtual time. `limits` and `throttled-py` read the
system's clock and take no other, so they run in real time, in windows of seconds.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)
from pyrate_limiter import InMemoryBucket, Rate, RateItem
from throttled import RateLimiterType, Throttled, per_duration
from throttled.store import MemoryStore

if TYPE_CHECKING:
    from tests.bench.adversary import Time

SECOND_MS: Final = 1_000
KEY: Final = "posts"


class Limits:
    """One strategy of `limits`, in memory."""

    def __init__(self, limit: int, window_ms: int, strategy: type[RateLimiter]) -> None:
        self._item: Final = RateLimitItemPerSecond(limit, window_ms // SECOND_MS)
        self._limiter: Final = strategy(MemoryStorage())

    async def admit(self) -> bool:
        return self._limiter.hit(self._item, KEY)

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""


STRATEGIES: Final[dict[str, type[RateLimiter]]] = {
    "fixed window": FixedWindowRateLimiter,
    "moving window": MovingWindowRateLimiter,
    "sliding-window-counter": SlidingWindowCounterRateLimiter,
}


class Pyrate:
    """The bucket of `pyrate-limiter`, which takes the instant of each request with it."""

    def __init__(self, limit: int, window_ms: int, time: Time) -> None:
        self._bucket: Final = InMemoryBucket([Rate(limit, window_ms)])
        self._time: Final = time

    async def admit(self) -> bool:
        now_ms = self._time.now_ms()
        self._bucket.leak(now_ms)
        return self._bucket.put(RateItem(KEY, now_ms))

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""


class Gcra:
    """GCRA of `throttled-py`, with its default burst: the limit."""

    def __init__(self, limit: int, window_ms: int) -> None:
        self._throttle: Final = Throttled(
            key=KEY,
            using=RateLimiterType.GCRA.value,
            quota=per_duration(timedelta(milliseconds=window_ms), limit),
            store=MemoryStore(),
        )

    async def admit(self) -> bool:
        return not self._throttle.limit().limited

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""
