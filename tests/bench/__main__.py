"""`make bench`: the worst window that one adversary finds under each limiter, as a table.

Every limiter is told "100 posts in any window". Rows in virtual time have windows of 24 h and meet,
besides the three plans, a thousand random ones; rows in real time have windows of 4 s, because
those libraries and servers take no clock but the system's, and play the three plans side by side.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from governor.clock import SystemClock
from governor.core.ledger.messages import Account
from governor.store import RedisStore
from tests.bench.adversary import PLANS, RealTime, VirtualTime, play, random_plan, worst_window
from tests.bench.libraries import STRATEGIES, Gcra, Limits, Pyrate
from tests.bench.ours import ACCOUNT, BookHome, Ours
from tests.bench.rules import ExactLog, FixedWindow, IncrExpire
from tests.fakes.clock import FakeClock
from tests.fakes.redis import RedisServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.bench.adversary import Limiter

LIMIT: Final = 100
DAY_MS: Final = 86_400_000
SHORT_MS: Final = 4_000  # a burst over Redis takes some 30 ms: less than a plan's margin of 200
SEED: Final = 1
RANDOM_PLANS: Final = 1_000
COLUMNS: Final = (*PLANS, "random")


@dataclass
class Row:
    """One limiter, and the most posts that any window held under each plan."""

    name: str
    windows: str
    worst: dict[str, int] = field(default_factory=dict)

    def meet(self, plan: str, posts: int) -> None:
        """Note one more play of a plan."""
        self.worst[plan] = max(self.worst.get(plan, 0), posts)

    def line(self) -> str:
        """Return it as a line of the table, in multiples of the limit."""
        plans = [
            f"{self.worst[plan] / LIMIT:.2f}" if plan in self.worst else "" for plan in COLUMNS
        ]
        worst = f"**{max(self.worst.values()) / LIMIT:.2f}**"
        return "| " + " | ".join([self.name, self.windows, *plans, worst]) + " |"


async def in_virtual_time(name: str, make: Callable[[VirtualTime], Awaitable[Limiter]]) -> Row:
    """Play all plans, the random ones too, each against a limiter of its own."""
    row = Row(name, "24 h, virtual")
    chance = random.Random(SEED)  # noqa: S311  # a plan is no secret
    drawn = [("random", random_plan(chance, limit=LIMIT)) for _ in range(RANDOM_PLANS)]
    for kind, plan in (*PLANS.items(), *drawn):
        time = VirtualTime(FakeClock())
        spans = await play(await make(time), plan, time=time, window_ms=DAY_MS)
        row.meet(kind, worst_window(spans, DAY_MS))
    return row


async def in_real_time(name: str, make: Callable[[str], Awaitable[Limiter]]) -> Row:
    """Play the three plans one after another, each against a limiter of its own."""
    row = Row(name, f"{SHORT_MS // 1_000} s, real")
    time = RealTime(SystemClock())
    for kind, plan in PLANS.items():
        spans = await play(await make(kind), plan, time=time, window_ms=SHORT_MS)
        row.meet(kind, worst_window(spans, SHORT_MS))
    return row


async def virtual_rows() -> list[Row]:
    """Return the rows of what takes a clock."""

    async def fixed(time: VirtualTime) -> Limiter:
        return FixedWindow(LIMIT, DAY_MS, time)

    async def log(time: VirtualTime) -> Limiter:
        return ExactLog(LIMIT, DAY_MS, time)

    async def pyrate(time: VirtualTime) -> Limiter:
        return Pyrate(LIMIT, DAY_MS, time)

    async def book(time: VirtualTime) -> Limiter:
        home = BookHome(LIMIT, DAY_MS, time)
        ours = Ours(home, home.identity, time.clock.boot_ms)
        await ours.join(time.now_ms())
        return ours

    return [
        await in_virtual_time("fixed window, by hand", fixed),
        await in_virtual_time("exact log stamped at admission, by hand", log),
        await in_virtual_time(f"pyrate-limiter {version('pyrate-limiter')}", pyrate),
        await in_virtual_time("**Governor**, in process", book),
    ]


async def real_rows(server: RedisServer) -> list[Row]:
    """Return the rows of what asks the system for the time, played side by side."""
    clock = SystemClock()
    async with Redis.from_url(server.url) as redis:
        stores: list[RedisStore] = []

        async def naive(plan: str) -> Limiter:
            return IncrExpire(LIMIT, SHORT_MS, redis, f"naive {plan}")

        async def gcra(_: str) -> Limiter:
            return Gcra(LIMIT, SHORT_MS)

        async def shared(plan: str) -> Limiter:
            store = RedisStore(server.url, plan.replace(" ", "-"), clock=clock)
            stores.append(store)
            created = await store.create((Account(ACCOUNT, LIMIT, SHORT_MS),))
            ours = Ours(store, created.identity, clock.boot_ms)
            await ours.join(created.time_ms)
            return ours

        rows = await asyncio.gather(
            *(
                in_real_time(f"limits {version('limits')}, {name}", _limits(name))
                for name in STRATEGIES
            ),
            in_real_time(f"throttled-py {version('throttled-py')}, GCRA", gcra),
            in_real_time("INCR and EXPIRE on Redis, by hand", naive),
            in_real_time("**Governor**, over Redis", shared),
        )
        for store in stores:
            await store.close()
        return rows


def _limits(name: str) -> Callable[[str], Awaitable[Limiter]]:
    async def make(_: str) -> Limiter:
        return Limits(LIMIT, SHORT_MS, STRATEGIES[name])

    return make


async def compare() -> list[Row]:
    """Return all rows, Governor's two at the end."""
    with tempfile.TemporaryDirectory() as directory:
        server = RedisServer(Path(directory) / "files")
        try:
            real = await real_rows(server)
        finally:
            server.close()
    virtual = await virtual_rows()
    return [*virtual[:-1], *real[:-1], virtual[-1], real[-1]]


def main() -> int:
    """Print the table; 1 if Governor let any window pass its limit."""
    rows = asyncio.run(compare())
    lines = (
        "Worst window / limit: the most that the platform may count in any one window.",
        "",
        "| Limiter | windows | " + " | ".join(COLUMNS) + " | worst |",
        "|---|---|" + "---:|" * (len(COLUMNS) + 1),
        *(row.line() for row in rows),
        "",
        "(`make bench`; tests/bench/adversary.py has the plans: demand at the edges of windows,",
        f"answers that take up to one window, and {RANDOM_PLANS} random plans in virtual time.)",
    )
    print("\n".join(lines))  # noqa: T201  # the table is what was asked for
    return max(max(row.worst.values()) for row in rows[-2:]) > LIMIT


if __name__ == "__main__":
    sys.exit(main())
