"""Which rules bind: the strictest of those the ledger has and the configuration shows.

Whoever shows a stricter rule has it adopted at once and for all. A laxer one is what a slip of the
pen looks like, so it needs an operator's word (invariant 10): to raise what the configuration says
in other words, or to drop a limit that it does not name any more. A new name is a new limit, of
which nobody has counted anything: only `governor init` begins one. So a rename, another window,
calendar or unit is a new limit and a dropped one; carrying the sums over was rejected, for only the
operator knows whether both count the same.

A dropped limit stays, without a number: its name is not used again, since the posts collected
meanwhile are missing from its sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from governor.core.ledger.accounts import stricter
from governor.core.ledger.messages import Leniency
from governor.errors import DoubtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from governor.core.ledger.messages import Account

WORDS: Final = {  # each key of a contract, as it is when strict and when lax
    Leniency.SHADOW: ("mode", "enforce", "shadow"),
    Leniency.RECEIVED: ("basis", "asked", "received"),
    Leniency.UNKNOWN_CHARGED: ("unknown", "refuse", "charge"),
    Leniency.ERRORS_FREE: ("errors", "charge", "free"),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one contract, by account, and how lax the others are."""

    accounts: Mapping[str, Account]
    leniency: Leniency


@dataclass(frozen=True, slots=True)
class Laxer:
    """One rule that is shown laxer than it binds."""

    rule: str
    binds: str
    shown: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.binds} -> {self.shown}"


@dataclass(frozen=True, slots=True)
class Binding:
    """What binds from here on. `laxer` was raised if an operator said so, and is held back if not.

    `accounts` are those shown, and the dropped ones without their number.
    """

    accounts: tuple[Account, ...]
    leniency: Leniency
    laxer: tuple[Laxer, ...] = ()
    dropped: tuple[str, ...] = ()


def bind(
    known: Rules,
    shown: Rules,
    *,
    begins: bool = False,
    raises: bool = False,
    drops: Collection[str] = (),
) -> Binding:
    """Return what binds of the ledger's rules, `known`, and the configuration's, `shown`.

    `begins`: new limits may begin; `raises` and `drops` are an operator's word.
    Raises DoubtError where only such a word can help, and UsageError for one that contradicts the
    configuration.
    """
    for account in shown.accounts.values():
        _require_comparable(account, known.accounts.get(account.name), begins=begins)
    dropped = tuple(_dropped(known, shown, drops))
    accounts = (
        account if raises else _strictest(account, known.accounts.get(account.name))
        for account in shown.accounts.values()
    )
    return Binding(
        accounts=(*accounts, *(replace(known.accounts[name], limit=None) for name in dropped)),
        leniency=shown.leniency if raises else known.leniency & shown.leniency,
        laxer=tuple(_laxer(known, shown)),
        dropped=dropped,
    )


def bind_both(
    known: Rules,
    there: Rules,
    shown: Rules,
    *,
    raises: bool = False,
    drops: Collection[str] = (),
) -> Binding:
    """Return what binds when a contract moves: the rules of the old home and of the new one.

    What was dropped under the old rules is among the accounts, for the row that moves names it.
    Raises as `bind`.
    """
    first = bind(known, shown, begins=True, raises=raises, drops=drops)
    still = {each.name: each for each in first.accounts if each.name in shown.accounts}
    second = bind(there, Rules(still, first.leniency), begins=True, raises=raises, drops=drops)
    gone = {
        name: replace(account, limit=None)
        for name, account in known.accounts.items()
        if name not in still and not account.is_share
    }
    return Binding(
        accounts=tuple((gone | {each.name: each for each in second.accounts}).values()),
        leniency=second.leniency,
        laxer=tuple(dict.fromkeys((*first.laxer, *second.laxer))),
        dropped=tuple(dict.fromkeys((*first.dropped, *second.dropped))),
    )


def _require_comparable(shown: Account, known: Account | None, *, begins: bool) -> None:
    """Raise DoubtError for a limit of which not everything was counted."""
    if known is None:
        if not shown.is_share and not begins:
            raise DoubtError(
                f"limit {shown.name!r} is new: nobody has said what was collected under it. "
                "Run `governor init` (it starts full and ages in, or say `--used N`); if it is "
                "another one renamed, say `--drop` with the old name too."
            )
        return
    if (known.window_ms, known.calendar) != (shown.window_ms, shown.calendar):
        raise DoubtError(
            f"account {shown.name!r} has {_span(known)} in the ledger, {_span(shown)} in the "
            f"configuration. Give the new {'calendar' if shown.calendar else 'window'} a new name, "
            "and say `governor init --drop` with the old one."
        )
    if known.unit != shown.unit:
        raise DoubtError(
            f"account {shown.name!r} counts {known.unit} in the ledger, {shown.unit} in the "
            f"configuration: its {known.unit} would no longer be counted. Give what limits "
            f"{shown.unit} a new name, and say `governor init --drop` with the old one if that "
            "binds no more."
        )
    if known.limit is None and not shown.is_share:
        raise DoubtError(
            f"limit {shown.name!r} was dropped, and what was collected since is not in its sum. "
            "Give it a new name."
        )


def _span(account: Account) -> str:
    if account.calendar:
        return f"the calendar {account.calendar!r}"
    return f"a window of {account.window_ms} ms"


def _dropped(known: Rules, shown: Rules, drops: Collection[str]) -> Iterator[str]:
    """Yield the limits to drop; every other one that still binds must be shown."""
    for name, account in known.accounts.items():
        if account.is_share or account.limit is None:
            continue
        if name in shown.accounts:
            if name in drops:
                raise UsageError(
                    f"limit {name!r} is in the configuration: take it out before it is dropped"
                )
        elif name in drops:
            yield name
        else:
            raise DoubtError(
                f"limit {name!r} is in the ledger but not in the configuration: its posts would "
                "no longer be counted. Put it back or, if it binds no more, run "
                f"`governor init --drop {name}`."
            )


def _strictest(shown: Account, known: Account | None) -> Account:
    return shown if known is None else replace(shown, limit=stricter(known.limit, shown.limit))


def _laxer(known: Rules, shown: Rules) -> Iterator[Laxer]:
    for name, account in shown.accounts.items():
        before = known.accounts.get(name)
        if before is not None and stricter(before.limit, account.limit) != account.limit:
            rule = f"{'share' if account.is_share else 'limit'} {name}"
            yield Laxer(rule, _posts(before.limit), _posts(account.limit))
    for flag, (key, strict, lax) in WORDS.items():
        if flag in shown.leniency and flag not in known.leniency:
            yield Laxer(key, strict, lax)


def _posts(limit: int | None) -> str:
    return "none" if limit is None else f"{limit:,}"
