"""What goes over the line on somebody's word: a ledger begins, it is lost, a member is dead.

As in `wire`, msgpack arrays. Each script answers in its own way, or says why it did nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from governor.core.ledger.messages import LAXEST, DoubtReason, Leniency
from governor.store import wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.core.ledger.messages import Account, Loss


class CreatedWire(msgspec.Struct, array_like=True, tag="created"):
    """A ledger that is there now."""

    identity: wire.IdentityWire
    time_ms: int
    new: tuple[str, ...]
    charged: tuple[int, ...]


class DeclaredWire(msgspec.Struct, array_like=True, tag="declared"):
    """Which ledger it is now."""

    identity: wire.IdentityWire


class RetiredWire(msgspec.Struct, array_like=True, tag="retired"):
    """A member that speaks no more."""

    charged: tuple[tuple[str, int], ...]
    frees_ms: int


class UnknownWire(msgspec.Struct, array_like=True, tag="unknown"):
    """Nobody of that name has a row; these have."""

    members: tuple[str, ...]


class DoubtedWire(msgspec.Struct, array_like=True, tag="doubt"):
    """Nothing in it may be believed, or it is closed."""

    reason: DoubtReason


class NewerWire(msgspec.Struct, array_like=True, tag="schema"):
    """A newer Governor wrote it."""

    schema: int


WordWire = CreatedWire | DeclaredWire | RetiredWire | UnknownWire | DoubtedWire | NewerWire
_WORD: Final[msgspec.msgpack.Decoder[WordWire]] = msgspec.msgpack.Decoder(WordWire)


class Begins(NamedTuple):
    """The posts that an account is charged as it begins: which, only the ledger knows."""

    made: int  # the ledger is made with it
    joined: int  # the ledger was there, and counted nothing for this account


def encode_accounts(
    accounts: Iterable[Account],
    *,
    member: str = "",
    begins: Mapping[str, Begins] | None = None,
    leniency: Leniency = LAXEST,
    raises: bool = False,
) -> bytes:
    """Return accounts as `create.lua` reads them; what it charges, it charges to `member`."""
    charged = begins or {}
    shown = [(*wire.account(each), *charged.get(each.name, Begins(0, 0))) for each in accounts]
    return msgspec.msgpack.encode((member, leniency, raises, shown))


def encode_loss(loss: Loss) -> bytes:
    """Return a loss as `declare.lua` reads it."""
    return msgspec.msgpack.encode(
        (
            wire.identity(loss.seen),
            loss.time_ms,
            loss.high_ms,
            wire.accounts(loss.accounts),
            wire.roster(loss.roster),
            loss.leniency,
            loss.named,
            loss.word,
            loss.vouches,
        )
    )


def encode_death(member: str, charged: int | None) -> bytes:
    """Return a member that is dead as `retire.lua` reads it."""
    return msgspec.msgpack.encode((member, wire.NONE if charged is None else charged))


def decode(answer: bytes) -> WordWire:
    """Return what a script said. Raises msgspec.MsgspecError for bytes that are no answer."""
    return _WORD.decode(answer)
