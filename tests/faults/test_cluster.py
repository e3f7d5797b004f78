"""The node of a Redis Cluster that keeps the ledger dies, or gives its keys away: nothing is over.

Each governor knows one node that does not keep the ledger, and is sent on from there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.cluster import Cluster
from tests.faults.fleet import crawling_fleet, require_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.fleet import Outcome

KEY: Final = "governor:{x}:ledger"

pytestmark = [pytest.mark.deep, pytest.mark.timeout(180)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Give three primaries."""
    cluster = Cluster(tmp_path / "cluster", KEY)
    yield cluster
    cluster.close()


async def test_its_node_is_killed(
    cluster: Cluster, tmp_path: Path, told: Callable[[Outcome], Outcome]
) -> None:
    async with crawling_fleet(tmp_path, f'redis = "{cluster.url}"') as fleet:
        await fleet.fill()
        with fleet.struck("kill -9 of a cluster's node"):
            await asyncio.to_thread(cluster.restart)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


async def test_its_keys_move_to_another_node(
    cluster: Cluster, tmp_path: Path, told: Callable[[Outcome], Outcome]
) -> None:
    """One key after the other; between the first and the last the ledger is on neither node."""
    async with crawling_fleet(tmp_path, f'redis = "{cluster.url}"') as fleet:
        await fleet.fill()
        with fleet.struck("a cluster's keys moved to another node"):
            await asyncio.to_thread(cluster.move)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))
