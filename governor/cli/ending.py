"""Contracts that the journal knows and the configuration does not name any more.

Whatever their platforms serve would pass uncounted, and nobody would see it: a table that was lost
from a file looks like one that was taken out. So nothing starts beside such a contract until it is
put back, or an operator says that it is kept no more (`governor init --drop`). One under which
nothing was ever charged, like the built-in one of a first try, needs no word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.records import Vouched, Word
from governor.errors import DoubtError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from governor.core.ledger.state import MemberState


def left_out(state: MemberState, names: Collection[str]) -> tuple[str, ...]:
    """Return the contracts with charges, not among `names`, of which nobody said that they end."""
    return tuple(
        name
        for name, known in state.contracts.items()
        if name not in names
        and not known.ended
        and (known.claims or any(each.charged + each.lingered for each in known.totals.values()))
    )


def require_none_left_out(state: MemberState, names: Collection[str]) -> None:
    """Raise DoubtError, with the remedies, if such a contract is not among `names`."""
    left = left_out(state, names)
    if left:
        raise DoubtError(
            f"{named(left)} {'has' if len(left) == 1 else 'have'} charges in the journal and no "
            "[[contract]] in the configuration: what was governed would pass uncounted. Put it "
            "back (it costs nothing if nobody collects under it) or, if it is kept no more or has "
            f"another name now, run `governor init {' '.join(f'--drop {each}' for each in left)}`."
        )


def ended(state: MemberState, names: Collection[str]) -> Iterator[Vouched]:
    """Yield an operator's word that these contracts are kept no more."""
    for name in names:
        yield Vouched(name, Word.ENDED, f"contract {name}", state.contracts[name].time_ms)


def named(names: Collection[str]) -> str:
    """Return contracts as a message names them."""
    return ("contract " if len(names) == 1 else "contracts ") + ", ".join(map(repr, names))
