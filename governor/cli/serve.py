"""`governor run`: every part built, connected, and taken down in the right order.

Down means: nothing new is accepted, running exchanges end within `drain` or are charged in full,
their resolutions become durable, the ledger is told of them, and the journal is closed last, with
a checkpoint. A second signal cuts the first wait short. The order is the order of building turned
round, which one stack keeps; a list of closes written by hand was rejected, for a start that fails
half-way would need another.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import governor
from governor.cli import doors, parts, tears
from governor.cli.answers import Answers
from governor.cli.exports import proxy_url
from governor.cli.member import Member
from governor.cli.report import Reporter
from governor.clock import SystemClock
from governor.core.raising import Raises
from governor.exchange import Exchange, Governed
from governor.journal import Journal
from governor.log import Log
from governor.metrics import Metrics
from governor.tasks import Interrupted, Tasks, unless

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.certs import CertificateAuthority
    from governor.clock import Clock
    from governor.config import Config
    from governor.conversation import Conversation
    from governor.core.catalog import Catalog
    from governor.core.policy import Contract
    from governor.proxy import Proxy

LAST_S = 5.0  # for resolutions after the drain: two commits and a message to the ledger


async def serve(config: Config, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT, then go down. Raises OperatorError if it cannot start."""
    clock = SystemClock()
    log = Log(sys.stderr, clock, style=config.log.format, level=config.log.level)
    async with AsyncExitStack() as stack:
        running = await start(config, stack, clock, log)
        stops = heed_signals(log)
        for line in welcome(config):
            say(line)
        await running.until(stops)


@dataclass(frozen=True, slots=True)
class Running:
    """One serving Governor, as `start` returns it."""

    member: Member
    proxy: Proxy
    answers: Answers

    async def until(self, stops: asyncio.Semaphore) -> None:
        """Wait for a signal, then let running exchanges end; a second signal ends that wait."""
        drain_s = self.member.config.upstream.drain / 1_000
        await stops.acquire()
        with suppress(Interrupted):
            await unless(stops.acquire(), self.proxy.close(drain_s))


async def start(config: Config, stack: AsyncExitStack, clock: Clock, log: Log) -> Running:
    """Build everything and listen; `stack` takes it down in reverse. Raises OperatorError."""
    read = parts.read_catalogs(config)
    contracts = parts.contracts(config, read)
    journal = Journal.open(
        config.ledger.state,
        clock=clock,
        create=False,
        observe=lambda seconds: metrics.journal(seconds),  # noqa: PLW0108  # made below, before the first commit
    )
    stack.push_async_callback(journal.close)
    if journal.torn is not None:
        log.error("the journal was damaged", **tears.facts(journal.torn, config.ledger.state))
    authority = parts.load_ca(config, read, clock)
    talks: dict[str, Conversation] = {}
    metrics = Metrics(
        contracts=contracts,
        jobs=config.jobs(),
        operations={name: catalog.operations for name, catalog in read.items()},
        snapshots=lambda: [talk.snapshot() for talk in talks.values()],
        clock=clock,
        ca_expires_ms=authority.expires_ms,
        version=governor.__version__,
    )
    tasks = Tasks(log.task_failed)
    member = Member(config, contracts, journal, clock, metrics, log, tasks, talks)
    await member.join(stack)
    return await listen(member, read, authority, stack)


async def listen(
    member: Member,
    read: dict[str, Catalog],
    authority: CertificateAuthority,
    stack: AsyncExitStack,
) -> Running:
    """Open both ports of a member that has joined, the crawlers' last. Raises OperatorError."""
    config = member.config
    resolving = Tasks(member.log.task_failed)
    stack.push_async_callback(resolving.drain, LAST_S)
    listeners: doors.Listeners = set()
    upstream = doors.way_out(config, listeners)
    stack.push_async_callback(upstream.close)
    exchange = Exchange(
        tuple(_governed(member, contract, read[contract.name]) for contract in member.contracts),
        {job.name: job for job in config.jobs()},
        upstream=upstream,
        journal=member.journal,
        clock=member.clock,
        tasks=resolving,
        record=Reporter(member.metrics, member.log),
    )
    answers = Answers(member.contracts, member.talks, member.journal)
    await doors.open_admin(config, answers, member.metrics, listeners, stack)
    proxy = doors.front(member, exchange, upstream, authority, parts.domains(read))
    await doors.open_proxy(config, proxy, listeners, stack)
    return Running(member, proxy, answers)


def _governed(member: Member, contract: Contract, catalog: Catalog) -> Governed:
    taught = member.known[contract.name].raises_under(catalog.sha256)
    return Governed(contract, catalog, member.talks[contract.name], Raises(taught))


def heed_signals(log: Log) -> asyncio.Semaphore:
    """Return what is released by each SIGTERM and SIGINT from now on."""
    stops = asyncio.Semaphore(0)

    def stop(received: signal.Signals) -> None:
        log.info("stopping", signal=received.name)
        stops.release()

    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, stop, each)
    return stops


def welcome(config: Config) -> list[str]:
    """Return what to do next, for whoever started it by hand."""
    proxy = proxy_url(config)
    return [
        f"governor {governor.__version__} serves on {proxy}",
        '  route a crawler:  eval "$(governor env)"',
        f"  or by base URL:   {proxy}/gateway/<host>/<path>",
        f"  watch:            governor status, http://{config.listen.admin}/metrics",
    ]
