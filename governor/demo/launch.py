"""One `governor run` process with a configuration and a state directory of its own.

The demo and the end-to-end tests start Governor as a user does: by its command, configured by its
file, talked to through its ports. Nothing here reaches into it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import socket
import sys
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMAND = (sys.executable, "-c", "from governor.cli import main; main()")
READY_WITHIN_S = 30.0  # a busy machine takes some seconds to import; a hung start is a defect
POLL_S = 0.05  # another process can only be asked whether it is ready; this often is cheap
STOP_WITHIN_S = 20.0
NAMES = ("api.x.com", "api.twitter.com")  # what the demo platform stands in for


@dataclass(frozen=True, slots=True)
class Terms:
    """What the contract of one demo or test allows, and how long a request may wait for it."""

    posts: int
    window: str
    max_wait: str = "4s"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the platform is to be found and whom to trust there."""

    port: int
    ca_file: Path


def free_port(taken: int = 0) -> int:
    """Return a port of loopback that was free a moment ago, and is not `taken`."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    return port if port != taken else free_port(taken)


@dataclass(slots=True)
class Launched:
    """One Governor: `create`, `start`, then talk to it; `stop` or `kill` it, and `start` again."""

    directory: Path
    terms: Terms
    place: Place
    redis: str | None = None
    proxy_port: int = field(default_factory=free_port)
    admin_port: int = 0  # 0: any other free one
    _process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        """Choose the second port when the first is known: the kernel may name one twice."""
        self.admin_port = self.admin_port or free_port(self.proxy_port)

    @property
    def proxy_url(self) -> str:
        """Where crawlers connect."""
        return f"http://127.0.0.1:{self.proxy_port}"

    @property
    def log(self) -> str:
        """All that the process has written so far."""
        return (self.directory / "governor.log").read_text(encoding="utf-8", errors="replace")

    def settings(self) -> str:
        """Return governor.toml: the platform by `connect_to`, and no other host at all."""
        routes = ", ".join(f'"{name}:443" = "127.0.0.1:{self.place.port}"' for name in NAMES)
        redis = f"redis = {json.dumps(self.redis)}\n" if self.redis else ""
        return (
            f'[listen]\nproxy = "127.0.0.1:{self.proxy_port}"\n'
            f'admin = "127.0.0.1:{self.admin_port}"\n'
            f"[ledger]\nstate = {json.dumps(str(self.directory / 'state'))}\n{redis}"
            '[log]\nformat = "json"\n'
            f"[upstream]\nconnect_to = {{ {routes} }}\n"
            f"ca_file = {json.dumps(str(self.place.ca_file))}\n"
            'allow_addresses = ["127.0.0.0/8"]\nother_hosts = "refuse"\n'
            f'[[contract]]\nname = "x"\ncatalog = "x"\nmax_wait = "{self.terms.max_wait}"\n'
            f'[[contract.limit]]\nname = "x-demo"\nposts = {self.terms.posts}\n'
            f'window = "{self.terms.window}"\n'
        )

    async def create(self) -> None:
        """Write the configuration and run `governor init`."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "governor.toml").write_text(self.settings(), encoding="utf-8")
        await self.command("init")

    async def command(self, *words: str) -> str:
        """Run one governor command to its end and return what it printed.

        Raises RuntimeError with everything it said when its exit code is not 0.
        """
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *words,
            cwd=self.directory,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        if process.returncode:
            raise RuntimeError(
                f"governor {' '.join(words)} ended with {process.returncode}:\n"
                f"{said.decode()}{complained.decode()}"
            )
        return said.decode()

    async def start(self) -> None:
        """Run `governor run` and return when it says that it is ready."""
        with (self.directory / "governor.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, "run", cwd=self.directory, env=environment(), stdout=log, stderr=log
            )
        async with asyncio.timeout(READY_WITHIN_S):
            while not await self._ready():
                if self._process.returncode is not None:
                    raise RuntimeError(f"governor run ended at once:\n{self.log}")
                await asyncio.sleep(POLL_S)

    async def _ready(self) -> bool:
        try:
            await self.read("/ready")
        except aiohttp.ClientError:
            return False
        return True

    async def read(self, path: str) -> str:
        """Return what the admin listener answers. Raises aiohttp.ClientError unless it is 200."""
        url = f"http://127.0.0.1:{self.admin_port}{path}"
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            if answer.status != HTTPStatus.OK:
                raise aiohttp.ClientError(f"{path}: {answer.status}")
            return await answer.text()

    async def metrics(self) -> Metrics:
        """Return every metric as it stands."""
        return Metrics.parse(await self.read("/metrics"))

    async def settled(self, sent: int) -> Metrics:
        """Return the metrics once `sent` exchanges are recorded and nothing is held any more.

        A crawler reads its last byte before the charge is on disk and told to the ledger.
        """
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                metrics = await self.metrics()
                refused = metrics.sum("exchanges_total", outcome="refused")
                recorded = metrics.sum("exchanges_total") - refused
                if recorded >= sent and metrics.sum("held_posts") == 0:
                    return metrics
                await asyncio.sleep(POLL_S)

    async def exports(self) -> dict[str, str]:
        """Return what `governor env` tells a crawler's shell to set."""
        lines = (await self.command("env")).splitlines()
        words = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
        return dict(word.split("=", 1) for word in words)

    async def stop(self) -> int:
        """Ask it to end, as an init system does, and return its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(how)
        async with asyncio.timeout(STOP_WITHIN_S):
            return await self._process.wait()


@dataclass(frozen=True, slots=True)
class Metrics:
    """What /metrics said: each sample's name, its labels, its value."""

    samples: tuple[tuple[str, Mapping[str, str], float], ...]

    @classmethod
    def parse(cls, text: str) -> Metrics:
        """Read the text format of Prometheus."""
        return cls(
            tuple(
                (sample.name, sample.labels, sample.value)
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            )
        )

    def sum(self, name: str, **labels: str) -> int:
        """Return the sum of all samples of this name that carry these labels; none is 0."""
        return round(
            sum(
                value
                for sample, found, value in self.samples
                if sample == f"governor_{name}" and labels.items() <= found.items()
            )
        )


def environment(exports: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a plain environment and these exports: no proxy and no CA of this machine's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **(exports or {})}
