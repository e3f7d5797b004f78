"""The Sentinels of the tests know where the primary is, and find another when it dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.redis import RedisServer
from tests.fakes.sentinel import Guarded, Sentinel

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sentinel_sends_clients_where_it_was_told(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    other = RedisServer(tmp_path / "other")
    sentinel = Sentinel(tmp_path / "sentinel", fresh_redis)
    first = sentinel.ask("GET-MASTER-ADDR-BY-NAME")
    sentinel.watch(other)
    second = sentinel.ask("GET-MASTER-ADDR-BY-NAME")
    sentinel.close()
    other.close()

    assert (int(first[1]), int(second[1])) == (fresh_redis.port, other.port)


@pytest.mark.deep
def test_a_replica_takes_the_place_of_a_primary_that_died(tmp_path: Path) -> None:
    with Guarded(tmp_path) as guarded:
        with guarded.primary.client() as client:
            client.set("posts", "7")
            assert client.wait(2, 5_000) == 2
        old, new = guarded.primary, guarded.fail_over()

        assert not old.running()
        assert new in guarded.servers
        with new.client() as client:
            assert client.get("posts") == "7"
