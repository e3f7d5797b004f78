"""Whether a message and the ledger mean the same: the same accounts, the same periods.

Both are asked before anything is written, of the ledger as the message would find it: a closed one
goes on from the sender's journal first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.periods import Turns
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from governor.core.ledger.accounts import AccountState
    from governor.core.ledger.messages import Message
    from governor.core.ledger.periods import Span

    Rule = tuple[int, str, str]  # its window, its unit, its calendar


def rules_agree(
    message: Message,
    accounts: Mapping[str, AccountState],
    calendars: Mapping[str, Turns],
    *,
    now_ms: int,
) -> bool:
    """Say whether all accounts named are known: a share may be new, a limit may not.

    Window, unit and calendar must be as they were, and every bucket brought must have a place in a
    ring. `calendars` are those of the ledger and of the accounts shown, each as it goes on.
    """
    rules: dict[str, Rule] = {name: each.rule for name, each in accounts.items()}
    for account in message.accounts:
        if account.name not in rules and not account.is_share:
            return False
        shown = account.window_ms, account.unit, account.calendar
        if rules.setdefault(account.name, shown) != shown:
            return False
        if account.calendar and calendars[account.calendar].window_ms != account.window_ms:
            return False
    if not all(name in rules for name in _named(message)):
        return False
    if message.whole is None:
        return True
    spans: dict[str, Span] = {
        name: calendars[calendar] if calendar else Window(window_ms)
        for name, (window_ms, _, calendar) in rules.items()
    }
    return all(
        spans[account].in_ring(bucket, now_ms)
        for account, buckets in message.whole.buckets.items()
        for bucket in buckets
    )


def periods_agree(
    message: Message,
    accounts: Mapping[str, AccountState],
    calendars: Mapping[str, Turns],
    *,
    store_ms: int,
) -> bool:
    """Say whether a message's date and periods can be those of a ledger (`periods` says why).

    It names two periods, in order, of every calendar that an account of its counts by.
    """
    named = {text for text, _, _ in message.periods}
    counted = {account.calendar for account in message.accounts}
    counted |= {accounts[name].rule[2] for name in _named(message) if name in accounts}
    if not counted - {""} <= named:
        return False
    for text, before, running in message.periods:
        if before.number >= running.number or before.ends_ms != running.begins_ms:
            return False
        if not running.begins_ms <= message.date_ms < running.ends_ms:
            return False
        known = calendars.get(text)
        if known is None:
            continue
        if abs(message.date_ms - store_ms) > known.furthest_ms:
            return False
        if known.disagrees(before) or known.disagrees(running):
            return False
    return True


def going_on(
    message: Message, calendars: Mapping[str, Turns], *, resumes: bool
) -> dict[str, Turns]:
    """Return the calendars as a message finds them, and those that it shows. None is changed."""
    shown: dict[str, Turns] = {}
    for account in message.accounts:
        if account.calendar:
            shown.setdefault(account.calendar, Turns(account.calendar, account.window_ms))
    for text, known in calendars.items():
        shown[text] = Turns(text, known.window_ms, known.period)
    if resumes and message.whole is not None:
        for text, turns in shown.items():
            turns.resume(message.whole.periods.get(text))
    return shown


def _named(message: Message) -> Iterator[str]:
    """Yield the accounts that a message tells of, or asks for."""
    yield from message.values
    for ask in message.asks:
        yield from (account for account, _ in ask.amounts)
    if message.whole is not None:
        yield from message.whole.spread
        yield from message.whole.buckets
