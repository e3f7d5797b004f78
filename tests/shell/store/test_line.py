"""The ledger's server is found wherever it is now; what is no place for a ledger is left."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest
from redis.exceptions import ResponseError

from governor.clock import SystemClock
from governor.errors import LedgerUnreachableError
from governor.store.line import MOST_MOVES, Line, Sentinels
from tests.fakes.cluster import Cluster
from tests.fakes.redis import RedisServer
from tests.fakes.sentinel import SERVICE, Guarded, Sentinel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

KEY: Final = "governor:{x}:ledger"


@asynccontextmanager
async def line_to(where: str | Sentinels, *, password: str | None = None) -> AsyncIterator[Line]:
    line = Line(where, contract="x", clock=SystemClock(), password=password)
    yield line
    await line.hang_up()


async def refused(line: Line, *command: str) -> str:
    """Return why the server could not be reached."""
    with pytest.raises(LedgerUnreachableError) as raised:
        await line.ask(*command)
    return str(raised.value)


@pytest.fixture
def other_server(tmp_path: Path) -> Iterator[RedisServer]:
    """Give a second server."""
    server = RedisServer(tmp_path / "other")
    yield server
    server.close()


@pytest.fixture(scope="module")
def a_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give three nodes for the module's tests."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), KEY)
    yield cluster
    cluster.close()


@pytest.fixture
def cluster(a_cluster: Cluster) -> Cluster:
    """Give the nodes, running and empty."""
    a_cluster.refresh()
    return a_cluster


async def test_any_node_of_a_cluster_leads_to_the_one_that_holds_the_keys(cluster: Cluster) -> None:
    async with line_to(cluster.url) as line:
        await line.ask("SET", KEY, "7")

    with cluster.client() as inside:
        assert inside.get(KEY) == "7"


async def test_the_node_that_was_right_is_asked_even_when_the_configured_one_is_gone(
    cluster: Cluster,
) -> None:
    async with line_to(cluster.url) as line:
        await line.ask("SET", KEY, "7")
        await line.hang_up()
        cluster.other.kill()

        assert await line.ask("GET", KEY) == b"7"


async def test_the_configured_node_is_asked_when_the_one_that_was_right_is_gone(
    cluster: Cluster,
) -> None:
    """It would know where the keys went; here they went nowhere and come back."""
    async with line_to(cluster.url) as line:
        await line.ask("SET", KEY, "7")
        cluster.owner.kill()
        await refused(line, "GET", KEY)
        cluster.owner.start()
        cluster.settle()

        assert await line.ask("GET", KEY) == b"7"


@asynccontextmanager
async def node(says: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Run a node of a cluster that answers GET with `says`; give its URL and what it heard."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        about = b"role:master\r\ncluster_enabled:1\r\n"
        while said := await reader.read(1_000):
            writer.write(b"+OK\r\n" * said.count(b"SETINFO"))  # redis-py introduces itself
            if b"$4\r\nINFO" in said:
                writer.write(b"$%d\r\n%s\r\n" % (len(about), about))
            if b"$3\r\nGET" in said:
                heard.append(said)
                writer.write(says)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"redis://127.0.0.1:{port}", heard


@pytest.mark.parametrize(
    "says",
    [
        b"-ASK 3999 127.0.0.1:1\r\n",
        b"-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
        b"-CLUSTERDOWN The cluster is down\r\n",
    ],
    ids=["ask", "try again", "down"],
)
async def test_keys_on_their_way_between_nodes_are_out_of_reach(says: bytes) -> None:
    """Half of the ledger may be elsewhere; it is asked for again later."""
    async with node(says) as (url, heard), line_to(url) as line:
        await refused(line, "GET", KEY)

    assert len(heard) == 1


async def test_nodes_that_send_us_in_circles_are_not_followed_for_ever() -> None:
    async with (
        node(b"-MOVED 3999 :%d\r\n" % 0) as (url, heard),
        line_to(url) as line,
    ):
        said = await refused(line, "GET", KEY)

    assert "no node that answers keeps the ledger" in said
    assert len(heard) == MOST_MOVES


async def test_a_replica_is_no_place_for_a_ledger(
    fresh_redis: RedisServer, other_server: RedisServer
) -> None:
    with other_server.client() as inside:
        inside.replicaof("127.0.0.1", str(fresh_redis.port))
    async with line_to(other_server.url) as line:
        assert "it is a replica" in await refused(line, "GET", KEY)


async def test_a_primary_that_was_demoted_since_is_left(
    fresh_redis: RedisServer, other_server: RedisServer
) -> None:
    async with line_to(other_server.url) as line:
        await line.ask("SET", KEY, "7")
        with other_server.client() as inside:
            inside.replicaof("127.0.0.1", str(fresh_redis.port))
            demoted = await refused(line, "SET", KEY, "8")
            inside.replicaof("NO", "ONE")

        assert "read only replica" in demoted
        await line.ask("SET", KEY, "9")


async def test_what_a_server_refuses_is_no_failure_of_the_line(fresh_redis: RedisServer) -> None:
    async with line_to(fresh_redis.url) as line:
        with pytest.raises(ResponseError, match="wrong number"):
            await line.ask("GET")

        assert await line.ask("GET", KEY) is None


async def test_a_server_that_does_not_let_itself_be_looked_at_is_out_of_reach(
    fresh_redis: RedisServer,
) -> None:
    with fresh_redis.client() as inside:
        inside.acl_setuser("app", enabled=True, nopass=True, commands=["+@all", "-info"])
        async with line_to(fresh_redis.url.replace("://", "://app:x@")) as line:
            said = await refused(line, "GET", KEY)
        inside.acl_deluser("app")

    assert "info" in said


@pytest.fixture
def sentinel(fresh_redis: RedisServer, tmp_path: Path) -> Iterator[Sentinel]:
    """Give a Sentinel that watches the session's server and has a password."""
    sentinel = Sentinel(tmp_path / "sentinel", fresh_redis, password="secret")  # noqa: S106  # of this test's own
    yield sentinel
    sentinel.close()


def sentinels(*found: Sentinel, password: str | None = "secret") -> Sentinels:  # noqa: S107  # as above
    hosts = tuple(("127.0.0.1", each.port) for each in found)
    return Sentinels((("127.0.0.1", 1), *hosts), SERVICE, password)


async def test_sentinels_are_asked_one_after_the_other_where_the_primary_is(
    sentinel: Sentinel, fresh_redis: RedisServer
) -> None:
    """The first one is not there."""
    with fresh_redis.client() as inside:
        inside.set(KEY, "7")
    async with line_to(sentinels(sentinel)) as line:
        assert await line.ask("GET", KEY) == b"7"


async def test_the_primary_is_looked_up_anew_at_each_connect(
    sentinel: Sentinel, other_server: RedisServer
) -> None:
    async with line_to(sentinels(sentinel)) as line:
        await line.ask("SET", KEY, "7")
        sentinel.watch(other_server)
        await line.hang_up()

        assert await line.ask("GET", KEY) is None


@pytest.mark.parametrize("password", ["wrong", None])
async def test_sentinels_have_a_password_of_their_own(
    sentinel: Sentinel, password: str | None
) -> None:
    async with line_to(sentinels(sentinel, password=password)) as line:
        said = await refused(line, "GET", KEY)

    assert "No master found" in said
    assert "wrong " not in said


async def test_the_password_of_the_primary_is_another_one(
    fresh_redis: RedisServer, sentinel: Sentinel
) -> None:
    with fresh_redis.client() as inside:
        inside.config_set("requirepass", "right")
        try:
            async with line_to(sentinels(sentinel), password="right") as line:  # noqa: S106  # as above
                assert await line.ask("GET", KEY) is None
        finally:
            inside.config_set("requirepass", "")


async def test_a_redis_in_place_of_a_sentinel_is_told(fresh_redis: RedisServer) -> None:
    hosts = (("127.0.0.1", fresh_redis.port),)
    async with line_to(Sentinels(hosts, SERVICE)) as line:
        assert "unknown command 'SENTINEL'" in await refused(line, "GET", KEY)


@pytest.mark.deep
async def test_after_a_failover_the_new_primary_is_found(tmp_path: Path) -> None:
    with Guarded(tmp_path) as guarded:
        hosts = tuple(("127.0.0.1", each.port) for each in guarded.sentinels)
        async with line_to(Sentinels(hosts, SERVICE)) as line:
            await line.ask("SET", KEY, "7")
            await line.ask("WAIT", 2, 5_000)
            new = guarded.fail_over()
            await refused(line, "GET", KEY)

            assert await line.ask("GET", KEY) == b"7"
            with new.client() as inside:
                assert inside.get(KEY) == "7"
