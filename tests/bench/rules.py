"""Three rules written by hand: the two oldest, and the one that people write themselves.

Libraries have them too; here they take a clock, so that the adversary can be tested in no time.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from tests.bench.adversary import Time


class FixedWindow:
    """Count in windows laid end to end; each begins at nothing."""

    def __init__(self, limit: int, window_ms: int, time: Time) -> None:
        self._limit, self._window_ms, self._time = limit, window_ms, time
        self._window = self._used = 0

    async def admit(self) -> bool:
        window = self._time.now_ms() // self._window_ms
        if window != self._window:
            self._window, self._used = window, 0
        if self._used == self._limit:
            return False
        self._used += 1
        return True

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""


class ExactLog:
    """Remember the instant of every admission for one window: exact, and stamped too early."""

    def __init__(self, limit: int, window_ms: int, time: Time) -> None:
        self._limit, self._window_ms, self._time = limit, window_ms, time
        self._admitted = deque[int]()

    async def admit(self) -> bool:
        now_ms = self._time.now_ms()
        while self._admitted and self._admitted[0] <= now_ms - self._window_ms:
            self._admitted.popleft()
        if len(self._admitted) == self._limit:
            return False
        self._admitted.append(now_ms)
        return True

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""


class IncrExpire:
    """INCR a key in Redis, and PEXPIRE it when it is new: what every tutorial shows."""

    def __init__(self, limit: int, window_ms: int, redis: Redis, key: str) -> None:
        self._limit, self._window_ms, self._redis, self._key = limit, window_ms, redis, key

    async def admit(self) -> bool:
        used = await self._redis.incr(self._key)
        if used == 1:
            await self._redis.pexpire(self._key, self._window_ms)
        return bool(used <= self._limit)

    async def end(self, requests: int) -> None:
        """Hear of an end, which means nothing to this rule."""
