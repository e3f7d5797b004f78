"""`governor init`: the only way a ledger comes to be.

A missing ledger is never "0 used": somebody must say that collection begins now, and what was
collected before. Whatever is there already is joined and left as it is.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor import certs, recovery
from governor.cli import parts
from governor.clock import SystemClock
from governor.conversation import Conversation
from governor.core import policy
from governor.core.ledger.messages import Identity
from governor.errors import DoubtError, OperatorError, UsageError
from governor.journal import Journal
from governor.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.catalog import Catalog
    from governor.core.ledger.messages import Account
    from governor.core.ledger.state import MemberState
    from governor.core.policy import Contract


async def initialise(config: Config, used: int | None) -> list[str]:
    """Make what is missing, and return what was done, line by line. Raises OperatorError."""
    clock = SystemClock()
    read = parts.read_catalogs(config)
    async with AsyncExitStack() as stack:
        journal = Journal.open(config.ledger.state, clock=clock, create=True)
        stack.push_async_callback(journal.close)
        said = [f"state: {config.ledger.state}", *_ca(config, read, clock)]
        state = await recovery.start(journal, clock)
        nothing_new = True
        for contract in config.contracts():
            making = Making(config, contract, used, journal, clock)
            lines = await making.make(state)
            nothing_new = nothing_new and not making.is_new
            said += lines
    if used and nothing_new:
        raise UsageError(
            "--used is what was collected before a ledger began; all of these exist already, "
            "and nothing was changed"
        )
    return [*said, "next: `governor run`"]


def _ca(config: Config, read: dict[str, Catalog], clock: Clock) -> Iterator[str]:
    cert, key = parts.ca_files(config)
    if config.tls.ca_cert is None and not cert.exists() and not key.exists():
        certs.create_ca(config.ledger.state, parts.domains(read), now_ms=clock.wall_ms())
        yield f"CA: made {cert}, for {', '.join(parts.domains(read))} only"
    else:
        parts.load_ca(config, read, clock)
        yield f"CA: {cert}"


@dataclass(slots=True)
class Making:
    """The ledger of one contract, made or joined."""

    config: Config
    contract: Contract
    used: int | None
    journal: Journal
    clock: Clock
    is_new: bool = False

    async def make(self, state: MemberState) -> list[str]:
        """Create or join, journal it, charge what was used before, and say so."""
        name, home = self.contract.name, parts.home(self.config)
        accounts = policy.accounts(self.contract, self.config.jobs())
        known = state.contracts.get(name)
        if known is not None:
            recovery.require_home(state, name, home)
            begin = [account.name for account in accounts]
            accounts = recovery.strictest(known, accounts, begin=begin)
        identity, new = await self._create(state, accounts)
        limits = [account for account in accounts if account.name in new and not account.is_share]
        whole = len(limits) == len(self.contract.limits)
        begins = {account.name: self._used(account, whole=whole) for account in limits}
        if known is None or any(account.name not in known.accounts for account in accounts):
            await recovery.adopt(
                self.journal,
                state,
                name,
                home=home,
                identity=identity,
                accounts=accounts,
                clock=self.clock,
                used=tuple((account, posts) for account, posts in begins.items() if posts),
            )
        self.is_new = bool(limits)
        await self._tell(state)
        if not limits:
            return [f"ledger of {name}: joined in {home}; nothing was changed"]
        return [
            f"ledger of {name}: limit {account} begins with {posts:,} posts used"
            + (" (say otherwise with --used N)" if self.used is None else "")
            for account, posts in begins.items()
        ]

    def _used(self, account: Account, *, whole: bool) -> int:
        """Return what a new limit begins with: the operator's word, 0 for a ledger just made.

        A limit added to a ledger in use starts full and ages in (invariant 10).
        """
        if self.used is not None:
            return self.used
        return 0 if whole else account.limit or 0

    async def _create(
        self, state: MemberState, shown: tuple[Account, ...]
    ) -> tuple[Identity, set[str]]:
        known = state.contracts.get(self.contract.name)
        if self.config.ledger.redis is None:
            identity = known.identity if known else Identity(1, state.member, recovery.EMBEDDED)
            have = known.accounts if known else {}
            return identity, {account.name for account in shown if account.name not in have}
        store = parts.redis_store(self.config, self.contract.name, self.clock)
        try:
            if known is not None and await store.identity() != known.identity:
                raise DoubtError(
                    f"Redis does not hold the ledger of contract {self.contract.name!r} that this "
                    "journal knows: posts already counted would be forgotten. Bring that Redis "
                    "back."
                )
            created = await store.create(shown)
        finally:
            await store.close()
        return created.identity, set(created.new)

    async def _tell(self, state: MemberState) -> None:
        """Bring this member's row to the ledger once, so that others see what it charged."""
        failures: list[BaseException] = []
        tasks = Tasks(lambda _, error: failures.append(error))
        known = state.contracts[self.contract.name]
        store = parts.store(self.config, self.contract.name, known, self.clock)
        talk = Conversation(
            self.contract.name,
            state,
            ledger=store,
            journal=self.journal,
            clock=self.clock,
            tasks=tasks,
            observe=lambda _: None,
        )
        try:
            await talk.join()
            await talk.close()
            await tasks.drain(1)
        finally:
            await tasks.cancel()
            await store.close()
        if failures:
            raise OperatorError(f"the ledger could not be told: {failures[0]}")
