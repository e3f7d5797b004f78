"""A primary, two replicas and three Sentinels that make one of the replicas primary when it dies.

All are real processes on loopback. The Sentinels are as hasty as they can be made without taking a
busy machine for a dead one: they wait a second for an answer, and agree by two of three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from tests.fakes.redis import RedisServer
from tests.fakes.until import until

if TYPE_CHECKING:
    from pathlib import Path

SERVICE: Final = "governor"
DOWN_AFTER_MS: Final = 1_000  # no answer for so long, and a Sentinel calls the primary down
FAILOVER_MS: Final = 6_000  # and so long until a failover that led to nothing is tried again
QUORUM: Final = 2
WITHIN_S: Final = 60.0  # some seconds on an idle machine


class Sentinel(RedisServer):
    """One Sentinel that watches `primary`; it keeps what it learns in a file, as they do."""

    READY = "+monitor"

    def __init__(self, directory: Path, primary: RedisServer, *, password: str = "") -> None:
        self._lines: Final = (
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} {QUORUM}",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_MS}",
            *((f"requirepass {password}",) if password else ()),
        )
        self._password: Final = password
        super().__init__(directory)

    @property
    def url(self) -> str:
        """Return what the test's own client calls it."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """Return what a configuration calls it."""
        return f"127.0.0.1:{self.port}"

    def ask(self, *words: str) -> Any:  # noqa: ANN401  # each question has its own answer
        """Ask a SENTINEL question about the service."""
        with self.client() as client:
            return client.execute_command("SENTINEL", *words, SERVICE)

    def watch(self, primary: RedisServer) -> None:
        """Send clients to another server from now on, as after a failover."""
        self.ask("REMOVE")
        with self.client() as client:
            where = ("127.0.0.1", str(primary.port), str(QUORUM))
            client.execute_command("SENTINEL", "MONITOR", SERVICE, *where)

    def _settings(self) -> list[str]:
        file = self.directory / "sentinel.conf"
        if not file.exists():
            here = (f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}")
            file.write_text("\n".join((*here, *self._lines, "")), encoding="ascii")
        return [str(file), "--sentinel"]


class Guarded:
    """Three servers, one of them primary, and three Sentinels that see to it. Use it in `with`."""

    def __init__(self, directory: Path, *settings: str) -> None:
        first = RedisServer(directory / "server-0", settings=settings)
        follow = ("--replicaof", f"127.0.0.1 {first.port}", *settings)
        replicas = (
            RedisServer(directory / f"server-{number}", settings=follow) for number in (1, 2)
        )
        self.servers: Final = [first, *replicas]
        self.sentinels: Final = [
            Sentinel(directory / f"sentinel-{number}", first) for number in range(3)
        ]
        until(self._knows_itself, within_s=WITHIN_S, what="the Sentinels know one another")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.sentinels, *self.servers):
            process.close()

    @property
    def hosts(self) -> list[str]:
        """Return what a configuration calls the Sentinels."""
        return [sentinel.host for sentinel in self.sentinels]

    @property
    def primary(self) -> RedisServer:
        """Return the server that the Sentinels send clients to."""
        _, port = self.sentinels[0].ask("GET-MASTER-ADDR-BY-NAME")
        return next(each for each in self.servers if each.port == int(port))

    def fail_over(self, *, killed: bool = True) -> RedisServer:
        """Kill or freeze the primary and return the one that took its place."""
        dead = self.primary
        dead.kill() if killed else dead.stop()
        until(
            lambda: self.primary is not dead and _role(self.primary) == "master",
            within_s=WITHIN_S,
            what="a replica takes its place",
        )
        return self.primary

    def _knows_itself(self) -> bool:
        """Whether every Sentinel knows the others, and both replicas as well as they are needed."""
        for sentinel in self.sentinels:
            others, replicas = sentinel.ask("SENTINELS"), sentinel.ask("REPLICAS")
            up = [each for each in replicas if each["master-link-status"] == "ok"]
            if (len(others), len(up)) != (2, 2):
                return False
        return True


def _role(server: RedisServer) -> str:
    with server.client() as client:
        return str(client.info("replication")["role"])
