"""`governor verify`: what the journals prove, for counsel to read and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from governor.clock import utc
from governor.core.calendar import Calendar
from governor.errors import UsageError
from governor.journal import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from governor.evidence import AccountProof, Proof, Read

ENDS: Final = {"from_ms": "from", "until_ms": "until"}  # instants, which a program gets as text


def journals(named: Sequence[Path]) -> list[Path]:
    """Return the files of the journals or state directories named. Raises UsageError."""
    files = [path / JOURNAL if path.is_dir() else path for path in named]
    for file in files:
        if not file.is_file():
            raise UsageError(f"{file} is no journal: name a journal or a state directory")
    return files


def told(proof: Proof) -> Iterator[str]:
    """Yield what was found, line by line, the verdict last."""
    for journal in proof.journals:
        yield from _journal(journal)
    for account in proof.accounts:
        yield from _account(account)
    for journal in proof.journals:
        for said in journal.said:
            yield f"word {utc(said.at_ms)} {said.contract}: {said.what}"
    for member in proof.missing:
        yield (
            f"not covered: no journal of member {member}: what it collected is not in these figures"
        )
    spans = "window or period" if any(each.calendar for each in proof.accounts) else "window"
    if not proof.sound:
        yield "NOT verified: " + "; ".join(_reasons(proof))
    elif proof.missing:
        yield (
            f"verified as far as these journals go: each is whole, and no {spans} exceeded its "
            "limit"
        )
    else:
        yield f"verified: every journal is whole, and no {spans} exceeded its limit"


def as_json(proof: Proof) -> dict[str, Any]:
    """Return the same for a program. Times are RFC 3339, null for what never was."""
    return {
        "verified": proof.sound,
        "reasons": list(_reasons(proof)),
        "missing_members": list(proof.missing),
        "journals": [
            {
                "path": str(journal.path),
                "member": journal.member,
                "records": journal.records,
                "from": _utc(journal.first_ms or None),
                "until": _utc(journal.last_ms or None),
                "head": journal.head,
                "wrong": journal.wrong,
                "words": [
                    {"at": utc(said.at_ms), "contract": said.contract, "what": said.what}
                    for said in journal.said
                ],
            }
            for journal in proof.journals
        ],
        "accounts": [
            {
                ENDS.get(name, name): _utc(value) if name in ENDS else value
                for name, value in asdict(account).items()
            }
            for account in proof.accounts
        ],
    }


def _utc(at_ms: int | None) -> str | None:
    return None if at_ms is None else utc(at_ms)


def _journal(journal: Read) -> Iterator[str]:
    if journal.records:
        yield (
            f"journal {journal.path}: {journal.records:,} records of member {journal.member}, "
            f"{utc(journal.first_ms)} to {utc(journal.last_ms)}, head {journal.head}"
        )
    else:
        yield f"journal {journal.path}: no records"
    for wrong in journal.wrong:
        yield f"  DAMAGED: {wrong}"


def _account(account: AccountProof) -> Iterator[str]:
    limit = "no limit" if account.limit is None else f"{account.limit:,}"
    over = f", EXCEEDED by {account.over:,}" if account.over else ""
    when = "never used"
    if account.from_ms is not None and account.until_ms is not None:
        when = f"{utc(account.from_ms)} to {utc(account.until_ms)}"
    yield (
        f"{account.contract} ({account.ledger}) {account.account}: worst {_span(account)} "
        f"{account.worst:,} {account.unit} of {limit}{over}, {when}"
    )
    yield (
        f"  {account.requests:,} requests asked {account.asked:,} posts, received "
        f"{account.received:,}; charged {account.charged:,} {account.unit}; "
        f"{account.orphans:,} orphans; open {account.open:,}; by word {account.by_word:,}"
    )


def _span(account: AccountProof) -> str:
    """Return what the limit holds in: any window, or a calendar's day or month."""
    if not account.calendar:
        return "window"
    calendar = Calendar.parse(account.calendar)
    return f"{calendar.period} ({str(calendar).removeprefix(calendar.period).strip()})"


def _reasons(proof: Proof) -> Iterator[str]:
    for journal in proof.journals:
        if journal.wrong:
            yield f"{journal.path} is damaged"
    for account in proof.accounts:
        if account.over:
            yield (
                f"a {_span(account)} of {account.account} exceeded its limit by {account.over:,} "
                f"{account.unit}"
            )
