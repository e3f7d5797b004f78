"""What the admin port is told of a running Governor: that it lives, would serve, and how it stands.

Readiness is asked of the ledger itself, through the path that a request would take; a flag that
somebody sets was rejected, since nobody would take it back when the ledger goes away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import governor
from governor.config.values import duration_text
from governor.core.ledger.messages import SHARE
from governor.core.policy import strictest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.conversation import Conversation
    from governor.core.ledger.decisions import Snapshot
    from governor.core.ledger.messages import Usage
    from governor.core.policy import Contract, Limit
    from governor.journal import Journal


class Answers:
    """The answers to /live, /ready and /status. `talks` has a conversation for each contract."""

    def __init__(
        self, contracts: tuple[Contract, ...], talks: Mapping[str, Conversation], journal: Journal
    ) -> None:
        self._contracts, self._talks, self._journal = contracts, talks, journal

    async def live(self) -> None:
        """Return as soon as the loop turns: that is all there is to it."""
        await asyncio.sleep(0)

    async def ready(self) -> tuple[bool, str]:
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
                contract_status(strictest(contract, talk.leniency), talk.snapshot())
                for contract in self._contracts
                for talk in (self._talks[contract.name],)
            ],
        }


def contract_status(contract: Contract, seen: Snapshot) -> dict[str, Any]:
    """Return one contract's part of /status. Accounts in their units, times of the ledger in ms.

    While its ledger is in doubt, `doubt_ms` says for how long; closed by a loss, it waits for the
    members `awaiting`, and if `awaits_word` for an operator.
    """
    limits = {limit.name: limit for limit in contract.limits}
    return {
        "name": contract.name,
        "mode": contract.mode,
        "ledger": "open" if seen.doubt is None else seen.doubt.value,
        "doubt_ms": seen.doubt_ms,
        "awaiting": list(seen.awaiting),
        "awaits_word": seen.awaits_word,
        "members": list(seen.members),
        "time_ms": seen.time_ms,
        "waiting": seen.waiting,
        "holds": seen.holds,
        "oldest_hold_ms": seen.oldest_hold_ms,
        "accounts": {
            name: account_status(usage, limits.get(name.partition(SHARE)[0]))
            for name, usage in seen.usage.items()
        },
    }


def account_status(usage: Usage, limit: Limit | None) -> dict[str, int | str | None]:
    """Return one account's part; without a limit of its own it has no headroom to show.

    `limit` is the one that it belongs to, None if that is not configured any more.
    """
    used = usage.charged + usage.pending
    return {
        "limit": usage.limit,
        "unit": None if limit is None else limit.unit,
        "span": None if limit is None else limit.calendar or duration_text(limit.window_ms),
        "charged": usage.charged,
        "held": usage.pending,
        "usage": used,
        "headroom": None if usage.limit is None else max(0, usage.limit - used),
        "next_free_ms": usage.next_free_ms,
    }
