"""What a reply shows of an operator's word that was given elsewhere.

An operator speaks to one governor, or to the ledger beside it; what was said binds all of them. So
whoever hears of it journals it: from journals a lost ledger gets its rules, and they are evidence.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor.core.ledger.messages import SHARE
from governor.core.ledger.records import Adopted, Vouched, Word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.core.ledger.messages import Identity, Reply
    from governor.core.ledger.records import Record
    from governor.core.ledger.state import ContractState

STEPPED_MS: Final = 5_000  # a date further off than this was set: a day's pad is nine times as much


def noticed(
    contract: str, known: ContractState, before: Reply | None, reply: Reply, *, boot_ms: int
) -> Iterator[Record]:
    """Yield what must be durable before a reply's grants are used.

    `before` is the reply before this one: the same ledger, closed, waits for a word, and then not.
    A stricter mode may have been shown by a governor that is gone by the time of a loss.
    """
    waited = before is not None and before.identity == reply.identity and before.awaits_word
    if waited and not reply.awaits_word:
        said = "the ledger waits for an operator's word no more"
        yield Vouched(contract, Word.RESTORED, said, reply.time_ms)
    rules = tuple(
        replace(account, limit=reply.usage[name].limit) if name in reply.usage else account
        for name, account in known.accounts.items()
    )
    if rules != tuple(known.accounts.values()) or reply.leniency != known.leniency:
        adopted = adoption(contract, known, reply.identity, boot_ms=boot_ms)
        yield replace(adopted, accounts=rules, leniency=reply.leniency, time_ms=reply.time_ms)


def adoption(contract: str, known: ContractState, identity: Identity, *, boot_ms: int) -> Adopted:
    """Return what is journaled when a contract goes on in a ledger of this identity."""
    return Adopted(
        contract=contract,
        home=known.home,
        identity=identity,
        accounts=tuple(known.accounts.values()),
        time_ms=known.time_ms,
        boot_ms=boot_ms,
        leniency=known.leniency,
    )


def binds_unheard_of(known: ContractState, reply: Reply) -> bool:
    """Say whether a limit binds that this governor does not count under.

    Another governor began it. It binds this one too, so nothing is sent before it is configured.
    """
    return any(
        usage.limit is not None and SHARE not in name and name not in known.accounts
        for name, usage in reply.usage.items()
    )


def turned(known: ContractState, reply: Reply, wall_offset_ms: int | None) -> bool:
    """Say whether a period runs that the journal does not know of, or by other clocks.

    That is journaled at once, with the clocks as they are: by them is judged what is granted in it.
    A clock that was set would else be judged for seconds by what it no longer shows.
    """
    runs = any(known.periods.get(text) != dated.period for text, dated in reply.periods.items())
    wall_was_set = _was_set(known.wall_offset_ms, wall_offset_ms)
    was_set = wall_was_set or _was_set(known.store_offset_ms, reply.store_offset_ms)
    return runs or (bool(reply.periods) and was_set)


def _was_set(before_ms: int | None, now_ms: int | None) -> bool:
    """Say whether a clock shows another date than ledger time has passed since; None: unknown."""
    if before_ms is None or now_ms is None:
        return before_ms != now_ms
    return abs(now_ms - before_ms) > STEPPED_MS
