"""A crawler without manners: it writes to sockets what it is told, byte by byte.

A `Shot` is a request in parts, so that tricks can be played on each of them and on several at once;
`fire` sends it by one of the three ways in and returns the status of every answer. No client
library is in between, which would repair what is to be tried.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import Final, Literal

Way = Literal["forward", "tunnel", "gateway", "straight"]
WAYS: Final[tuple[Way, ...]] = ("forward", "tunnel", "gateway")
HOST: Final = "api.x.com"
WITHIN_S: Final = 20
STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


@dataclass(frozen=True, slots=True)
class Shot:
    """One request in parts; every character is one byte on the wire.

    `host` is the Host field if it shall not be the authority (None: no such field), `sni` the name
    in the ClientHello likewise. `target` replaces what is in the request line, `authority` names
    whom it is for. `after` follows it on the same connection. `connection` is a field's value.
    """

    path: str = "/2/tweets/search/recent"
    query: str = "query=rain&max_results=100"
    method: str = "GET"
    authority: str = HOST
    host: str | None = ""
    sni: str = ""
    target: str = ""
    fields: tuple[str, ...] = ()
    body: str = ""
    version: str = "HTTP/1.1"
    line_end: str = "\r\n"
    before: str = ""
    after: str = ""
    connection: str = "close"

    def wire(self, way: Way) -> bytes:
        """Return the request as it goes out."""
        target = self.target or (self.path + (f"?{self.query}" if self.query else ""))
        own = target.startswith("/")
        if own and way == "forward":
            target = f"http://{self.authority}{target}"
        if own and way == "gateway":
            target = f"/gateway/{self.authority}{target}"
        host = self.host
        if host == "":
            host = "127.0.0.1" if way == "gateway" else self.authority
        lines = [f"{self.method} {target} {self.version}"]
        lines += [] if host is None else [f"Host: {host}"]
        lines += [f"Connection: {self.connection}", *self.fields]
        framed = any(field.lower().startswith("transfer-encoding") for field in self.fields)
        if self.body and not framed:
            lines.append(f"Content-Length: {len(self.body.encode('latin-1'))}")
        text = self.before + self.line_end.join((*lines, "", "")) + self.body + self.after
        return text.encode("latin-1")


async def fire(shot: Shot, way: Way, port: int) -> list[int]:
    """Send a shot; return the status of each answer, none if the connection was just closed."""
    try:
        async with asyncio.timeout(WITHIN_S):
            return await _fire(shot, way, port)
    except (OSError, EOFError, ssl.SSLError):
        return []


async def _fire(shot: Shot, way: Way, port: int) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        if way == "tunnel":
            statuses = await _tunnel(shot, reader, writer)
            if statuses != [200]:
                return statuses
        writer.write(shot.wire(way))
        return [int(status) for status in STATUS.findall(await _all(reader))]
    finally:
        writer.transport.abort()


async def _all(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the connection ends, in whichever way."""
    read = b""
    try:
        while piece := await reader.read(65_536):
            read += piece
    except OSError:
        pass  # cut off: what came before counts
    return read


async def _tunnel(
    shot: Shot, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> list[int]:
    named = shot.authority
    if not re.search(r":[^\]]*$", named):
        named += ":443"
    writer.write(f"CONNECT {named} HTTP/1.1\r\nHost: {named}\r\n\r\n".encode("latin-1"))
    found = STATUS.findall(await reader.readuntil(b"\r\n\r\n"))
    if found == [b"200"] and not named.endswith(":80"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        await writer.start_tls(context, server_hostname=shot.sni or HOST)
    return [int(status) for status in found]
