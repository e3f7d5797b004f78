"""Which addresses may be dialled: the public internet, what the operator allows, never ourselves.

Judged is the address of the socket that is about to connect, not a name: names lie (an internal
name, `2130706433`, a resolver that answers differently the second time). The tables follow the
IANA special-purpose registries (RFC 6890). `ipaddress.is_global` was rejected: its answer changed
between patch releases of Python (CVE-2024-4032), and it calls NAT64 addresses global, which reach
any IPv4 address there is.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SPECIAL_IPV4 = {
    IPv4Network("0.0.0.0/8"): "unspecified",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "shared by a carrier (CGNAT)",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("169.254.0.0/16"): "link-local",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "reserved",
    IPv4Network("192.0.2.0/24"): "for documentation",
    IPv4Network("192.88.99.0/24"): "a 6to4 relay",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("198.18.0.0/15"): "for benchmarks",
    IPv4Network("198.51.100.0/24"): "for documentation",
    IPv4Network("203.0.113.0/24"): "for documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved",
}
PUBLIC_IPV6 = IPv6Network("2000::/3")  # the only part of IPv6 given out as global unicast
SPECIAL_IPV6 = {
    IPv6Network("::/128"): "unspecified",
    IPv6Network("::1/128"): "loopback",
    IPv6Network("::ffff:0:0/96"): "IPv4-mapped",
    IPv6Network("64:ff9b::/96"): "NAT64",
    IPv6Network("64:ff9b:1::/48"): "NAT64",
    IPv6Network("2001::/32"): "Teredo",
    IPv6Network("2001::/23"): "reserved",
    IPv6Network("2001:db8::/32"): "for documentation",
    IPv6Network("2002::/16"): "6to4",
    IPv6Network("3fff::/20"): "for documentation",
    IPv6Network("fc00::/7"): "private",
    IPv6Network("fe80::/10"): "link-local",
    IPv6Network("ff00::/8"): "multicast",
}
CARRIES_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))  # in the last 32 bits
EVERYWHERE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


class ProhibitedError(OSError):
    """The address may not be dialled. An OSError, so that connecting code treats it as one."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """The rule. `allowed` is dialled though not public; `listeners` never, whatever is allowed.

    `listeners` holds our own (address, port) pairs and is looked at anew each time, so it may be
    filled when the ports are known. A wildcard address there stands for each of this machine's.
    """

    allowed: tuple[Network, ...] = ()
    listeners: AbstractSet[tuple[str, int]] = field(default_factory=frozenset)

    def objection(self, address: str, port: int) -> str | None:
        """Return why this is not dialled, or None when it is. `address` is an IP address."""
        ip = ip_address(address)
        if self._is_listener(ip, port):
            return f"{address}:{port} is this Governor itself"
        special = _special(ip)
        if special is None or self._is_allowed(ip):
            return None
        return f"{address} is {special}"

    def check(self, address: str, port: int) -> None:
        """Raise ProhibitedError if this is not to be dialled."""
        if (objection := self.objection(address, port)) is not None:
            raise ProhibitedError(objection)

    def _is_allowed(self, ip: Address) -> bool:
        if not any(ip in network for network in self.allowed):
            return False
        carried = _carried(ip)
        return carried is None or _special(carried) is None or self._is_allowed(carried)

    def _is_listener(self, ip: Address, port: int) -> bool:
        ip = _carried(ip) or ip
        for text, own_port in self.listeners:
            own = ip_address(text)
            if port == own_port and (ip == own or (own.is_unspecified and _is_ours(ip))):
                return True
        return False


def _special(ip: Address) -> str | None:
    """Return what is special about an address, None for a public one."""
    table: Iterable[tuple[Network, str]]
    table = SPECIAL_IPV4.items() if isinstance(ip, IPv4Address) else SPECIAL_IPV6.items()
    for network, special in table:
        if ip in network:
            return special
    return None if isinstance(ip, IPv4Address) or ip in PUBLIC_IPV6 else "reserved"


def _carried(ip: Address) -> IPv4Address | None:
    """Return the IPv4 address that a mapped or NAT64 address leads to."""
    if any(ip in network for network in CARRIES_IPV4):
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def _is_ours(ip: Address) -> bool:
    """Whether the kernel has this address: only then can a socket be bound to it.

    With `ip_nonlocal_bind` set it always can; then our port is refused everywhere, which is safe.
    """
    if ip.is_unspecified:
        return True
    family = socket.AF_INET if isinstance(ip, IPv4Address) else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(ip), 0))
        except OSError:
            return False
    return True
