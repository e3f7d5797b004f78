"""`governor init`: the only way a ledger comes to be, or its rules become laxer.

A missing ledger is never "0 used": somebody must say that collection begins now, and what was
collected before. Whatever is there already is joined and left as it is, unless an operator says
otherwise: that a limit is higher, binds no more, or is kept somewhere else.

It may break off anywhere and be run again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor import certs
from governor.cli import parts, tears
from governor.cli.ending import ended, left_out, named
from governor.cli.idle import idle_member
from governor.cli.making import Words, carry_out, plan
from governor.cli.moving import move
from governor.clock import SystemClock
from governor.core.ledger.messages import MOST_POSTS
from governor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from governor.cli.making import Plan
    from governor.clock import Clock
    from governor.config import Config
    from governor.core.catalog import Catalog
    from governor.core.ledger.state import MemberState
    from governor.core.policy import Contract


async def initialise(
    config: Config,
    used: int | None,
    *,
    moves: bool = False,
    raises: bool = False,
    drops: tuple[str, ...] = (),
) -> list[str]:
    """Make what is missing, change what an operator vouches for, and say so, line by line.

    Raises OperatorError, or LedgerUnreachableError if Redis did not answer: then it may be run
    again, and goes on where it broke off.
    """
    read = parts.read_catalogs(config)
    contracts = parts.contracts(config, read)
    _require_used(contracts, used)
    clock = SystemClock()
    async with idle_member(config, clock, create=True) as member:
        said = [f"state: {config.ledger.state}, of member {member.state.member}"]
        said += _ca(config, read, clock)
        names = [contract.name for contract in contracts]
        ends = [name for name in drops if name in left_out(member.state, names)]
        words = Words(used, moves, raises, tuple(name for name in drops if name not in ends))
        if used is None:
            _require_no_other_name(member.state, names)
        tears.require_word(member.state, names, used)
        plans = [await plan(member, contract, words) for contract in contracts]
        _require_known(words.drops, plans)
        if ends:
            await member.write(*ended(member.state, ends))
            said += [f"contract {name}: kept no more, on your word" for name in ends]
        began = False
        for each in plans:
            act = move if each.moves else carry_out
            done = await act(member, each, words)
            said += done.lines
            began = began or done.began
    if used and not began:
        raise UsageError(
            "--used is what was collected before a limit began; all of these have begun already, "
            "and nothing was charged"
        )
    return [*said, "next: `governor run`"]


def _require_used(contracts: tuple[Contract, ...], used: int | None) -> None:
    """Raise UsageError for more than a window could hold: it could not be taken back."""
    if used is None:
        return
    if used >= MOST_POSTS:
        raise UsageError(f"--used is below {MOST_POSTS:,} posts, and not {used:,}")
    for contract in contracts:
        most = _most(contract)
        if used > most:
            raise UsageError(
                f"--used {used:,} is more than contract {contract.name!r} allows at once, "
                f"and a limit cannot be more than full: {_remedy(contract, contracts, most)}"
            )


def _remedy(contract: Contract, contracts: tuple[Contract, ...], most: int) -> str:
    """Return what to say instead: never fewer for another contract than was collected there."""
    if len(contracts) == 1:
        return f"if so much was collected, say --used {most}"
    return (
        f"take {contract.name!r} out of the configuration, run this for the others, put it back, "
        f"and run `governor init` again with its own --used, up to {most}"
    )


def _most(contract: Contract) -> int:
    return max(limit.most for limit in contract.limits_on_posts or contract.limits)


def _require_no_other_name(state: MemberState, names: list[str]) -> None:
    """Raise UsageError if a contract may be another one renamed, whose posts would be forgotten."""
    new = [name for name in names if name not in state.contracts]
    left = left_out(state, names)
    if new and left:
        raise UsageError(
            f"{named(new)} would begin with 0 posts used, but the journal holds charges of "
            f"{named(left)}, which the configuration does not name any more. If it was renamed, "
            "put its name back; if not, say what was collected under the new one in its last "
            f"window with `--used N` (0 if nothing was), and `--drop {left[0]}`."
        )


def _require_known(drops: tuple[str, ...], plans: list[Plan]) -> None:
    """Raise UsageError for a limit to drop that binds nowhere: it is misspelt, or gone already."""
    binding = frozenset[str]().union(*(each.limits for each in plans))
    for name in drops:
        if name not in binding:
            raise UsageError(
                f"--drop: no limit {name!r} binds; these do: {', '.join(sorted(binding)) or 'none'}"
            )


def _ca(config: Config, read: dict[str, Catalog], clock: Clock) -> Iterator[str]:
    cert, key = parts.ca_files(config)
    if config.tls.ca_cert is None and not cert.exists() and not key.exists():
        certs.create_ca(config.ledger.state, parts.domains(read), now_ms=clock.wall_ms())
        yield f"CA: made {cert}, for {', '.join(parts.domains(read))} only"
    else:
        parts.load_ca(config, read, clock)
        yield f"CA: {cert}"
