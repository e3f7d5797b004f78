"""`governor init`: the only way a ledger comes to be.

A missing ledger is never "0 used": somebody must say that collection begins now, and what was
collected before. Whatever is there already is joined and left as it is.

It may break off anywhere and be run again. In Redis a limit begins with its charge, in one step;
the journal then learns of it from the ledger, and only then does the ledger hear of this governor.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from governor import certs, recovery
from governor.cli import parts, tears
from governor.clock import SystemClock
from governor.conversation import Conversation
from governor.core import policy
from governor.core.ledger.messages import MOST_POSTS, Identity
from governor.errors import DoubtError, LedgerError, LedgerUnreachableError, UsageError
from governor.journal import Journal
from governor.store import Begins
from governor.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.catalog import Catalog
    from governor.core.ledger.messages import Account
    from governor.core.ledger.state import MemberState
    from governor.core.policy import Contract
    from governor.store import Created


async def initialise(config: Config, used: int | None) -> list[str]:
    """Make what is missing, and return what was done, line by line.

    Raises OperatorError, or LedgerUnreachableError if Redis did not answer: then it may be run
    again, and goes on where it broke off.
    """
    if used is not None and used >= MOST_POSTS:
        raise UsageError(f"--used is below {MOST_POSTS:,} posts, and not {used:,}")
    clock = SystemClock()
    read = parts.read_catalogs(config)
    async with AsyncExitStack() as stack:
        journal = Journal.open(config.ledger.state, clock=clock, create=True)
        stack.push_async_callback(journal.close)
        if journal.torn is not None:
            sys.stderr.write(f"governor: {tears.said(journal.torn, config.ledger.state)}\n")
        said = [f"state: {config.ledger.state}", *_ca(config, read, clock)]
        state = await recovery.start(journal, clock)
        if used is None:
            _require_no_other_name(state, [contract.name for contract in config.contracts()])
        tears.require_word(state, [contract.name for contract in config.contracts()], used)
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


def _require_no_other_name(state: MemberState, names: list[str]) -> None:
    """Raise UsageError if a contract may be another one renamed, whose posts would be forgotten."""
    new = [name for name in names if name not in state.contracts]
    left = [
        name
        for name, known in state.contracts.items()
        if name not in names and any(each.charged + each.lingered for each in known.totals.values())
    ]
    if new and left:
        raise UsageError(
            f"{_named(new)} would begin with 0 posts used, but the journal holds charges of "
            f"{_named(left)}, which the configuration does not name any more. If it was renamed, "
            "put its name back; if not, say what was collected under the new one in its last "
            "window with `--used N` (0 if nothing was)."
        )


def _named(names: list[str]) -> str:
    return ("contract " if len(names) == 1 else "contracts ") + ", ".join(map(repr, names))


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
        """Create or join with what was used before, journal that, tell it, and say so."""
        name, home = self.contract.name, parts.home(self.config)
        accounts = policy.accounts(self.contract, self.config.jobs())
        known = state.contracts.get(name)
        if known is not None:
            recovery.require_home(state, name, home)
            begin = [account.name for account in accounts]
            accounts = recovery.strictest(known, accounts, begin=begin)
        have = known.accounts if known else {}
        begins = {
            account.name: self._begins(account)
            for account in accounts
            if account.name not in have and not account.is_share
        }
        if not self.config.ledger.is_shared:
            identity = known.identity if known else Identity(1, state.member, recovery.EMBEDDED)
            charged = {each: two.joined if known else two.made for each, two in begins.items()}
            new = set(charged)
        else:
            created = await self._create(state, accounts, begins)
            identity, new = created.identity, set(created.new)
            charged = {
                account: posts
                for account, posts in created.charged.items()
                if account in begins and (account in new or posts)
            }
        if any(account.name not in have for account in accounts):
            await recovery.adopt(
                self.journal,
                state,
                name,
                home=home,
                identity=identity,
                accounts=accounts,
                clock=self.clock,
                used=tuple((account, posts) for account, posts in charged.items() if posts),
            )
        await self._tell(state)
        self.is_new = bool(charged)
        if not charged:
            return [f"ledger of {name}: joined in {home}; nothing was changed"]
        return [
            f"ledger of {name}: limit {account} begins with {posts:,} posts used"
            + self._says_who(is_new=account in new)
            for account, posts in charged.items()
        ]

    def _begins(self, account: Account) -> Begins:
        """Return what a new limit begins with: the operator's word, 0 for a ledger made now.

        A limit added to a ledger in use starts full and ages in (invariant 10).
        """
        if self.used is not None:
            return Begins(self.used, self.used)
        return Begins(made=0, joined=account.limit or 0)

    def _says_who(self, *, is_new: bool) -> str:
        if not is_new:
            return ", as an earlier `governor init` that did not end told the ledger"
        return " (say otherwise with --used N)" if self.used is None else ""

    async def _create(
        self, state: MemberState, shown: tuple[Account, ...], begins: dict[str, Begins]
    ) -> Created:
        """Create or join it in Redis. What begins is charged there before anybody can use it.

        The journal then takes the ledger's word for it: a try that broke off has charged already.
        """
        known = state.contracts.get(self.contract.name)
        store = parts.redis_store(self.config, self.contract.name, self.clock)
        try:
            if known is not None and await store.identity() != known.identity:
                raise DoubtError(
                    f"Redis does not hold the ledger of contract {self.contract.name!r} that this "
                    "journal knows: posts already counted would be forgotten. Bring that Redis "
                    "back."
                )
            return await store.create(shown, member=state.member, begins=begins)
        finally:
            await store.close()

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
            if talk.doubt is not None:
                raise LedgerUnreachableError(
                    f"the ledger of contract {self.contract.name!r} did not answer: it was made "
                    "and is journaled, but has not heard of this governor. "
                    "Run `governor init` again, without --used."
                )
            await talk.close()
            await tasks.drain(1)
        finally:
            await tasks.cancel()
            await store.close()
        if failures:
            raise LedgerError(f"the ledger could not be told: {failures[0]}")
