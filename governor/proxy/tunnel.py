"""What follows CONNECT: interception, cleartext HTTP, or a blind tunnel.

    governed host    always accepted; TLS is intercepted with a leaf for that host, and a refusal
                     is said inside, where the crawler can read it
    port 80          HTTP in the clear, as undici sends it for http:// URLs: served like any other
    another host     blind, to port 443 only and never to an address, if `others` allow it; its
                     ClientHello must ask for the very host that CONNECT named

So no byte reaches a governed host uncounted, whatever CONNECT, SNI and Host say.
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, Final, Protocol

from governor.errors import BadRequestError, UpstreamError
from governor.proxy.authority import Authority, parse_authority
from governor.proxy.door import INTERNAL
from governor.proxy.hello import read_hello
from governor.proxy.problems import Problem, unidentified
from governor.proxy.requests import PORTS, Head, Origin, check_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.proxy.connection import Deadlines
    from governor.proxy.door import Door
    from governor.tasks import Tasks

_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
_TLS_HANDSHAKE: Final = b"\x16"  # the first byte of a ClientHello's record (RFC 8446, 5.1)
_PIECE: Final = 65_536  # what one direction of a tunnel holds at most, beside the socket buffers


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Dial(Protocol):
    """Open a connection to a public host; addresses are checked there."""

    async def __call__(self, host: str, port: int) -> Streams:
        """Raise UpstreamError with the status the crawler is told."""
        ...


class Tunnels:
    """Every CONNECT of one proxy. `leaf` gives the TLS context that speaks for a host."""

    def __init__(  # keyword-only, and each is one of the parts
        self,
        *,
        door: Door,
        governs: Callable[[str], bool],
        leaf: Callable[[str], ssl.SSLContext],
        dial: Dial,
        identify: Callable[[str | None], str | None],
        others_refused: bool,
        tasks: Tasks,
        deadlines: Deadlines,
    ) -> None:
        self._door = door
        self._governs = governs
        self._leaf = leaf
        self._dial = dial
        self._identify = identify
        self._others_refused = others_refused
        self._tasks = tasks
        self._deadlines = deadlines
        self._open: set[asyncio.Task[None]] = set()

    def open(self, transport: asyncio.Transport, head: bytes, *, early: bool) -> None:
        """Take over a connection whose reading is paused after the head of its CONNECT.

        `early` says that bytes came before our answer: they belong to nobody, so it is closed.
        """
        task = self._tasks.start(self._connect(transport, head, early=early), "connect")
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """Cut every tunnel that is blind or not yet a conversation."""
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, transport: asyncio.Transport, head: bytes, *, early: bool) -> None:
        try:
            entry = self._entry(head)
            if early:
                entry = Problem(400, "Bytes came before CONNECT was answered.")
            if isinstance(entry, Problem):
                transport.write(entry.wire())
                transport.close()
                return
            await self._pass(transport, *entry)
        except BaseException:
            transport.abort()
            raise

    def _entry(self, head: bytes) -> tuple[Authority, str] | Problem:
        """Say whom the tunnel is for and whose it is, or why there is none."""
        try:
            request = _parse(head)
            authority = parse_authority(request.target, default_port=None)
        except BadRequestError as error:
            return Problem(400, str(error))
        job = self._identify(request.first(b"proxy-authorization"))
        if job is None:
            return unidentified()
        return self._refusal(authority) or (authority, job)

    def _refusal(self, authority: Authority) -> Problem | None:
        if self._governs(authority.host):
            return None
        if authority.host == INTERNAL:
            if authority.port == PORTS["http"]:
                return None
            return Problem(403, f"{INTERNAL} speaks http only: http://{INTERNAL}/.")
        if self._others_refused:
            return Problem(403, f'No contract governs {authority.host}: other_hosts is "refuse".')
        if authority.literal:
            return Problem(403, "No tunnel leads to an IP address: name the host.")
        if authority.port not in PORTS.values():
            return Problem(403, "Tunnels lead to ports 443 and 80 only.")
        return None

    async def _pass(self, transport: asyncio.Transport, authority: Authority, job: str) -> None:
        governed = self._governs(authority.host)
        if not governed and authority.port == PORTS["https"]:
            await self._blind(transport, authority)
            return
        transport.write(_ESTABLISHED)
        try:
            async with asyncio.timeout(self._deadlines.head_s):
                first = await _first_byte(transport, authority)
        except OSError:  # a timeout is one too
            first = b""
        if first == _TLS_HANDSHAKE and governed:
            await self._intercept(transport, authority, job)
        elif first and first != _TLS_HANDSHAKE:
            self._converse(transport, Origin("http", authority, job))
        else:  # gone, silent, or TLS to port 80 of a host whose name we cannot check
            transport.abort()

    def _converse(self, transport: asyncio.Transport, origin: Origin) -> None:
        conversation = self._door.connection(origin)
        transport.set_protocol(conversation)
        conversation.connection_made(transport)
        transport.resume_reading()

    async def _intercept(
        self, transport: asyncio.Transport, authority: Authority, job: str
    ) -> None:
        context = self._leaf(authority.host)
        context.set_alpn_protocols(["http/1.1"])
        context.sni_callback = _only(authority.host)
        conversation = self._door.connection(Origin("https", authority, job))
        loop = asyncio.get_running_loop()
        try:
            secured = await loop.start_tls(
                transport,
                conversation,
                context,
                server_side=True,
                ssl_handshake_timeout=self._deadlines.handshake_s,
                ssl_shutdown_timeout=self._deadlines.handshake_s,
            )
        except OSError:  # also ssl.SSLError: the crawler does not trust our CA, or left
            transport.abort()
            return
        if secured is not None and not conversation.lost.is_set():
            conversation.connection_made(secured)

    async def _blind(self, transport: asyncio.Transport, authority: Authority) -> None:
        try:
            far = await self._dial(authority.host, authority.port)
        except UpstreamError as error:
            status = (("Proxy-Status", f"governor; error={error.kind}"),)
            transport.write(Problem(error.status, str(error), status).wire())
            transport.close()
            return
        near = _streams(transport)
        for end in (transport, far[1].transport):
            # no deadline ends a quiet tunnel: TCP itself finds out when a peer has vanished
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        transport.write(_ESTABLISHED)
        transport.resume_reading()
        try:
            await self._carry(near, far, authority.host)
        except* (OSError, BadRequestError):  # one side broke off: so does the other
            far[1].transport.abort()
            transport.abort()
        finally:
            far[1].close()  # what was written still goes out
            transport.close()

    async def _carry(self, near: Streams, far: Streams, host: str) -> None:
        async with asyncio.timeout(self._deadlines.head_s):
            name, hello = await read_hello(near[0])
        if name.lower().removesuffix(".") != host:
            raise BadRequestError("The ClientHello asks for another host than CONNECT named.")
        far[1].write(hello)
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(near[0], far[1]), name="tunnel-up")
            both.create_task(_pump(far[0], near[1]), name="tunnel-down")


def _parse(head: bytes) -> Head:
    """Read the head of a CONNECT; `head` ends before its empty line."""
    first, *lines = head.split(b"\r\n")
    match first.split(b" "):
        case [b"CONNECT", target, b"HTTP/1.1" | b"HTTP/1.0" as version]:
            pass
        case _:
            raise BadRequestError("A CONNECT is written: CONNECT host:port HTTP/1.1.")
    fields = [line.partition(b":") for line in lines]
    if not all(colon for _, colon, _ in fields):
        raise BadRequestError("A header field is written: name: value.")
    request = Head(
        "CONNECT",
        target.decode("latin-1"),
        (1, int(version[-1:])),
        tuple((name, value.strip(b" \t")) for name, _, value in fields),
    )
    check_fields(request)
    return request


def _only(host: str) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    """Return an SNI callback that ends the handshake when another host is asked for."""

    def check(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int | None:
        if name is None or name.lower().removesuffix(".") == host:
            return None
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    return check


async def _first_byte(transport: asyncio.Transport, authority: Authority) -> bytes:
    """Return the next byte without taking it from the socket; b"" when the crawler is gone.

    The transport's own descriptor may not be watched (asyncio forbids it), so a copy is. When the
    proxy port itself speaks TLS the socket holds only ciphertext: then the port number decides.
    """
    if transport.get_extra_info("ssl_object") is not None:
        return b"G" if authority.port == PORTS["http"] else _TLS_HANDSHAKE
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as copy:
        loop.add_reader(copy, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(copy)
        return copy.recv(1, socket.MSG_PEEK)


def _streams(transport: asyncio.Transport) -> Streams:
    """Put streams on the crawler's side, so that both directions are pumped alike."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_PIECE, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Carry one direction to its end; reading waits while the other side does not take."""
    while chunk := await source.read(_PIECE):
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
    else:  # TLS cannot be closed by half
        sink.close()
