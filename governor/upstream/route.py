"""From a name to the addresses that are dialled for it: resolved once, checked, and pinned.

What was checked is what is dialled: the connection is made to the address, never again to the
name, so a name that resolves to 127.0.0.1 the second time gains nothing (DNS rebinding).

Behind an upstream proxy only the proxy is ever dialled, and it resolves the names; then what is
checked here is an address that a request names literally.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from governor.errors import ConfigError
from governor.upstream.addresses import EVERYWHERE, Addresses, Network, ProhibitedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

Endpoint = tuple[str, int]
LARGEST_PORT = 65_535


async def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name as this machine resolves it. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


@dataclass(frozen=True, slots=True)
class Proxy:
    """An upstream proxy that is asked to CONNECT. `credentials` is `user:password`, or empty."""

    host: str
    port: int
    credentials: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `http://[user:password@]host:port`. Raises ConfigError."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = None
        if parts.scheme != "http" or not parts.hostname or port is None:
            raise ConfigError("upstream.proxy: write it as http://host:port")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port, f"{user}:{password}" if user else "")

    @property
    def url(self) -> str:
        """Return its address, without the credentials."""
        return f"http://{authority(self.host, self.port)}"

    @property
    def authorization(self) -> dict[str, str]:
        """Return the header fields that open this proxy."""
        if not self.credentials:
            return {}
        word = base64.b64encode(self.credentials.encode()).decode()
        return {"Proxy-Authorization": f"Basic {word}"}


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach a host. `named` judges what a request names, `dialled` what is connected to.

    Made by `Route.of`, which reads the `[upstream]` settings.
    """

    named: Addresses
    dialled: Addresses
    connect_to: Mapping[Endpoint, Endpoint] = field(default_factory=dict)
    proxy: Proxy | None = None
    resolve: Resolve = system_resolve

    @classmethod
    def of(
        cls,
        *,
        allow_addresses: Iterable[str] = (),
        listeners: AbstractSet[Endpoint] = frozenset(),
        connect_to: Mapping[str, str] | None = None,
        proxy: str | None = None,
        resolve: Resolve = system_resolve,
    ) -> Self:
        """Read the settings as they stand in governor.toml. Raises ConfigError with them all."""
        mistakes: list[str] = []
        named = Addresses(tuple(_networks(allow_addresses, mistakes)), listeners)
        mapped = dict(_mappings(connect_to or {}, mistakes))
        if proxy is not None and mapped:
            mistakes.append("upstream.proxy and upstream.connect_to exclude each other: drop one")
        if mistakes:
            raise ConfigError(*mistakes)
        if proxy is None:
            return cls(named, named, mapped, None, resolve)
        anywhere = replace(named, allowed=EVERYWHERE)
        return cls(named, anywhere, mapped, Proxy.parse(proxy), resolve)

    def check(self, host: str, port: int) -> None:
        """Raise ProhibitedError if `host` is an address, not a name, that may not be dialled."""
        try:
            ip_address(host)
        except ValueError:
            return
        self.named.check(host, port)

    async def endpoints(self, host: str, port: int) -> list[Endpoint]:
        """Return the addresses to dial, at least one. Raises OSError, ProhibitedError if none."""
        host, port = self.connect_to.get((host, port), (host, port))
        found = await self.resolve(host, port)
        objections = [self.dialled.objection(address, port) for address in found]
        permitted = [
            (address, port)
            for address, objection in zip(found, objections, strict=True)
            if objection is None
        ]
        if not permitted:
            raise ProhibitedError(", ".join(filter(None, objections)) or "the name has no address")
        return permitted


def authority(host: str, port: int) -> str:
    """Return a host and port as they are written in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _networks(texts: Iterable[str], mistakes: list[str]) -> Iterable[Network]:
    for text in texts:
        try:
            yield ip_network(text)
        except ValueError:
            mistakes.append(
                f'upstream.allow_addresses: {text!r} is no range of addresses like "10.1.0.0/16"'
            )


def _mappings(texts: Mapping[str, str], mistakes: list[str]) -> Iterable[tuple[Endpoint, Endpoint]]:
    for name, target in texts.items():
        source, destination = _endpoint(name), _endpoint(target)
        if source is None or destination is None or _is_address(source[0]):
            mistakes.append(
                f'upstream.connect_to: write {{ "name:port" = "host:port" }}, not '
                f'{{ "{name}" = "{target}" }}'
            )
        else:
            yield source, destination


def _endpoint(text: str) -> Endpoint | None:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > LARGEST_PORT:
        return None
    return host.removeprefix("[").removesuffix("]").lower(), int(port)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
