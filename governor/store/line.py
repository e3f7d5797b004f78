"""The line to the server that keeps a ledger: found anew at each connect, one command at a time.

It is found at a URL, or wherever the Sentinels of a service say that its primary is now. A node of
a Redis Cluster that does not hold the ledger's keys did nothing and names the one that does
(MOVED): the command is sent there. redis-py's own cluster client was rejected: it repeats commands
and knows every node, and a contract has one key tag and so one node. ASK, while keys wander from
node to node, is not followed: half of the ledger may be elsewhere.

A replica is no place for a ledger. One that was found as the primary, or that answers READONLY
because it was demoted since, is a dead line, and the primary is looked up again.

The line is never trusted. redis-py's retries are off, because only the caller may repeat a
message; reconnecting is repeated here, with INFO, before a command is ever sent.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterDownError,
    MovedError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from governor.errors import LedgerUnreachableError

if TYPE_CHECKING:
    from governor.clock import Clock

CONNECT_S: Final = 2.0  # a Redis in the same network connects in milliseconds; SYN is sent twice
REPLY_S: Final = 2.0  # the longest message takes some 10 ms; twice a slow fsync, and then doubt
CONNECT_TRIES: Final = 3  # a restarting Redis answers the second; more, and crawlers wait in vain
CONNECT_WAIT_S: Final = 0.5  # at most between two tries, at random, so that governors spread
MOST_MOVES: Final = 3  # a failover moves keys once; nodes that disagree are asked again later
LINE_ERRORS: Final = (RedisError, OSError, TimeoutError)
ELSEWHERE: Final = (AskError, TryAgainError, ClusterDownError, ReadOnlyError)  # nothing was done


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Who knows where the primary of `service` is. `password` is their own, not the primary's."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    password: str | None = None


class Line:
    """One connection to the server that keeps one contract's ledger. Hang up after use.

    `where` is redis://, rediss:// or unix://, or Sentinels; the password of the server, given
    apart from a URL, takes precedence. Raises ValueError for a URL that is none.
    """

    def __init__(
        self, where: str | Sentinels, *, contract: str, clock: Clock, password: str | None
    ) -> None:
        options: dict[str, Any] = {**parse_url(where)} if isinstance(where, str) else {}
        if password is not None:
            options["password"] = password
        self._where: Final = where
        self._options: Final = options
        self._contract: Final = contract
        self._clock: Final = clock
        self._one_at_a_time: Final = asyncio.Lock()
        self._client: Redis | None = None
        self._places: deque[dict[str, Any]] = deque([{}])  # what differs from the URL

    @property
    def guarded(self) -> bool:
        """Whether Sentinels say where the server is."""
        return isinstance(self._where, Sentinels)

    async def ask(self, *command: bytes | str | int) -> Any:  # noqa: ANN401  # each has its own
        """Send one command and return its reply.

        Raises ResponseError if the server refuses or fails at it, and LedgerUnreachableError for
        any failure of the line: then the command may have been heard.
        """
        async with self._one_at_a_time:
            try:
                return await self._send(command)
            except asyncio.CancelledError:
                await self.hang_up()
                raise
            except ELSEWHERE as error:
                await self.hang_up()
                raise self._unreachable(error) from error
            except ResponseError:
                raise
            except LINE_ERRORS as error:
                await self.hang_up()
                raise self._unreachable(error) from error

    async def hang_up(self) -> None:
        """Close the connection: whatever is still on its way must not be taken for a reply."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _unreachable(self, error: BaseException) -> LedgerUnreachableError:
        return LedgerUnreachableError(
            f"no reply from the Redis of contract {self._contract!r}: {error}"
        )

    async def _send(self, command: tuple[bytes | str | int, ...]) -> Any:  # noqa: ANN401  # as ask
        for _ in range(MOST_MOVES):
            client = self._client or await self._connect()
            try:
                return await client.execute_command(*command)  # type: ignore[no-untyped-call]  # theirs
            except MovedError as moved:
                await self.hang_up()
                self._places = deque([_address(moved), {}])
        raise self._unreachable(ClusterDownError("no node that answers keeps the ledger"))

    async def _connect(self) -> Redis:
        """Reach the server, trying again a few times; every failure is of the line."""
        async for attempt in AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(CONNECT_TRIES),
            wait=wait_random_exponential(multiplier=0.05, max=CONNECT_WAIT_S),
            retry=retry_if_exception_type(LINE_ERRORS),
            reraise=True,
        ):
            with attempt:
                try:
                    self._client = await self._reach()
                except ResponseError as error:  # such as a user who may not do it
                    raise ConnectionError(str(error)) from error
                except LINE_ERRORS:
                    self._places.rotate()
                    raise
        assert self._client is not None, "the last failure was raised"
        return self._client

    async def _reach(self) -> Redis:
        """Return a client that is connected to a server which may keep the ledger."""
        place = self._places[0]
        if isinstance(self._where, Sentinels):
            place = await _primary(self._where)
        client = _client(**self._options | place)
        try:
            found = await client.info()
        except BaseException:
            await client.aclose()
            raise
        if found["role"] != "master" and not found.get("cluster_enabled"):
            await client.aclose()
            raise ConnectionError("it is a replica, and only a primary keeps a ledger")
        return client

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_ms(round(seconds * 1_000))


def _client(**options: Any) -> Redis:  # noqa: ANN401  # redis-py's own
    pool = ConnectionPool(
        max_connections=1,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=CONNECT_S,
        socket_timeout=REPLY_S,
        **options,
    )
    return Redis.from_pool(pool)


def _address(moved: MovedError) -> dict[str, Any]:
    """Return where the keys are; a node that knows no name for it means its own host."""
    if moved.host in ("", "?"):
        return {"port": moved.port}
    return {"host": moved.host, "port": moved.port}


async def _primary(sentinels: Sentinels) -> dict[str, Any]:
    """Ask one Sentinel after the other where the primary is. Raises RedisError."""
    asked = Sentinel(  # type: ignore[no-untyped-call]  # theirs
        sentinels.hosts,
        sentinel_kwargs={
            "password": sentinels.password,
            "protocol": 2,
            "retry": Retry(NoBackoff(), 0),
            "socket_connect_timeout": CONNECT_S,
            "socket_timeout": REPLY_S,
        },
    )
    try:
        host, port = await asked.discover_master(sentinels.service)
    finally:
        for each in asked.sentinels:
            await each.aclose()
    return {"host": host, "port": port}
