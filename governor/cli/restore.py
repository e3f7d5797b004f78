"""`governor restore`: an operator's word that a ledger which forgot its members may open again.

Whoever joined a ledger is in its roster and, before any grant, in everybody's journal. If the
ledger is lost whole, the journals that come back name all whom they know; but a member whose
journal is lost as well may be named by nobody. Only a person can say that there is none. Nor does
an old copy of a ledger show that a member which had left has come back since, and if no governor
was heard up to the loss, nobody else can say that it has not.

The word is kept where it can be: by this verb in the journal, or beside a Governor that runs by
that one, when it sees that the ledger waits for a word no more. (What is said of members that left
is seen by nobody: beside a Governor that runs, it stands in no journal.) Members that are named and
have not come are waited for in any case: a word about them is `governor retire --dead`.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor import recovery
from governor.cli import parts
from governor.cli.idle import idle_member
from governor.cli.looking import look, waits_for
from governor.clock import SystemClock
from governor.config.values import duration_text
from governor.core.ledger.records import Vouched, Word
from governor.core.ledger.roster import MemberStanding
from governor.errors import DoubtError, InUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from governor.cli.idle import IdleMember
    from governor.clock import Clock
    from governor.config import Config
    from governor.core.ledger.state import ContractState, MemberState
    from governor.store import Seen, Survey

PATIENCE_MS: Final = 10_000  # the ledger waits 3 s for members that nobody knows, then for each
DECLARED_MS: Final = 3_000  # a Governor that runs speaks every second
NO_EPOCH: Final = 0  # of a ledger whose members are left, but not itself
LOOK_MS: Final = 200  # between two looks at it


async def restore(
    config: Config, say: Callable[[str], None], *, patience_ms: int = PATIENCE_MS
) -> None:
    """Let every contract's ledger open that waits for a word, and say what came of it.

    `patience_ms` is how long each may take to open. Raises DoubtError, naming each member that is
    still awaited with the remedy, ConfigError, LedgerError, and LedgerUnreachableError.
    """
    if not config.ledger.is_shared:
        say("nothing to restore: the ledger is embedded, and made from the journal at each start")
        return
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        try:
            idle = await stack.enter_async_context(idle_member(config, clock, create=False))
        except InUseError:
            idle = None
        parts.require_named(config, parts.read_journal(config).member)
        restoring = Restoring(config, clock, say, idle, patience_ms)
        closed = [
            line
            for contract in config.contracts()
            for line in await restoring.restore(contract.name)
        ]
    if closed:
        raise DoubtError("\n".join(closed))


class Restoring:
    """One operator's word, for one contract after the other. `idle`: no Governor runs here."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        say: Callable[[str], None],
        idle: IdleMember | None,
        patience_ms: int,
    ) -> None:
        self._config, self._clock, self._say, self._idle = config, clock, say, idle
        self._patience_ms = patience_ms

    async def restore(self, contract: str) -> list[str]:
        """Give the word if it is needed, bring this member's row, and wait until it is open.

        Returns what stands in the way, line by line; nothing once it is open.
        """
        known = recovery.require_home(self._state(), contract, parts.home(self._config))
        there = await self._look(contract)
        if there is not None and there.stands and there.open and there.identity == known.identity:
            self._say(f"ledger of {contract}: it is open, and there is nothing to restore")
            return []
        said = [*self._known(known, there), *self._left(known, there)]
        if said:
            await self._vouch(contract, known, there, said)
        if self._idle is None:
            return await self._wait(contract)
        async with self._idle.talking(contract):
            return await self._wait(contract)

    def _state(self) -> MemberState:
        """Return what the journal says, beside a Governor that may be writing to it."""
        if self._idle is not None:
            return self._idle.state
        return recovery.load(parts.read_journal(self._config))[1]

    async def _look(self, contract: str) -> Survey | None:
        """Return what is there. A Governor that runs here is let declare a loss itself.

        It has then heard that the ledger waits for a word, and journals that one was given.
        """
        there = await look(self._config, contract, self._clock)
        if self._idle is not None:
            return there
        member = self._state().member
        for _ in range(DECLARED_MS // LOOK_MS):
            if there is not None and any(s.member == member and s.counts for s in there.members):
                break
            await self._clock.sleep_ms(LOOK_MS)
            there = await look(self._config, contract, self._clock)
        return there

    def _known(self, known: ContractState, there: Survey | None) -> Iterator[str]:
        """Yield what must be vouched for if the ledger has forgotten who used it."""
        if not _is_forgotten(there) or self._config.ledger.members:
            return
        seen = () if there is None else there.members
        members = {self._state().member, *(entry.member for entry in known.roster)}
        members |= {each.member for each in seen}
        longest_ms = max(account.window_ms for account in known.accounts.values())
        yield (
            f"in the last {duration_text(longest_ms)} nobody has collected under it but these "
            f"members: {', '.join(sorted(members))}"
        )

    def _left(self, known: ContractState, there: Survey | None) -> Iterator[str]:
        """Yield what must be vouched for if members had left: an old copy would show that too."""
        if there is None:
            has_left = (e.member for e in known.roster if e.standing is MemberStanding.LEFT)
        else:
            has_left = (each.member for each in there.members if _is_doubted(each, there))
        left = [member for member in has_left if member != self._state().member]
        if left:
            yield f"these members have left, and not come back: {', '.join(left)}"

    async def _vouch(
        self, contract: str, known: ContractState, there: Survey | None, said: list[str]
    ) -> None:
        """Say what the operator vouches for, keep it, and tell the ledger."""
        loss = recovery.loss(known, members=self._config.ledger.members, word=True)
        if there is not None and there.stands:
            # It is the word alone that is told: about a ledger before this one, it moves nothing.
            loss = replace(loss, seen=replace(there.identity, epoch=there.identity.epoch - 1))
        for each in said:
            self._say(f"ledger of {contract}: you vouch that {each}")
        if self._idle is not None:
            word = Vouched(contract, Word.RESTORED, "; ".join(said), known.time_ms)
            await self._idle.write(word)
        store = parts.redis_store(self._config, contract, self._clock)
        try:
            await store.declare(loss)
        finally:
            await store.close()

    async def _wait(self, contract: str) -> list[str]:
        """Look at the ledger until it is open, or patience ends; return what it waits for."""
        waited_ms, there = 0, await look(self._config, contract, self._clock)
        while there is None or not (there.stands and there.open):
            if waited_ms >= self._patience_ms:
                return _closed(contract, there)
            await self._clock.sleep_ms(LOOK_MS)
            waited_ms, there = waited_ms + LOOK_MS, await look(self._config, contract, self._clock)
        self._say(f"ledger of {contract}: it is open")
        return []


def _is_forgotten(there: Survey | None) -> bool:
    """Say whether a ledger has forgotten who used it, or will be found to have, once declared."""
    if there is None or there.awaits_word:
        return True
    is_gone = there.identity.epoch == NO_EPOCH or not there.members
    return is_gone and not there.open


def _is_doubted(seen: Seen, there: Survey) -> bool:
    """Say whether a ledger waits for one that has left, or will, once it is declared lost."""
    return seen.standing is MemberStanding.LEFT and (seen.awaited or not there.stands)


def _closed(contract: str, there: Survey | None) -> list[str]:
    """Return what stands in the way of a ledger that has not opened, line by line."""
    if there is None or not there.stands:
        return [f"ledger of {contract}: nobody has brought it back: see the log of `governor run`"]
    return [
        f"ledger of {contract}: it is still closed, and waits for {what}"
        for what in waits_for(there) or ["the next word of a Governor"]
    ]
