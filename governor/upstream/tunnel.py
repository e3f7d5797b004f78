"""Blind tunnels: a connection to any other public host, under the same rules of address."""

from __future__ import annotations

import asyncio
import errno
import re
from typing import TYPE_CHECKING

from governor.upstream.mishaps import FOREIGN, no_answer
from governor.upstream.route import authority

if TYPE_CHECKING:
    from governor.upstream.route import Endpoint, Proxy, Route

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

BUFFER_BYTES = 65_536  # what a reader holds before it stops reading; also the longest proxy head
CONNECTED = re.compile(rb"HTTP/1\.[01] 200[ \r]")


async def dial(route: Route, host: str, port: int, *, timeout_s: float) -> Streams:
    """Connect to a host, through the upstream proxy if there is one. Raises UpstreamError."""
    try:
        async with asyncio.timeout(timeout_s):
            route.check(host, port)
            if route.proxy is not None:
                return await _through_proxy(route, route.proxy, host, port, timeout_s)
            return await _any(route, await route.endpoints(host, port), timeout_s)
    except FOREIGN as error:
        raise no_answer(error, host, sent=False) from error


async def _any(route: Route, endpoints: list[Endpoint], timeout_s: float) -> Streams:
    """Connect to the first address that answers, each given an equal share of the time."""
    *others, last = endpoints
    for endpoint in others:
        try:
            async with asyncio.timeout(timeout_s / len(endpoints)):
                return await _one(route, endpoint)
        except OSError:
            continue
    return await _one(route, last)


async def _one(route: Route, endpoint: Endpoint) -> Streams:
    route.dialled.check(*endpoint)
    return await asyncio.open_connection(*endpoint, limit=BUFFER_BYTES)


async def _through_proxy(
    route: Route, proxy: Proxy, host: str, port: int, timeout_s: float
) -> Streams:
    endpoints = await route.endpoints(proxy.host, proxy.port)
    reader, writer = await _any(route, endpoints, timeout_s)
    fields = {"Host": authority(host, port), **proxy.authorization}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(f"CONNECT {authority(host, port)} HTTP/1.1\r\n{head}\r\n".encode())
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except (EOFError, asyncio.LimitOverrunError):
        answer = b""
    except BaseException:
        writer.transport.abort()
        raise
    if not CONNECTED.match(answer):
        writer.transport.abort()
        raise OSError(errno.ECONNABORTED, "the upstream proxy did not open the tunnel")
    return reader, writer
