"""What is said and asked when a journal was damaged, so that nobody overlooks it.

Governor goes on by itself, at the worst case. What it cannot do is find out why it happened, or
know of what only the lost records told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from governor.core.ledger.records import Torn
    from governor.core.ledger.state import ContractState, MemberState


CHARGED: Final = "the whole of every limit, for one window"


def facts(torn: Torn, directory: Path) -> dict[str, str]:
    """Return what a log must say of a tear."""
    return {"found": torn.found, "charged": CHARGED, "kept": str(directory / torn.kept)}


def said(torn: Torn, directory: Path) -> str:
    """Return what an operator must hear of a tear."""
    return (
        f"the journal in {directory} was damaged. {torn.found} What the lost records held is "
        f"charged as {CHARGED}. Find out what damaged it; the damaged files are kept in "
        f"{directory / torn.kept}, move them away when you have."
    )


def require_aged(contract: str, known: ContractState, now_ms: int) -> None:
    """Raise UsageError for rules to be raised while what lost records held may still count.

    `now_ms` is ledger time. Those records may have held the same word already: then more was
    collected than was charged for them, and a second raise would free it.
    """
    if known.counts_tear(now_ms):
        raise UsageError(
            f"--raise: records of this journal were lost, and what they held of contract "
            f"{contract!r} is charged as {CHARGED}. Until that is free its rules do not become "
            "laxer, for the lost records may have held a raise already: let `governor run` serve "
            "until the window has passed, then say this again."
        )


def require_word(state: MemberState, contracts: Iterable[str], used: int | None) -> None:
    """Raise UsageError if a contract would begin that lost records may have known already."""
    new = [name for name in contracts if name not in state.contracts]
    if state.torn and new and used is None:
        raise UsageError(
            f"contract {new[0]!r} would begin with 0 posts used, but records of this journal were "
            "lost, and it may have been in them: say what was collected under it in its last "
            "window with `--used N` (the whole limit if nobody knows)."
        )
