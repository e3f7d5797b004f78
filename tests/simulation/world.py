"""One seed's world: machines, members, a store, a platform, crawlers, and what goes wrong."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Final

from governor.core.ledger.book import Book
from governor.core.ledger.clocks import Clocks
from governor.core.ledger.messages import Identity, Reply
from governor.core.policy import Contract, Job, Limit, accounts
from governor.tasks import Tasks
from tests.simulation.disks import Disk
from tests.simulation.faults import FAULTS
from tests.simulation.hosts import EPOCH_MS, Host
from tests.simulation.loop import VirtualLoop
from tests.simulation.platform import Manner, Page, Platform, Span, worst_window
from tests.simulation.sites import Operator, Site
from tests.simulation.store import Server, Weather

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from governor.core.ledger.messages import Answer, Message
    from tests.simulation.governors import Governor
    from tests.simulation.plan import Plan

DAY_S: Final = 86_400
PPM: Final = 1_000_000
FIRST: Final = Identity(1, "run-1", "history-1")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one seed.

    `used_ppm`: of what the limit allows. `short`: the most posts by
    which an open ledger's usage fell below what the platform could have counted by then.
    """

    seed: int
    worst: int
    limit: int
    used_ppm: int
    short: int
    requests: int
    messages: int
    events: dict[str, int]
    trace: str

    @property
    def kept(self) -> bool:
        """Whether no window held more than the limit."""
        return self.worst <= self.limit and self.short <= 0


class World:
    """See the module's first line."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self.seed, self.plan = seed, plan
        self.random = Random(seed)  # noqa: S311  # a schedule, not a secret
        self.loop = VirtualLoop()  # type: ignore[abstract]  # of sockets and threads it knows nothing
        self.tasks = Tasks(self.broke)
        self.weather = Weather()
        self.platform = Platform(self.loop, plan.window_ms)
        self.contract = Contract("x", "x", (Limit("x", plan.limit, plan.window_ms),))
        self.job = Job("default", max_wait_ms=plan.patience_ms)
        self.kept = accounts(self.contract, (self.job,))
        # Nobody is silent for longer than two heartbeats, however long these are.
        clocks = Clocks(EPOCH_MS, EPOCH_MS, 0, unheard_ms=2 * plan.heartbeat_ms)
        book = Book(self.kept, identity=FIRST, clocks=clocks)
        self.server = Server(book, Host(self.loop, "store"), self.loop, self.heard)
        self.operator = Operator(self)
        self.sites: list[Site] = []
        self.governors: dict[Governor, None] = {}  # those that live
        self.lost: dict[str, int] = {}  # member and when its disk was
        self._trace = hashlib.blake2b(digest_size=16)
        self._events = Counter[str]()
        self._messages = self._sites = self._short = 0

    async def run(self) -> None:
        """Let everything happen that happens in the plan's time."""
        for _ in range(self.plan.members):
            self.found_site()
        self.tasks.start(self.operator.watch(), "operator")
        for name, expected in self.plan.faults.items():
            self.tasks.start(self._go_wrong(name, self.plan.span_ms / expected), name)
        await self.loop.until_ms(self.plan.span_ms)

    async def end(self) -> None:
        """Stop everything; what happens meanwhile is not judged."""
        await self.tasks.cancel()
        for governor in list(self.governors):
            governor.kill()
        await self.tasks.drain(DAY_S)

    async def _go_wrong(self, name: str, every_ms: float) -> None:
        """Let one kind of fault happen, at random, one at a time."""
        while True:
            await self.loop.sleep_ms(round(self.random.expovariate(1 / every_ms)))
            self.note(name)
            await FAULTS[name](self)

    def found_site(self) -> None:
        """Set up one more machine with a member."""
        self._sites += 1
        host = Host(self.loop, f"host-{self._sites}")
        self.sites.append(Site(self, host, Disk(f"member-{self._sites}")))

    def any_site(self) -> Site:
        return self.random.choice(self.sites)

    def members(self) -> tuple[str, ...]:
        """Return the members that the configuration names, if it names them."""
        if not self.plan.named:
            return ()
        return tuple(f"member-{number}" for number in range(1, self.plan.members + 1))

    def is_trouble(self) -> bool:
        return self.random.randrange(PPM) < self.plan.trouble_ppm

    def manner(self, page: Page) -> Manner:
        """Return how the platform treats the next request."""
        random = self.random
        received = random.randint(0, page.price) if page.price > page.asked else page.asked
        begins_ms, answers_ms = random.choice((50, 200, 1_000)), random.choice((10, 500, 3_000))
        if not self.is_trouble():
            return Manner(begins_ms, answers_ms, received)
        if random.random() < 1 / 4:
            answers_ms = random.randint(0, self.plan.window_ms // random.choice((2, 20)))
        return Manner(
            begins_ms,
            answers_ms,
            received,
            status=random.choice((200, 200, 200, 401, 429, 500)),
            connects=random.random() > 1 / 8,
            breaks=random.random() < 1 / 4,
            unreadable=random.random() < 1 / 8,
        )

    def note(self, what: str, *about: object) -> None:
        """Count something that happened, and put it into the trace."""
        self._events[what] += 1
        self._trace.update(repr((self.loop.now_ms, what, about)).encode())

    def heard(self, message: Message, answer: Answer) -> None:
        """Put one message and its answer into the trace, but what is random in both."""
        self._messages += 1
        said = (message.member, message.generation, message.seq, message.boot_ms, message.values)
        if isinstance(answer, Reply):
            self._compare(answer)
            told: tuple[object, ...] = (answer.time_ms, answer.high_ms, answer.grants)
        else:
            told = (type(answer).__name__, getattr(answer, "reason", ""))
        self._trace.update(repr((self.loop.now_ms, said, told)).encode())

    def _compare(self, reply: Reply) -> None:
        """Hold an open ledger's word against the truth: it may count more, and never less."""
        if reply.open:
            usage = reply.usage[self.kept[0].name]
            self._short = max(
                self._short, self.platform.countable() - usage.charged - usage.pending
            )

    def broke(self, name: str, error: BaseException) -> None:
        """Fail the run."""
        raise AssertionError(f"seed {self.seed}: {name}, at {self.loop.now_ms} ms") from error

    def outcome(self) -> Outcome:
        """Judge what happened."""
        spans, plan = self.platform.spans, self.plan
        return Outcome(
            seed=self.seed,
            worst=worst_window(spans, plan.window_ms),
            limit=plan.limit,
            used_ppm=used_ppm(spans, plan.limit, plan.window_ms),
            short=self._short,
            requests=len(spans),
            messages=self._messages,
            events=dict(sorted(self._events.items())),
            trace=self._trace.hexdigest(),
        )


def used_ppm(spans: Sequence[Span], limit: int, window_ms: int) -> int:
    """Return how much of the limit was used, from the first limit's worth of posts on.

    A limit that is used up again and again in the same way is used up once in the time from a post
    to the one that comes a limit later; ideally that is a window.
    """
    total, lap_ms, laps, first = 0, 0, 0, 0
    for span in spans:
        total += span.posts
        while total - spans[first].posts >= limit:
            total -= spans[first].posts
            lap_ms += span.first_ms - spans[first].first_ms
            laps, first = laps + 1, first + 1
    return window_ms * laps * PPM // lap_ms if laps else 0


def simulate(seed: int, plan: Plan) -> Outcome:
    """Run one seed's world to its end and judge it."""
    world = World(seed, plan)
    with seeded(world.random):
        world.loop.run(world.run())
        outcome = world.outcome()
        world.loop.run(world.end())
    return outcome


@contextmanager
def seeded(random: Random) -> Iterator[None]:
    """Let names that Governor draws by chance come from the seed too, so that a replay is one."""
    drawn = secrets.token_hex
    secrets.token_hex = lambda nbytes=None: random.randbytes(nbytes or 32).hex()
    try:
        yield
    finally:
        secrets.token_hex = drawn
