"""Which asks fit: each on all of its accounts or on none, in order, the patient keeping theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.messages import Ask, Grant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from governor.core.ledger.accounts import AccountState


def decide(
    asks: tuple[Ask, ...], accounts: Mapping[str, AccountState], *, now_ms: int
) -> tuple[Grant, ...]:
    """Answer each ask, and add what is granted to what the accounts hold.

    What a refused ask may wait for is promised to it: nothing later in the batch overtakes it.
    """
    ahead: dict[str, int] = {}
    grants = []
    for ask in asks:
        grant = _grant(ask, accounts, ahead)
        if grant.granted:
            for account, posts in ask.amounts:
                accounts[account].pending += posts
        elif _may_wait(ask, grant, now_ms):
            for account, posts in ask.amounts:
                if accounts[account].shortage(posts + ahead.get(account, 0)) > 0:
                    ahead[account] = ahead.get(account, 0) + posts
        grants.append(grant)
    return tuple(grants)


def _grant(ask: Ask, accounts: Mapping[str, AccountState], ahead: Mapping[str, int]) -> Grant:
    """Decide one ask, with `ahead` posts of each account promised to those before it."""
    for account, posts in ask.amounts:
        limit = accounts[account].limit
        if limit is not None and posts > limit:
            return Grant(granted=False, account=account, never=True)
    latest: Grant | None = None
    for account, posts in ask.amounts:
        state = accounts[account]
        short = state.shortage(posts + ahead.get(account, 0))
        if short <= 0:
            continue
        retry_at_ms = state.ring.frees_ms(short)
        if retry_at_ms is None:
            return Grant(granted=False, account=account)
        if latest is None or retry_at_ms > (latest.retry_at_ms or 0):
            latest = Grant(granted=False, account=account, retry_at_ms=retry_at_ms)
    return latest or Grant(granted=True)


def _may_wait(ask: Ask, refused: Grant, now_ms: int) -> bool:
    """Say whether a refused ask keeps its place before those that came after it."""
    if refused.never or ask.patience_ms == 0:
        return False
    return refused.retry_at_ms is None or refused.retry_at_ms <= now_ms + ask.patience_ms
