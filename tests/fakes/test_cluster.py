"""The cluster of the tests is whole, and has the face of one server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from tests.fakes.cluster import NODES, Cluster

if TYPE_CHECKING:
    from pathlib import Path

TAG = "{x}"


@pytest.mark.deep
def test_a_cluster_has_its_keys_on_one_node_and_its_url_at_another(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, TAG)
    with cluster.client() as inside, redis.Redis.from_url(cluster.url) as outside:
        inside.set(TAG, "7")
        with pytest.raises(redis.exceptions.MovedError, match=f":{cluster.owner.port}$"):
            outside.get(TAG)
        assert inside.cluster("INFO")["cluster_size"] == str(NODES)
        source = cluster.owner
        cluster.move()
    assert cluster.owner is not source
    with cluster.client() as inside:
        assert inside.get(TAG) == "7"
    cluster.owner.kill()

    cluster.refresh()

    with cluster.client() as inside:
        assert inside.dbsize() == 0
    cluster.close()
