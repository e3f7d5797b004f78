"""The ledger in Redis, shared by many governors: one script holds the whole conversation.

One connection, one message at a time, nothing pipelined: throughput comes from batching within a
message. The line is never trusted (`line.py`): every answer carries the nonce of its message,
because a client that was cancelled between a command and its reply has handed one caller another's
before (CVE-2023-28858).

A script that Redis refuses or that fails is doubt and not a dead line: whatever it was, the
message must not be repeated, because a script that fails keeps what it wrote.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from redis.exceptions import NoScriptError, ResponseError

from governor.core.ledger.messages import LAXEST, Doubt, DoubtReason, Identity, Retired
from governor.errors import (
    DoubtError,
    LedgerError,
    LedgerUnreachableError,
    SchemaError,
    UsageError,
)
from governor.store import survey, wire, words
from governor.store.inspection import Company, Finding, inspect
from governor.store.line import Line, Sentinels
from governor.store.scripts import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from governor.clock import Clock
    from governor.core.ledger.messages import Account, Answer, Leniency, Loss, Message
    from governor.store.survey import Survey

SCHEMA: Final = 3  # of the keys in Redis; raise it when an older Governor would misread them
SHOWN: Final = ("redis_version", "aof_last_write_status", "connected_slaves")
CONFIGURED: Final = (
    *("appendfsync", "no-appendfsync-on-rewrite"),
    *("min-replicas-to-write", "min-replicas-max-lag"),
)
T = TypeVar("T")
RESTORE: Final = (
    "Run the governors that knew it: they declare it lost and restore it from their journals; "
    "then say this again."
)
REMEDIES: Final = {
    DoubtReason.MISSING: f"part of it is gone from Redis. {RESTORE}",
    DoubtReason.FOREIGN: f"Redis was restarted or replaced since it was written. {RESTORE}",
    DoubtReason.MISCOUNTED: f"its sums do not add up to its rows. {RESTORE}",
    DoubtReason.EVICTING: "Redis may evict its keys. Set maxmemory-policy to noeviction.",
    DoubtReason.CLOSED: "it was lost and is being restored. Say this again when it is open; "
    "`governor status` says whom it waits for.",
    DoubtReason.CALENDAR: "no governor has told it for long which day or month it is. Run one that "
    "counts by calendar, then say this again.",
    DoubtReason.RETIRED: "an operator declared this member dead. Move its state directory away and "
    "run `governor init` as a new one.",
}


@dataclass(frozen=True, slots=True)
class Created:
    """A ledger that is there now. `new` names the accounts that it did not have before.

    `charged` is what the member's row was ever charged, by account: by this call, or by one before
    it whose answer was lost.
    """

    identity: Identity
    time_ms: int
    new: tuple[str, ...]
    charged: Mapping[str, int]


class RedisStore:
    """One contract's ledger in one Redis. Close it after use.

    `where` is a URL or Sentinels; a password given apart from a URL takes precedence.
    """

    def __init__(
        self, where: str | Sentinels, contract: str, *, clock: Clock, password: str | None = None
    ) -> None:
        self._prefix: Final = f"governor:{{{contract}}}:"  # braces: one slot of a Redis Cluster
        self._contract: Final = contract
        self._key: Final = f"{self._prefix}ledger"
        self._converse: Final = Script("converse")
        self._create: Final = Script("create")
        self._declare: Final = Script("declare")
        self._retire: Final = Script("retire")
        self._survey: Final = Script("survey")
        self._line: Final = Line(where, contract=contract, clock=clock, password=password)

    async def converse(self, message: Message) -> Answer:
        """Deliver one message, and return the ledger's answer to it.

        Raises LedgerUnreachableError if no answer came: the message may have been heard, so it is
        repeated as it was or its seq is never used again.
        """
        try:
            said = await self._run(self._converse, wire.encode(message))
        except ResponseError as error:
            detail = self._converse.located(str(error))
            return Doubt(message.nonce, DoubtReason.ERROR, detail=detail)
        answer = await self._read(said, wire.decode)
        if answer.nonce != message.nonce:
            await self._line.hang_up()
            raise LedgerUnreachableError(
                f"the ledger of contract {self._contract!r} answered another message than ours"
            )
        return answer

    async def create(
        self,
        accounts: Iterable[Account],
        *,
        member: str = "",
        begins: Mapping[str, words.Begins] | None = None,
        leniency: Leniency = LAXEST,
        raises: bool = False,
    ) -> Created:
        """Create the ledger, or join the one that is there; run twice it changes nothing.

        `begins` are the posts that accounts begin with if they are new, before anybody can use
        them. `member` must be initialising and not running: they are charged to its row, and held
        there until it brings that row whole with its first message.
        The ledger keeps the stricter of its rules and those shown, unless `raises`: an operator's
        word, durable before, that those shown hold from now on though they are laxer.
        Raises SchemaError if a newer Governor wrote it, DoubtError if it is closed or part of it is
        gone, and LedgerError or LedgerUnreachableError if Redis will not or cannot do it.
        """
        shown = tuple(accounts)
        said = words.encode_accounts(
            shown, member=member, begins=begins, leniency=leniency, raises=raises
        )
        made = await self._say(self._create, said, words.CreatedWire)
        return Created(
            made.identity.meant(),
            made.time_ms,
            made.new,
            {account.name: posts for account, posts in zip(shown, made.charged, strict=True)},
        )

    async def declare(self, loss: Loss) -> Identity:
        """Declare the ledger lost, and return which one to restore in.

        If somebody else has declared it before, that is the one that they made. Raises SchemaError
        if a newer Governor wrote it, and LedgerError or LedgerUnreachableError if Redis will not or
        cannot do it.
        """
        said = words.encode_loss(loss)
        return (await self._say(self._declare, said, words.DeclaredWire)).identity.meant()

    async def retire(self, member: str, charged: int | None) -> Retired:
        """Fence a member that an operator says is dead, and charge what it may have cost.

        `charged` None: the whole of every limit, if its row is older than a loss. Raises UsageError
        if no such member has a row, DoubtError if the ledger cannot be believed, SchemaError if a
        newer Governor wrote it, and LedgerError or LedgerUnreachableError if Redis will not or
        cannot do it.
        """
        said = words.encode_death(member, charged)
        done = await self._say(self._retire, said, words.RetiredWire)
        return Retired(done.charged, done.frees_ms)

    async def survey(self) -> Survey | None:
        """Return what the ledger is, None if there is none, and say nothing to it.

        Raises SchemaError if a newer Governor wrote it, and LedgerError or LedgerUnreachableError
        if Redis will not or cannot tell.
        """
        try:
            heard = await self._run(self._survey, b"")
        except ResponseError as error:
            located = self._survey.located(str(error))
            raise LedgerError(f"Redis refuses to show the ledger: {located}") from error
        found = await self._read(heard, survey.decode)
        if isinstance(found, int):
            raise self._newer(found)
        return found

    async def identity(self) -> Identity | None:
        """Return which ledger is kept there, None if none is. Raises LedgerUnreachableError."""
        fields = ("epoch", "run_id", "replication_id")
        epoch, run_id, replication_id = await self._line.ask("HMGET", self._key, *fields)
        if epoch is None or run_id is None or replication_id is None:
            return None
        return Identity(int(epoch), run_id.decode(), replication_id.decode())

    async def settings(self) -> tuple[Finding, ...]:
        """Return how this Redis is set up, each setting judged. Raises LedgerUnreachableError."""
        with contextlib.suppress(ResponseError):
            await self.identity()  # of a cluster, the node that keeps the ledger is judged
        info = await self._line.ask("INFO")
        company = Company(
            replicas=int(info["connected_slaves"]),
            guarded=self._line.guarded,
            clustered=bool(info.get("cluster_enabled")),
        )
        found = {
            "maxmemory-policy": str(info["maxmemory_policy"]),
            "maxmemory": f"{info['used_memory']} of {info['maxmemory']}",
            "appendonly": "yes" if info["aof_enabled"] else "no",
        } | {name: str(info[name]) for name in SHOWN if name in info}
        with contextlib.suppress(ResponseError):
            if company.clustered:
                found |= await self._line.ask("CLUSTER INFO")
            for setting in CONFIGURED:
                shown = await self._line.ask("CONFIG GET", setting)
                found |= {str(name): str(value) for name, value in shown.items()}
        return inspect(found, company)

    async def close(self) -> None:
        """Hang up. The ledger stays."""
        await self._line.hang_up()

    async def _say(self, script: Script, said: bytes, answer: type[T]) -> T:
        """Run a script that takes somebody's word; raise if it did not take it."""
        try:
            heard = await self._run(script, said)
        except ResponseError as error:
            raise LedgerError(
                f"Redis refuses to keep the ledger: {script.located(str(error))}"
            ) from error
        match done := await self._read(heard, words.decode):
            case words.NewerWire(schema):
                raise self._newer(schema)
            case words.DoubtedWire(reason):
                raise DoubtError(
                    f"the ledger of contract {self._contract!r} ({self._prefix}*) cannot be "
                    f"changed: {REMEDIES[reason]}"
                )
            case words.UnknownWire(members):
                raise UsageError(
                    f"no such member has a row in the ledger of contract {self._contract!r}; "
                    f"these have: {', '.join(sorted(members)) or 'none'}"
                )
        assert isinstance(done, answer), f"a script answered {done}"
        return done

    def _newer(self, schema: int) -> SchemaError:
        return SchemaError(
            f"the ledger of contract {self._contract!r} has schema {schema}, this Governor "
            f"knows up to {SCHEMA}. Upgrade Governor on this machine."
        )

    async def _read(self, said: bytes, decode: Callable[[bytes], T]) -> T:
        """Decode what a script said. Raises LedgerUnreachableError if no script says that."""
        try:
            return decode(said)
        except msgspec.MsgspecError as error:
            await self._line.hang_up()
            raise LedgerUnreachableError(
                f"the ledger of contract {self._contract!r} answered what is no answer: {error}"
            ) from error

    async def _run(self, script: Script, said: bytes) -> bytes:
        """Run one script, which Redis may have forgotten since. Raises ResponseError."""
        arguments = (1, self._key, self._prefix, SCHEMA, said)
        try:
            answer = await self._line.ask("EVALSHA", script.sha1, *arguments)
        except NoScriptError:
            answer = await self._line.ask("EVAL", script.text, *arguments)
        if not isinstance(answer, bytes):
            await self._line.hang_up()
            raise LedgerUnreachableError("Redis answered a script with what no script returns")
        return answer
