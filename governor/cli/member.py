"""The member that a serving process is: its journal kept short, its ledgers joined.

Going down it is the last to go: what was charged is told to the ledgers, what they answered is
journaled, and then a checkpoint spares the next start the replay of this run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from governor import recovery
from governor.cli import keeping, parts
from governor.cli.ending import require_none_left_out
from governor.cli.looking import configured, in_force, look
from governor.cli.report import TalkReporter
from governor.conversation import Conversation
from governor.core.rules import bind
from governor.store import EmbeddedStore
from governor.tasks import Tasks
from governor.zones import Periods

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.state import ContractState, MemberState
    from governor.core.policy import Contract
    from governor.journal import Journal
    from governor.log import Log
    from governor.metrics import Metrics

STAMPS_S = 1.0  # for what a ledger answered last to be journaled: one commit


@dataclass(frozen=True, slots=True)
class Member:
    """One member and what records for it.

    `talks` are its conversations once it has joined, and `known` is what its journal says by then.
    """

    config: Config
    contracts: tuple[Contract, ...]
    journal: Journal
    clock: Clock
    metrics: Metrics
    log: Log
    tasks: Tasks
    talks: dict[str, Conversation]
    known: dict[str, ContractState] = field(default_factory=dict)

    async def join(self, stack: AsyncExitStack) -> None:
        """Begin a generation and join every contract's ledger; `stack` takes it all down.

        Raises ConfigError, DoubtError and LedgerError, with the remedy.
        """
        parts.require_named(self.config, self.journal.member)
        state = await recovery.start(self.journal, self.clock)
        require_none_left_out(state, [contract.name for contract in self.contracts])
        stack.push_async_callback(self._keep_checkpoint)
        stack.push_async_callback(self.tasks.cancel)
        stack.push_async_callback(self.tasks.drain, STAMPS_S)
        keep_ms = self.config.ledger.keep
        oldest_ms = keeping.oldest_ms(state, self.clock.wall_ms()) - keep_ms
        self.tasks.start(self.journal.prune(oldest_ms), "retention")
        endless = Tasks(self.log.task_failed)  # by themselves its tasks do not end
        stack.push_async_callback(endless.cancel)
        endless.start(keeping.keep_short(self.journal, self.clock, keep_ms), "hourly retention")
        # All rules first: they are written with a checkpoint, which knows nothing of a live talk.
        for contract in self.contracts:
            await self._adopt_rules(contract, state)
        for contract in self.contracts:
            self.known[contract.name] = state.contracts[contract.name]
            self.talks[contract.name] = await self._join(contract, state, stack)

    async def _join(
        self, contract: Contract, state: MemberState, stack: AsyncExitStack
    ) -> Conversation:
        """Talk to one contract's ledger, from the whole row on."""
        known = state.contracts[contract.name]
        store = parts.store(self.config, contract.name, known, self.clock)
        stack.push_async_callback(store.close)
        if not isinstance(store, EmbeddedStore):
            await store.identity()  # raises if Redis does not answer: better now than at a request
        talk = Conversation(
            contract.name,
            state,
            ledger=store,
            journal=self.journal,
            clock=self.clock,
            tasks=self.tasks,
            observe=TalkReporter(contract.name, self.metrics, self.log),
            members=self.config.ledger.members,
            periods=Periods(),
        )
        await talk.join()
        stack.push_async_callback(talk.close)
        return talk

    async def _adopt_rules(self, contract: Contract, state: MemberState) -> None:
        """Journal the rules that are in force: the strictest of those that bind and are shown.

        Those that bind are the ledger's: an operator may have told another governor more.
        """
        home = parts.home(self.config)
        known = recovery.require_home(state, contract.name, home)
        binds = in_force(known, await look(self.config, contract.name, self.clock))
        assert binds is not None, "the journal knows them"
        bound = bind(binds, configured(self.config, contract))
        for change in bound.laxer:
            self.log.warning(
                "a rule is not made laxer without an operator's word, `governor init --raise`",
                contract=contract.name,
                rule=change.rule,
                configured=change.shown,
                enforced=change.binds,
            )
        adopted = {**binds.accounts, **{account.name: account for account in bound.accounts}}
        if bound.leniency == known.leniency and adopted.items() <= known.accounts.items():
            return
        await recovery.adopt(
            self.journal,
            state,
            contract.name,
            home=home,
            identity=known.identity,
            accounts=tuple(adopted.values()),
            leniency=bound.leniency,
            clock=self.clock,
        )

    async def _keep_checkpoint(self) -> None:
        if not self.journal.broken:
            await keeping.write_checkpoint(self.journal)
