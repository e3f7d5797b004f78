"""A Redis Cluster of three primaries on loopback, with every slot in somebody's hands.

It has the face of one server, so that whatever runs on one runs on it: its URL is a node that does
not hold the key tag in question; what is done to it is done to the node that does.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from tests.fakes.redis import RedisServer, free_port
from tests.fakes.until import until

if TYPE_CHECKING:
    from pathlib import Path

    import redis

NODES: Final = 3
WITHIN_S: Final = 30.0  # some seconds on an idle machine
MOVE_MS: Final = 5_000  # for one key from node to node
NODE_TIMEOUT_MS: Final = 5_000  # no node is taken for dead on a busy machine


class Cluster:
    """Three nodes; `tag` is the key tag of the contract in question."""

    def __init__(self, directory: Path, tag: str, program: Path | None = None) -> None:
        self.nodes: Final = [_node(directory / f"node-{at}", program) for at in range(NODES)]
        self._slot: Final = key_slot(tag.encode())
        self._owner = self._slot * NODES // REDIS_CLUSTER_HASH_SLOTS
        self._join()

    @property
    def owner(self) -> RedisServer:
        """Return the node that holds the keys."""
        return self.nodes[self._owner]

    @property
    def other(self) -> RedisServer:
        """Return a node that does not."""
        return self.nodes[self._owner - 1]

    @property
    def url(self) -> str:
        """Return what a configuration calls it: a node that does not hold the keys."""
        return self.other.url

    def client(self) -> redis.Redis:
        """Return a blocking client of the node that holds the keys."""
        return self.owner.client()

    def kill(self) -> None:
        """Kill the node that holds the keys."""
        self.owner.kill()

    def stop(self) -> None:
        """Freeze that node."""
        self.owner.stop()

    def cont(self) -> None:
        """Let that node run on."""
        self.owner.cont()
        self.settle()

    def restart(self) -> None:
        """Kill that node and start it on the same files."""
        self.owner.restart()
        self.settle()

    def lose(self) -> None:
        """Kill that node, remove its keys and start it empty; it still knows the others."""
        self.owner.kill()
        shutil.rmtree(self.owner.directory / "appendonlydir")
        self.owner.start()
        self.settle()

    def move(self) -> None:
        """Move the keys to the next node, one after the other, as a resharding does."""
        source, target = self.owner, self.nodes[(self._owner + 1) % NODES]
        with source.client() as leaving, target.client() as coming:
            source_id, target_id = leaving.cluster("MYID"), coming.cluster("MYID")
            coming.cluster("SETSLOT", self._slot, "IMPORTING", source_id)
            leaving.cluster("SETSLOT", self._slot, "MIGRATING", target_id)
            while keys := leaving.cluster("GETKEYSINSLOT", self._slot, 1):
                leaving.migrate("127.0.0.1", target.port, keys, 0, MOVE_MS)
        for node in (target, source, *self.nodes):
            with node.client() as client:
                client.cluster("SETSLOT", self._slot, "NODE", target_id)
        self._owner = self.nodes.index(target)

    def flush(self) -> None:
        """Remove every key."""
        for node in self.nodes:
            node.flush()

    def refresh(self) -> None:
        """Make it as new for the next test."""
        for node in self.nodes:
            node.refresh()
        self.settle()

    def settle(self) -> None:
        """Wait until every node finds the cluster whole; a restarted one needs some seconds."""
        until(
            lambda: all(_is_whole(node) for node in self.nodes),
            within_s=WITHIN_S,
            what="the nodes agree",
        )

    def close(self) -> None:
        """End every process."""
        for node in self.nodes:
            node.close()

    def _join(self) -> None:
        """Give each node its third of the slots, introduce them, and wait until all agree."""
        for at, node in enumerate(self.nodes):
            first, beyond = (REDIS_CLUSTER_HASH_SLOTS * part // NODES for part in (at, at + 1))
            with node.client() as client:
                client.cluster("SET-CONFIG-EPOCH", at + 1)
                client.cluster("ADDSLOTSRANGE", first, beyond - 1)
        with self.nodes[0].client() as first_client:
            for other in self.nodes[1:]:
                with other.client() as client:
                    bus = client.config_get("cluster-port")["cluster-port"]
                first_client.cluster("MEET", "127.0.0.1", other.port, bus)
        self.settle()


def _node(directory: Path, program: Path | None) -> RedisServer:
    bus = str(free_port())  # by itself a node takes its port and 10,000, which may be anybody's
    return RedisServer(
        directory,
        program,
        settings=(
            *("--cluster-enabled", "yes", "--cluster-port", bus),
            *("--cluster-node-timeout", str(NODE_TIMEOUT_MS)),
        ),
    )


def _is_whole(node: RedisServer) -> bool:
    with node.client() as client:
        found = client.cluster("INFO")
    return (found["cluster_state"], found["cluster_known_nodes"]) == ("ok", str(NODES))
