"""What goes over the line to Redis and back: messages and answers as msgpack arrays.

Redis reads msgpack itself (cmsgpack), so the script neither parses text nor guesses at types.
Arrays and not maps: a Lua table with numbered fields has an order, so the same message always has
the same bytes. An empty Lua table packs as an array, and a Lua array cannot hold nil; where a
number may be absent, -1 stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from governor.core.ledger.messages import (
    Answer,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Reply,
    Stale,
    Usage,
)
from governor.core.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.core.ledger.messages import Account, Message, WholeRow

NONE: Final = -1


class IdentityWire(msgspec.Struct, array_like=True):
    """Which ledger speaks."""

    epoch: int
    run_id: str
    replication_id: str


class GrantWire(msgspec.Struct, array_like=True):
    """The answer to one ask."""

    granted: int
    account: str
    retry_at_ms: int
    never: int


class UsageWire(msgspec.Struct, array_like=True):
    """What one account holds."""

    account: str
    charged: int
    pending: int
    limit: int
    next_free_ms: int


class ReplyWire(msgspec.Struct, array_like=True, tag="reply"):
    """A message that was heard."""

    nonce: str
    seq: int
    identity: IdentityWire
    time_ms: int
    high_ms: int
    store_offset_ms: int
    boot_offset_ms: int
    open: int
    grants: tuple[GrantWire, ...]
    usage: tuple[UsageWire, ...]
    stepped: tuple[str, ...]
    store_ms: int


class DoubtWire(msgspec.Struct, array_like=True, tag="doubt"):
    """A message that changed nothing; epoch 0 says that no ledger is there."""

    nonce: str
    reason: DoubtReason
    epoch: int
    run_id: str
    replication_id: str


class FencedWire(msgspec.Struct, array_like=True, tag="fenced"):
    """A message of a generation that is dead."""

    nonce: str


class StaleWire(msgspec.Struct, array_like=True, tag="stale"):
    """A message that was overtaken."""

    nonce: str


AnswerWire = ReplyWire | DoubtWire | FencedWire | StaleWire
_ANSWER: Final[msgspec.msgpack.Decoder[AnswerWire]] = msgspec.msgpack.Decoder(AnswerWire)


def encode(message: Message) -> bytes:
    """Return a message as `converse.lua` reads it; the same message has the same bytes."""
    identity = message.identity
    return msgspec.msgpack.encode(
        (
            message.member,
            (identity.epoch, identity.run_id, identity.replication_id),
            message.generation,
            message.seq,
            message.acked,
            message.nonce,
            message.boot_ms,
            [
                (account, value.pending, value.charged, value.lingered)
                for account, value in message.values.items()
            ],
            [(ask.patience_ms, ask.amounts) for ask in message.asks],
            None if message.whole is None else _whole(message.whole),
            [
                (account.name, _or_none(account.limit), account.window_ms)
                for account in message.accounts
            ],
        )
    )


def _whole(whole: WholeRow) -> tuple[object, ...]:
    return (
        whole.time_ms,
        whole.high_ms,
        whole.boot_offset_ms,
        [(account, value.charged, value.lingered) for account, value in whole.spread.items()],
        [(account, list(buckets.items())) for account, buckets in whole.buckets.items()],
    )


class Begins(NamedTuple):
    """The posts that an account is charged as it begins: which, only the ledger knows."""

    made: int  # the ledger is made with it
    joined: int  # the ledger was there, and counted nothing for this account


def encode_accounts(
    accounts: Iterable[Account], *, member: str = "", begins: Mapping[str, Begins] | None = None
) -> bytes:
    """Return accounts as `create.lua` reads them; what it charges, it charges to `member`."""
    charged = begins or {}
    return msgspec.msgpack.encode((member, [_beginning(each, charged) for each in accounts]))


def _beginning(account: Account, begins: Mapping[str, Begins]) -> tuple[object, ...]:
    return (
        account.name,
        _or_none(account.limit),
        account.window_ms,
        Window(account.window_ms).ring_length,
        *begins.get(account.name, Begins(0, 0)),
    )


def decode(answer: bytes) -> Answer:
    """Return what the script said. Raises msgspec.MsgspecError for bytes that are no answer."""
    match _ANSWER.decode(answer):
        case ReplyWire() as reply:
            return _reply(reply)
        case DoubtWire() as doubt:
            identity = Identity(doubt.epoch, doubt.run_id, doubt.replication_id)
            return Doubt(doubt.nonce, doubt.reason, identity if doubt.epoch else None)
        case FencedWire() as fenced:
            return Fenced(fenced.nonce)
        case StaleWire() as stale:
            return Stale(stale.nonce)


def _reply(reply: ReplyWire) -> Reply:
    return Reply(
        nonce=reply.nonce,
        seq=reply.seq,
        identity=Identity(
            reply.identity.epoch, reply.identity.run_id, reply.identity.replication_id
        ),
        time_ms=reply.time_ms,
        high_ms=reply.high_ms,
        store_offset_ms=reply.store_offset_ms,
        boot_offset_ms=reply.boot_offset_ms,
        open=bool(reply.open),
        grants=tuple(
            Grant(
                granted=bool(grant.granted),
                account=grant.account,
                retry_at_ms=_known(grant.retry_at_ms),
                never=bool(grant.never),
            )
            for grant in reply.grants
        ),
        usage={
            usage.account: Usage(
                usage.charged, usage.pending, _known(usage.limit), _known(usage.next_free_ms)
            )
            for usage in reply.usage
        },
        stepped=reply.stepped,
        store_ms=reply.store_ms,
    )


def _or_none(number: int | None) -> int:
    return NONE if number is None else number


def _known(number: int) -> int | None:
    return None if number == NONE else number
