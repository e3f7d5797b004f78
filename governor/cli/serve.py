"""`governor run`: every part built, connected, and taken down in the right order.

Down means: nothing new is accepted, running exchanges end within `drain` or are charged in full,
what was charged is told to the ledger, and the journal is closed last. A second signal cuts the
first wait short.
"""

from __future__ import annotations

import asyncio
import signal
import ssl
import sys
from contextlib import AsyncExitStack
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import governor
from governor import recovery
from governor.admin import Admin
from governor.certs import Leaves, bundle
from governor.cli import parts
from governor.cli.report import Reporter
from governor.clock import SystemClock
from governor.config.values import endpoint
from governor.conversation import Conversation
from governor.core import policy
from governor.core.identity import identify
from governor.errors import ConfigError
from governor.exchange import Exchange, Governed
from governor.journal import Journal
from governor.log import Log
from governor.metrics import Metrics
from governor.proxy import Pages, Proxy, Relay
from governor.store import EmbeddedStore
from governor.tasks import Tasks
from governor.upstream import HttpUpstream, Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.certs import CertificateAuthority
    from governor.config import Config
    from governor.core.catalog import Catalog
    from governor.core.ledger.state import MemberState

LAST_S = 5.0  # for resolutions after the drain: two commits and a message to the ledger


async def serve(config: Config, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT, then go down. Raises OperatorError if it cannot start."""
    async with AsyncExitStack() as stack:
        running = Running(config, stack)
        await running.start()
        for line in running.welcome():
            say(line)
        await running.until_stopped()


class Running:
    """One serving Governor. What it opens is closed by `stack`, in reverse order."""

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self._config, self._stack = config, stack
        self._clock = SystemClock()
        log = config.log
        self._log = Log(sys.stderr, self._clock, style=log.format, level=log.level)
        self._tasks = Tasks(self._log.task_failed)
        self._resolving = Tasks(self._log.task_failed)
        self._stops = asyncio.Queue[signal.Signals](maxsize=8)
        self._talks: dict[str, Conversation] = {}

    async def start(self) -> None:
        """Build everything and listen. Raises OperatorError."""
        config, clock = self._config, self._clock
        read = parts.read_catalogs(config)
        jobs = {job.name: job for job in config.jobs()}
        self._journal = Journal.open(
            config.ledger.state,
            clock=clock,
            create=False,
            observe=self._observe_journal,
        )
        self._stack.push_async_callback(self._journal.close)
        authority = parts.load_ca(config, read, clock)
        self._metrics = Metrics(
            contracts=config.contracts(),
            jobs=config.jobs(),
            operations={name: catalog.operations for name, catalog in read.items()},
            snapshots=lambda: [talk.snapshot() for talk in self._talks.values()],
            clock=clock,
            ca_expires_ms=authority.expires_ms,
            version=governor.__version__,
        )
        state = await recovery.start(self._journal, clock)
        self._stack.push_async_callback(self._keep_checkpoint)
        self._stack.push_async_callback(self._tasks.cancel)
        governed = [
            await self._govern(contract, read[contract.name], state)
            for contract in config.contracts()
        ]
        self._stack.push_async_callback(self._resolving.drain, LAST_S)
        await self._open_doors(tuple(governed), jobs, read, authority)

    def _observe_journal(self, seconds: float) -> None:
        """Pass on how long a commit took; the metrics are made after the journal is opened."""
        self._metrics.journal(seconds)

    async def _govern(
        self, contract: policy.Contract, catalog: Catalog, state: MemberState
    ) -> Governed:
        """Join the contract's ledger."""
        config, clock = self._config, self._clock
        known = recovery.require_home(state, contract.name, parts.home(config))
        shown = policy.accounts(contract, config.jobs())
        accounts = recovery.strictest(known, shown)
        for before, after in zip(shown, accounts, strict=True):
            if before.limit != after.limit:
                self._log.warning(
                    "a limit is not raised without an operator's word",
                    account=after.name,
                    configured=before.limit,
                    enforced=after.limit,
                )
        if accounts != tuple(known.accounts.values()):
            await recovery.adopt(
                self._journal,
                state,
                contract.name,
                home=known.home,
                identity=known.identity,
                accounts=accounts,
                clock=clock,
            )
        store = parts.store(config, contract.name, known, clock)
        self._stack.push_async_callback(store.close)
        if not isinstance(store, EmbeddedStore):
            await store.identity()  # raises if Redis does not answer: better now than at a request
        talk = Conversation(
            contract.name,
            state,
            ledger=store,
            journal=self._journal,
            clock=clock,
            tasks=self._tasks,
            observe=partial(self._metrics.ledger, contract.name),
        )
        await talk.join()
        self._stack.push_async_callback(talk.close)
        self._talks[contract.name] = talk
        return Governed(contract, catalog, talk)

    async def _open_doors(
        self,
        governed: tuple[Governed, ...],
        jobs: dict[str, policy.Job],
        read: dict[str, Catalog],
        authority: CertificateAuthority,
    ) -> None:
        """Listen on both ports."""
        config, listeners = self._config, set[tuple[str, int]]()
        upstream = HttpUpstream(
            Route.of(
                allow_addresses=config.upstream.allow_addresses,
                listeners=listeners,
                connect_to=config.upstream.connect_to,
                proxy=config.upstream.proxy,
            ),
            connect_timeout_ms=config.upstream.connect_timeout,
            read_timeout_ms=config.upstream.read_timeout,
            ca_file=config.upstream.ca_file,
        )
        self._stack.push_async_callback(upstream.close)
        self._exchange = Exchange(
            governed,
            jobs,
            upstream=upstream,
            journal=self._journal,
            clock=self._clock,
            tasks=self._resolving,
            record=Reporter(self._metrics, self._log),
        )
        self._proxy = Proxy(
            exchange=self._exchange,
            relay=Relay(upstream),
            internal=Pages(lambda: bundle(authority.pem)),
            governs=self._exchange.governs,
            leaf=Leaves(authority, parts.domains(read), self._clock.wall_ms).context,
            dial=upstream.dial,
            identify=partial(identify, jobs),
            tasks=self._tasks,
            other_hosts=config.upstream.other_hosts,
        )
        token = config.listen.admin_token_file
        admin = Admin(
            metrics=self._metrics.text,
            live=self._live,
            ready=self._ready,
            status=self.status,
            admin_token=None if token is None else parts.secret(token),
        )
        host, port = endpoint(config.listen.admin)
        listeners |= own(host, await admin.listen(host, port))
        self._stack.push_async_callback(admin.close)
        host, port = endpoint(config.listen.proxy)
        listeners |= own(host, await self._proxy.listen(host, port, _tls(config)))
        self._stack.push_async_callback(self._proxy.close, 0)

    def welcome(self) -> list[str]:
        """Return what to do next, for whoever started it by hand."""
        scheme = "https" if self._config.listen.tls_cert else "http"
        proxy = f"{scheme}://{self._config.listen.proxy}"
        return [
            f"governor {governor.__version__} serves on {proxy}",
            '  route a crawler:  eval "$(governor env)"',
            f"  or by base URL:   {proxy}/gateway/api.x.com/2/tweets/search/recent?query=...",
            f"  watch:            governor status, http://{self._config.listen.admin}/metrics",
        ]

    async def until_stopped(self) -> None:
        """Wait for a signal, then drain; a second signal ends the drain."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stops.put_nowait, each)
        received = await self._stops.get()
        self._log.info("stopping", signal=received.name)
        draining = self._tasks.start(
            self._proxy.close(self._config.upstream.drain / 1_000), "drain"
        )
        again = self._tasks.start(self._stops.get(), "second signal")
        await asyncio.wait((draining, again), return_when=asyncio.FIRST_COMPLETED)
        for task in (draining, again):
            task.cancel()

    async def _keep_checkpoint(self) -> None:
        """Spare the next start the replay of this run."""
        if not self._journal.broken:
            last, state = recovery.load(self._journal)
            await self._journal.write_checkpoint(last, recovery.packed(state))

    async def _live(self) -> None:
        await asyncio.sleep(0)  # the loop turns: that is all there is to it

    async def _ready(self) -> tuple[bool, str]:
        """Ask every ledger for nothing, through the whole path; see whether the journal writes."""
        if self._journal.broken:
            return False, "the journal cannot be written"
        for name, talk in self._talks.items():
            if (doubt := await talk.probe()) is not None:
                return False, f"contract {name}: {doubt}"
        return True, "ready"

    def status(self) -> dict[str, Any]:
        """Return how everything stands, as JSON can say it."""
        return {
            "version": governor.__version__,
            "member": self._journal.member,
            "contracts": [
                contract_status(contract, self._talks[contract.name])
                for contract in self._config.contracts()
            ],
        }


def contract_status(contract: policy.Contract, talk: Conversation) -> dict[str, Any]:
    """Return one contract's part of /status. Posts, and milliseconds of ledger time."""
    seen = talk.snapshot()
    return {
        "name": contract.name,
        "mode": contract.mode,
        "ledger": "open" if seen.doubt is None else seen.doubt.value,
        "time_ms": seen.time_ms,
        "waiting": seen.waiting,
        "holds": seen.holds,
        "oldest_hold_ms": seen.oldest_hold_ms,
        "accounts": {
            account: {
                "limit": usage.limit,
                "charged": usage.charged,
                "held": usage.pending,
                "usage": usage.charged + usage.pending,
                "headroom": None
                if usage.limit is None
                else max(0, usage.limit - usage.charged - usage.pending),
                "next_free_ms": usage.next_free_ms,
            }
            for account, usage in seen.usage.items()
        },
    }


def own(host: str, port: int) -> set[tuple[str, int]]:
    """Return the addresses that are this Governor itself and so are never dialled.

    A name may have any address of this machine, so that a port on a name is ours on all of them.
    """
    try:
        ip_address(host)
    except ValueError:
        return {("0.0.0.0", port), ("::", port)}  # noqa: S104  # nothing is bound to it
    return {(host, port)}


def _tls(config: Config) -> ssl.SSLContext | None:
    """Return how the proxy port itself is encrypted, if it is. Raises ConfigError."""
    cert, key = config.listen.tls_cert, config.listen.tls_key
    if cert is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(cert, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigError(
            f"listen.tls_cert: {cert} and {key} are no certificate and key"
        ) from error
    return context
