"""The port: every way in on one address, and the drain at the end.

`Proxy` puts the parts together and owns nothing but the listening sockets. It does not judge
whether an address is wise: that a proxy beyond loopback needs tokens and TLS is a rule of the
configuration.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import TYPE_CHECKING, Final, Literal

from governor.errors import AddressError
from governor.proxy.connection import Deadlines
from governor.proxy.door import Door, Service
from governor.proxy.front import Front
from governor.proxy.tunnel import Dial, Tunnels

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from governor.tasks import Tasks

_BACKLOG: Final = 1024  # a crawler that opens hundreds of connections at once is not turned away
_REMEDY: Final = {
    errno.EADDRINUSE: "is in use: stop the other process or set listen.proxy to a free port",
    errno.EACCES: "is not permitted: ports below 1024 need the right to bind them",
    errno.EADDRNOTAVAIL: "is not an address of this machine: correct listen.proxy",
}


class Proxy:
    """The forward proxy, the CONNECT proxy and the gateway on one port.

    `governs` takes a canonical host; `leaf` returns the TLS context that speaks for one;
    `identify` turns Basic credentials, or their absence, into a job's name, or None to refuse.
    """

    def __init__(  # noqa: PLR0913  # keyword-only, and each is one of the parts
        self,
        *,
        exchange: Service,
        relay: Service,
        internal: Service,
        governs: Callable[[str], bool],
        leaf: Callable[[str], ssl.SSLContext],
        dial: Dial,
        identify: Callable[[str | None], str | None],
        tasks: Tasks,
        other_hosts: Literal["tunnel", "refuse"] = "tunnel",
        deadlines: Deadlines | None = None,
    ) -> None:
        self._deadlines = deadlines or Deadlines()
        self._door = Door(
            exchange=exchange,
            relay=relay,
            internal=internal,
            governs=governs,
            identify=identify,
            others_refused=other_hosts == "refuse",
            deadlines=self._deadlines,
        )
        self._tunnels = Tunnels(
            door=self._door,
            governs=governs,
            leaf=leaf,
            dial=dial,
            identify=identify,
            others_refused=other_hosts == "refuse",
            tasks=tasks,
            deadlines=self._deadlines,
        )
        self._servers: list[asyncio.Server] = []
        self._undecided: set[asyncio.Transport] = set()

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Serve on `host:port`, IPv4 or IPv6, under TLS if `tls`; return the port.

        Port 0 takes a free one. Raises AddressError, which says what is wrong with the address.
        """
        try:
            server = await asyncio.get_running_loop().create_server(
                self._front, host, port, ssl=tls, backlog=_BACKLOG
            )
        except socket.gaierror as error:
            raise AddressError(f"{host} has no address on this machine.") from error
        except (OSError, OverflowError) as error:
            number = getattr(error, "errno", None)
            reason = _REMEDY.get(number or 0, f"cannot be listened on: {error}")
            raise AddressError(f"{host}:{port} {reason}.") from error
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def _front(self) -> Front:
        return Front(self._door, self._tunnels, self._undecided, self._deadlines.head_s)

    async def close(self, drain_s: float) -> None:
        """Accept no more, let running exchanges finish for `drain_s` seconds, cut the rest."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for transport in tuple(self._undecided):
            transport.abort()
        await self._door.drain(drain_s)
        await self._tunnels.close()  # a handshake that ends now would begin a conversation
        await self._door.close()
