"""What goes over the line to Redis and back: messages and answers as msgpack arrays.

Redis reads msgpack itself (cmsgpack), so the script neither parses text nor guesses at types.
Arrays and not maps: a Lua table with numbered fields has an order, so the same message always has
the same bytes. An empty Lua table packs as an array, and a Lua array cannot hold nil; where a
number may be absent, -1 stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from governor.core.calendar import Period
from governor.core.ledger.messages import (
    Answer,
    Dated,
    Doubt,
    DoubtReason,
    Fenced,
    Grant,
    Identity,
    Leniency,
    Reply,
    Stale,
    Usage,
)
from governor.core.ledger.roster import MemberStanding, Roster, RosterEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from governor.core.ledger.messages import Account, Message, WholeRow

NONE: Final = -1


class IdentityWire(msgspec.Struct, array_like=True):
    """Which ledger speaks."""

    epoch: int
    run_id: str
    replication_id: str

    def meant(self) -> Identity:
        """Return it as the core knows it."""
        return Identity(self.epoch, self.run_id, self.replication_id)


class EntryWire(msgspec.Struct, array_like=True):
    """One member of the roster."""

    member: str
    generation: int
    standing: MemberStanding
    frees_ms: int


class RosterWire(msgspec.Struct, array_like=True):
    """Everybody, in no order; version 0 says that nobody is told."""

    version: int
    entries: tuple[EntryWire, ...]


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


class PeriodWire(msgspec.Struct, array_like=True):
    """One day or month."""

    number: int
    begins_ms: int
    ends_ms: int


class DatedWire(msgspec.Struct, array_like=True):
    """How one calendar stands."""

    calendar: str
    period: PeriodWire
    charges: int
    lingers: int

    def meant(self) -> Dated:
        """Return it as the core knows it."""
        told = self.period
        period = Period(told.number, told.begins_ms, told.ends_ms)
        return Dated(period, self.charges, self.lingers)


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
    roster: RosterWire
    leniency: int
    awaiting: tuple[str, ...]
    awaits_word: int
    periods: tuple[DatedWire, ...]


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
    return msgspec.msgpack.encode(
        (
            message.member,
            identity(message.identity),
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
            accounts(message.accounts),
            message.roster,
            message.anchor,
            message.leaving,
            message.leniency,
            message.kept_ms,
            message.date_ms,
            [
                (text, _period(before), _period(running))
                for text, before, running in message.periods
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
        roster(whole.roster),
        [(text, _period(period)) for text, period in whole.periods.items()],
    )


def _period(told: Period) -> tuple[object, ...]:
    return told.number, told.begins_ms, told.ends_ms


def identity(known: Identity) -> tuple[object, ...]:
    """Return an identity as the scripts read it."""
    return known.epoch, known.run_id, known.replication_id


def accounts(shown: Iterable[Account]) -> list[tuple[object, ...]]:
    """Return accounts as the scripts read them."""
    return [account(each) for each in shown]


def account(shown: Account) -> tuple[object, ...]:
    """Return one account as they read it."""
    return shown.name, limit(shown), shown.window_ms, shown.unit, shown.calendar


def limit(account: Account) -> int:
    """Return an account's limit, or what stands for none."""
    return NONE if account.limit is None else account.limit


def roster(entries: Iterable[RosterEntry]) -> list[tuple[object, ...]]:
    """Return the members that a journal knows as the scripts read them."""
    return [(entry.member, entry.generation, entry.standing, entry.frees_ms) for entry in entries]


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
        identity=reply.identity.meant(),
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
        roster=_roster(reply.roster) if reply.roster.version else None,
        leniency=Leniency(reply.leniency),
        awaiting=tuple(sorted(reply.awaiting)),
        awaits_word=bool(reply.awaits_word),
        periods={dated.calendar: dated.meant() for dated in reply.periods},
    )


def _roster(told: RosterWire) -> Roster:
    """Sort here what Redis has in no order: Lua compares names by the server's locale."""
    entries = (
        RosterEntry(entry.member, entry.generation, entry.standing, entry.frees_ms)
        for entry in told.entries
    )
    return Roster(told.version, tuple(sorted(entries, key=lambda entry: entry.member)))


def _known(number: int) -> int | None:
    return None if number == NONE else number
