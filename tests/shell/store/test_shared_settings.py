"""What a store tells of the Redis that it talks to: the right one, and only what it may see."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from governor.clock import SystemClock
from governor.store import RedisStore, Sentinels
from tests.fakes.cluster import Cluster
from tests.fakes.sentinel import SERVICE, Sentinel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.fakes.redis import RedisServer

LEDGER: Final = "governor:{x}:ledger"
CLOCK: Final = SystemClock()


@pytest.fixture
async def store(fresh_redis: RedisServer) -> AsyncIterator[RedisStore]:
    """Give a store at an empty Redis."""
    store = RedisStore(fresh_redis.url, "x", clock=CLOCK)
    yield store
    await store.close()


async def test_the_settings_of_a_redis_are_judged(
    store: RedisStore, fresh_redis: RedisServer
) -> None:
    assert all(finding.sound for finding in await store.settings())
    with fresh_redis.client() as inside:
        inside.config_set("maxmemory-policy", "allkeys-lru")

    unsound = [finding for finding in await store.settings() if not finding.sound]
    assert [finding.setting for finding in unsound] == ["maxmemory-policy"]


async def test_behind_sentinels_a_replica_is_looked_for(
    fresh_redis: RedisServer, tmp_path: Path
) -> None:
    sentinel = Sentinel(tmp_path / "sentinel", fresh_redis)
    where = Sentinels((("127.0.0.1", sentinel.port),), SERVICE)
    store = RedisStore(where, "x", clock=CLOCK)
    unsound = [finding.setting for finding in await store.settings() if not finding.sound]
    await store.close()
    sentinel.close()

    assert unsound == ["connected_slaves"]


@pytest.mark.deep
async def test_of_a_cluster_the_node_that_keeps_the_ledger_is_judged(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster", LEDGER)
    with cluster.client() as inside:
        inside.config_set("appendfsync", "everysec")
    store = RedisStore(cluster.url, "x", clock=CLOCK)
    found = {finding.setting: finding for finding in await store.settings()}
    await store.close()
    cluster.close()

    assert found["cluster_state"].sound
    assert not found["appendfsync"].sound


async def test_settings_that_may_not_be_seen_are_not_called_sound(
    fresh_redis: RedisServer,
) -> None:
    with fresh_redis.client() as inside:
        inside.acl_setuser("app", enabled=True, nopass=True, commands=["+@all", "-config"])
        store = RedisStore(fresh_redis.url.replace("://", "://app:x@"), "x", clock=CLOCK)
        found = {finding.setting: finding for finding in await store.settings()}
        await store.close()
        inside.acl_deluser("app")

    assert (found["appendfsync"].value, found["appendfsync"].sound) == ("not shown", False)
    assert found["appendonly"].sound
