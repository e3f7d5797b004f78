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
import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from redis.exceptions import NoScriptError, ResponseError

from governor.core.ledger.messages import Doubt, DoubtReason, Identity
from governor.errors import DoubtError, LedgerError, LedgerUnreachableError, SchemaError
from governor.store import wire
from governor.store.inspection import Finding, inspect
from governor.store.line import Line, Sentinels

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from governor.clock import Clock
    from governor.core.ledger.messages import Account, Answer, Message

SCHEMA: Final = 1  # of the keys in Redis; raise it when an older Governor would misread them


class Script:
    """One Lua file and the name under which Redis knows it."""

    def __init__(self, name: str) -> None:
        self.text: Final = files("governor").joinpath("lua", f"{name}.lua").read_bytes()
        self.sha1: Final = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()


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
        self._line: Final = Line(where, contract=contract, clock=clock, password=password)

    async def converse(self, message: Message) -> Answer:
        """Deliver one message, and return the ledger's answer to it.

        Raises LedgerUnreachableError if no answer came: the message may have been heard, so it is
        repeated as it was or its seq is never used again.
        """
        try:
            said = await self._run(self._converse, wire.encode(message))
        except ResponseError as error:
            return Doubt(message.nonce, DoubtReason.ERROR, detail=str(error))
        try:
            answer = wire.decode(said)
        except msgspec.MsgspecError as error:
            await self._line.hang_up()
            raise LedgerUnreachableError(
                f"the ledger of contract {self._contract!r} answered what is no answer: {error}"
            ) from error
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
        begins: Mapping[str, wire.Begins] | None = None,
    ) -> Created:
        """Create the ledger, or join the one that is there; run twice it changes nothing.

        `begins` are the posts that accounts begin with if they are new, before anybody can use
        them. `member` must be initialising and not running: they are charged to its row, and held
        there until it brings that row whole with its first message.
        Raises SchemaError if a newer Governor wrote it, DoubtError if part of it is gone, and
        LedgerError or LedgerUnreachableError if Redis will not or cannot do it.
        """
        shown = tuple(accounts)
        try:
            said = await self._run(
                self._create, wire.encode_accounts(shown, member=member, begins=begins)
            )
        except ResponseError as error:
            raise LedgerError(f"Redis refuses to keep the ledger: {error}") from error
        schema, *rest = msgspec.msgpack.decode(said)
        if schema > SCHEMA:
            raise SchemaError(
                f"the ledger of contract {self._contract!r} has schema {schema}, this Governor "
                f"knows up to {SCHEMA}. Upgrade Governor on this machine."
            )
        if not rest:
            raise DoubtError(
                f"part of the ledger of contract {self._contract!r} is gone from Redis "
                f"({self._prefix}*): posts already counted would be forgotten. Restore Redis from "
                "its append-only file."
            )
        epoch, run_id, replication_id, time_ms, new, charged = rest
        return Created(
            Identity(epoch, run_id, replication_id),
            time_ms,
            tuple(new),
            {account.name: posts for account, posts in zip(shown, charged, strict=True)},
        )

    async def identity(self) -> Identity | None:
        """Return which ledger is kept there, None if none is. Raises LedgerUnreachableError."""
        fields = ("epoch", "run_id", "replication_id")
        epoch, run_id, replication_id = await self._line.ask("HMGET", self._key, *fields)
        if epoch is None or run_id is None or replication_id is None:
            return None
        return Identity(int(epoch), run_id.decode(), replication_id.decode())

    async def settings(self) -> tuple[Finding, ...]:
        """Return how this Redis is set up, each setting judged. Raises LedgerUnreachableError."""
        info = await self._line.ask("INFO")
        found = {
            "redis_version": str(info["redis_version"]),
            "maxmemory-policy": str(info["maxmemory_policy"]),
            "appendonly": "yes" if info["aof_enabled"] else "no",
        }
        for setting in ("appendfsync", "min-replicas-to-write"):
            with contextlib.suppress(ResponseError):
                shown = await self._line.ask("CONFIG GET", setting)
                found |= {str(name): str(value) for name, value in shown.items()}
        return inspect(found, replicas=int(info["connected_slaves"]))

    async def close(self) -> None:
        """Hang up. The ledger stays."""
        await self._line.hang_up()

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
