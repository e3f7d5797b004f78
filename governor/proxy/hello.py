"""The host name that a TLS ClientHello asks for.

A blind tunnel to an ungoverned host must not carry a conversation with a governed one: whoever
reaches the platform's machines under another name would be served and never counted. The name is
read by OpenSSL itself, which calls back with it before it looks for a certificate; a parser of
our own would be sixty lines that might disagree with it. Encrypted ClientHello shows only its
outer name: a crawler that uses it on purpose needs the egress fence, not this.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from governor.errors import BadRequestError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_HELLO_MAX: Final = 16_384 + 5  # one TLS record; browsers with post-quantum keys send 2 KiB
_NOT_HELLO: Final = "A tunnel to port 443 begins with a TLS ClientHello."


def server_name(hello: bytes) -> str | None:
    """Return the name asked for, "" for none, or None while the ClientHello is incomplete.

    Raises BadRequestError when the bytes are something else.
    """
    asked: list[str] = []

    def heard(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> int:
        asked.append(name or "")
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME  # we wanted no more than the name

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    try:
        _context(heard).wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLError:
        pass
    if not asked:
        raise BadRequestError(_NOT_HELLO)
    return asked[0]


def _context(heard: Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = heard
    return context


async def read_hello(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """Read until the name is known; return it with every byte read, to be passed on.

    Raises BadRequestError for anything but a ClientHello of reasonable size.
    """
    hello = b""
    while len(hello) < _HELLO_MAX:
        chunk = await reader.read(_HELLO_MAX - len(hello))
        if not chunk:
            break
        hello += chunk
        if (name := server_name(hello)) is not None:
            return name, hello
    raise BadRequestError(_NOT_HELLO)
