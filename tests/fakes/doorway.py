"""A real `Proxy` on loopback whose services are stubs, for the tests of the ways in.

Nothing leaves the machine: a stub answers every request, and blind tunnels reach only the ports
that a test names. Whatever the event loop reports as unhandled is kept, and a test may judge it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import ssl
from typing import TYPE_CHECKING, Any, Literal

from governor.errors import UpstreamError
from governor.proxy.internal import Pages
from governor.proxy.listener import Proxy
from governor.tasks import Tasks
from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from governor.exchange import Downstream, Request
    from governor.proxy.connection import Deadlines

GOVERNED = "api.x.test"
OTHER = "other.test"
Play = "Callable[[Request, Downstream], Awaitable[None]]"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(request: Request, downstream: Downstream) -> None:
    """Answer with what was admitted, and the SHA-256 of the body as it was received."""
    digest, size = hashlib.sha256(), 0
    if request.has_body:
        async for chunk in downstream.body():
            digest.update(chunk)
            size += len(chunk)
    seen = {
        "method": request.method,
        "url": f"{request.scheme}://{request.host}:{request.port}{request.target}",
        "headers": request.headers,
        "job": request.job,
        "way": request.way,
        "sha256": digest.hexdigest(),
        "size": size,
    }
    body = json.dumps(seen).encode()
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    await downstream.start(200, "OK", headers)
    if request.method != "HEAD":
        await downstream.write(body)
    await downstream.finish()


class Stub:
    """A service that plays what a test tells it, and keeps what it was asked."""

    def __init__(self) -> None:
        self.play: Callable[[Request, Downstream], Awaitable[None]] = echo
        self.asked: list[Request] = []

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Keep the request and play."""
        self.asked.append(request)
        await self.play(request, downstream)


class Doorway:
    """The proxy, its stubs, and ways to reach it as a crawler would."""

    def __init__(
        self,
        folder: Path,
        *,
        other_hosts: Literal["tunnel", "refuse"] = "tunnel",
        tokens: dict[str, str] | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self.authority = TinyAuthority(folder)
        self.exchange = Stub()
        self.relay = Stub()
        self.reported: list[BaseException] = []
        self.unhandled: list[dict[str, Any]] = []
        self.dialled: list[tuple[str, int]] = []
        self.reachable: dict[tuple[str, int], int] = {}
        self.port = 0
        self._opened: list[asyncio.StreamWriter] = []
        self._tokens = tokens
        self.tasks = Tasks(lambda _, error: self.reported.append(error))
        self.proxy = Proxy(
            exchange=self.exchange,
            relay=self.relay,
            internal=Pages(lambda: self.authority.pem),
            governs=lambda host: host == "x.test" or host.endswith(".x.test"),
            leaf=self.authority.leaf,
            dial=self._dial,
            identify=self._identify,
            tasks=self.tasks,
            other_hosts=other_hosts,
            deadlines=deadlines,
        )

    async def _dial(self, host: str, port: int) -> Streams:
        self.dialled.append((host, port))
        if (host, port) not in self.reachable:
            raise UpstreamError(
                f"{host} refused the connection.", sent=False, status=502, kind="connection_refused"
            )
        return await asyncio.open_connection("127.0.0.1", self.reachable[host, port])

    def _identify(self, credentials: str | None) -> str | None:
        if self._tokens is None:
            return "default"
        return self._tokens.get(credentials or "")

    @property
    def url(self) -> str:
        """The proxy's URL."""
        return f"http://127.0.0.1:{self.port}"

    async def connect(self) -> Streams:
        """Open a connection to the proxy; it is cut at the end if a test leaves it open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._opened.append(writer)
        return reader, writer

    async def say(self, request: bytes) -> bytes:
        """Send bytes on a new connection and return all that comes until it is closed."""
        reader, writer = await self.connect()
        writer.write(request)
        return await reader.read()

    async def tunnel(self, target: str, *fields: str) -> tuple[bytes, Streams]:
        """Send a CONNECT; return the head of its answer and the open tunnel."""
        reader, writer = await self.connect()
        writer.write("\r\n".join((f"CONNECT {target} HTTP/1.1", *fields, "", "")).encode())
        return await reader.readuntil(b"\r\n\r\n"), (reader, writer)

    async def secured(self, target: str, name: str | None = None, alpn: str = "") -> Streams:
        """CONNECT and speak TLS inside, asking for `name`, the target's host unless told."""
        _, (reader, writer) = await self.tunnel(target)
        context = self.authority.trusting()
        if alpn:
            context.set_alpn_protocols(alpn.split(","))
        await writer.start_tls(context, server_hostname=name or target.partition(":")[0])
        return reader, writer

    async def close(self) -> None:
        """End the proxy and whatever a test has left open."""
        await self.proxy.close(drain_s=1)
        await self.tasks.cancel()
        for writer in self._opened:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def open_doorway(folder: Path, **settings: Any) -> AsyncIterator[Doorway]:  # noqa: ANN401  # those of Doorway
    """Run a Doorway, and insist at its end that nothing went unhandled."""
    doorway = Doorway(folder, **settings)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: doorway.unhandled.append(context)
    )
    doorway.port = await doorway.proxy.listen("127.0.0.1", 0)
    try:
        yield doorway
    finally:
        await doorway.close()
    assert doorway.reported == []
    assert doorway.unhandled == []


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read one answer that has a Content-Length: status, fields in lower case, body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.rstrip("\r\n").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return int(status.split(" ")[1]), fields, body


def basic(credentials: str) -> str:
    """Return the value of a Basic authorization field."""
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def nothing_certain() -> ssl.SSLContext:
    """Return a client's context that checks no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
