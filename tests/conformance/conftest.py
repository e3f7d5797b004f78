"""Real servers for the conformance suite: this machine's Redis, Valkey, and a Redis Cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import Account
from tests.conformance.inside import LEDGER
from tests.conformance.twins import Twins
from tests.fakes.cluster import Cluster
from tests.fakes.redis import RedisServer, Server, packaged_program, redis_program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

DAY_MS = 86_400_000
TOTAL = Account("x-24h", 1_000, DAY_MS)
SHARE = Account("x-24h/elections", 300, DAY_MS)


KINDS = ("redis", "valkey", pytest.param("cluster", marks=pytest.mark.deep))


@pytest.fixture(scope="session", params=KINDS)
def a_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One server of each kind for the session, or a cluster, which has the same face."""
    if request.param == "cluster":
        cluster = Cluster(tmp_path_factory.mktemp("cluster"), LEDGER)
        yield cluster
        cluster.close()
        return
    program = redis_program() if request.param == "redis" else packaged_program()
    if program is None or (request.param == "redis" and program == packaged_program()):
        pytest.skip(f"no {request.param} server on this machine")
    server = RedisServer(tmp_path_factory.mktemp(request.param) / "files", program)
    yield server
    server.close()


@pytest.fixture
def server(a_server: Server) -> Server:
    """Give a server that is running and empty."""
    a_server.refresh()
    return a_server


@pytest.fixture
async def twins(server: Server) -> AsyncIterator[Twins]:
    """Give a contract with one limit and one job's share of it, in both homes."""
    twins = await Twins.create(server, TOTAL, SHARE)
    yield twins
    await twins.end()
