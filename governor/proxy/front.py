"""The front: peeks at a connection's first bytes and gives it to the right protocol.

CONNECT is taken out here. Inside an aiohttp handler it would need aiohttp's private state (its
upgrade flag, its buffered tail, its bookkeeping of connections); before aiohttp it needs none.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from governor.proxy.problems import Problem

if TYPE_CHECKING:
    from governor.proxy.door import Door
    from governor.proxy.tunnel import Tunnels

_CONNECT: Final = b"CONNECT "
_END: Final = b"\r\n\r\n"
_HEAD_MAX: Final = 16_384  # a CONNECT carries little more than its credentials


class Front(asyncio.Protocol):
    """The protocol of an accepted socket until it is known what it will be.

    While that is not known its transport is in `undecided`, so that a closing proxy can cut it.
    """

    def __init__(
        self, door: Door, tunnels: Tunnels, undecided: set[asyncio.Transport], head_s: float
    ) -> None:
        self._door = door
        self._undecided = undecided
        self._tunnels = tunnels
        self._head_s = head_s
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self._silence: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the deadline of the first head."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._undecided.add(transport)
        self._silence = asyncio.get_running_loop().call_later(self._head_s, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        """Forget the connection."""
        self._decided()

    def data_received(self, data: bytes) -> None:
        """Collect until it is clear what the crawler wants."""
        transport = self._transport
        assert transport is not None
        self._received += data
        if not self._received.startswith(_CONNECT[: len(self._received)]):
            self._decided()
            conversation = self._door.connection()
            transport.set_protocol(conversation)
            conversation.connection_made(transport)
            conversation.data_received(self._received)
        elif (end := self._received.find(_END)) >= 0:
            self._decided()
            transport.pause_reading()  # what follows belongs to the tunnel, whatever it will be
            early = self._received[end + len(_END) :]
            self._tunnels.open(transport, self._received[:end], early=bool(early))
        elif len(self._received) > _HEAD_MAX:
            self._decided()
            transport.write(Problem(431, "The head of a CONNECT is at most 16 KiB.").wire())
            transport.close()

    def _decided(self) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        if self._transport is not None:
            self._undecided.discard(self._transport)
