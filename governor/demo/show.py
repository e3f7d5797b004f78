"""`governor demo`: a platform, a Governor and three crawlers, watched for a minute, then judged.

The window is 20 seconds instead of 24 hours, so that one minute shows it all: usage climbs, meets
the limit, requests wait or are refused, posts age out and collection goes on. At the end the
platform's own record is judged: what counts is what it delivered, not what Governor believes.

What is watched is read from /metrics, as a dashboard would. On a terminal it is one live table;
elsewhere it is one line a second.
"""

from __future__ import annotations

import ssl
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from governor.clock import SystemClock
from governor.demo.crawlers import Crawler, crawlers
from governor.demo.judge import Verdict, judge
from governor.demo.launch import Launched, Metrics, Place, Terms
from governor.demo.platform import Behaviour, Platform
from governor.demo.recorded import recordings_at_hand
from governor.tasks import Tasks

if TYPE_CHECKING:
    from rich.console import RenderableType

ANSWERS_TAKE_MS = (50, 400)  # as X's do; enough for holds to be seen
LOOK_EVERY_MS = 500  # half a second is smooth to the eye and costs Governor nothing
LINE_EVERY = 2  # looks


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at everything, at `at_s` seconds since the crawlers began."""

    at_s: int
    terms: Terms
    metrics: Metrics
    delivered: int
    crawlers: tuple[Crawler, ...]

    @property
    def used(self) -> int:
        """Posts charged and held, as Governor reports them; no job: the sum of all."""
        return self.metrics.sum("usage_posts", limit="x-demo", job="")

    def line(self) -> str:
        """Return it as one line of text."""
        return (
            f"{self.at_s:3d} s  used {self.used:,} of {self.terms.posts:,}"
            f"  held {self.metrics.sum('held_posts', limit='x-demo', job=''):,}"
            f"  waiting {self.metrics.sum('waiting_exchanges')}"
            f"  refused {self.metrics.sum('refusals_total')}"
            f"  delivered {self.delivered:,}"
        )

    def table(self) -> RenderableType:
        """Return it as something to look at."""
        crawling = Table("crawler", "what it does", "answered", "refused", "now", expand=True)
        for one in self.crawlers:
            crawling.add_row(one.name, one.habit, f"{one.answered}", f"{one.refused}", one.state)
        bar = ProgressBar(total=self.terms.posts, completed=min(self.used, self.terms.posts))
        return Group(self.line(), bar, crawling)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everyone on the stage."""

    terms: Terms
    governor: Launched
    platform: Platform
    crawlers: tuple[Crawler, ...]

    async def look(self, at_s: int) -> Sight:
        """Take one look; `at_s` is how long the crawlers have been at it."""
        metrics = await self.governor.metrics()
        return Sight(at_s, self.terms, metrics, self.platform.posts, self.crawlers)


async def run_demo(
    *, seconds: int = 60, posts: int = 2_000, window_s: int = 20, console: Console | None = None
) -> int:
    """Run the demo and return its exit code: 0, or 1 when any window was over the limit.

    Uses ports and state of its own, and nothing but loopback. Raises RuntimeError with what
    Governor said when it could not be started.
    """
    console = console or Console()
    terms = Terms(posts, f"{window_s}s")
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="governor-demo-")))
        platform = Platform(
            SystemClock(), Behaviour(takes_ms=ANSWERS_TAKE_MS), recordings_at_hand()
        )
        await platform.start(directory)
        stack.push_async_callback(platform.close)
        governor = Launched(directory / "governor", terms, Place(platform.port, platform.ca_file))
        await governor.create()
        stack.push_async_callback(governor.stop)
        await governor.start()
        context = ssl.create_default_context(cafile=(await governor.exports())["SSL_CERT_FILE"])
        tasks = Tasks(report=lambda name, error: console.print(f"{name} ended: {error!r}"))
        stack.push_async_callback(tasks.cancel)
        console.print(
            f"Three crawlers, one contract: {posts:,} posts in any {window_s} s, through "
            f"{governor.proxy_url} for {seconds} s."
        )
        crawling = crawlers()
        for one in crawling:
            tasks.start(one.crawl(governor.proxy_url, context), f"crawler {one.name}")
        await _watch(Scene(terms, governor, platform, crawling), seconds, console)
        await tasks.cancel()
        await platform.until(lambda one: one.under_way == 0)
        verdict = judge(platform.record, limit=posts, window_ms=window_s * 1000)
    console.print(sentence(verdict))
    return 0 if verdict.kept else 1


async def _watch(scene: Scene, seconds: int, console: Console) -> None:
    """Show the scene for so many seconds."""
    clock = SystemClock()
    began_ms = clock.monotonic_ms()
    with Live(console=console, auto_refresh=False, transient=False) as live:
        for look in range(seconds * 1000 // LOOK_EVERY_MS + 1):
            await clock.sleep_ms(began_ms + look * LOOK_EVERY_MS - clock.monotonic_ms())
            sight = await scene.look(look * LOOK_EVERY_MS // 1000)
            if console.is_terminal:
                live.update(sight.table(), refresh=True)
            elif look % LINE_EVERY == 0:
                console.print(sight.line())


def sentence(verdict: Verdict) -> str:
    """Return the judge's verdict in words."""
    worst = ", ".join(f"{posts:,} by {placement}" for placement, posts in verdict.worst.items())
    said = (
        f"The platform's own record: the worst window held {worst}; the limit is "
        f"{verdict.limit:,}.\nThe contract was {'kept' if verdict.kept else 'BROKEN'}."
    )
    if not verdict.per_window[1:]:
        return said
    share = verdict.sustained / verdict.limit
    return f"{said} From the second window on, {share:.0%} of the limit was delivered per window."
