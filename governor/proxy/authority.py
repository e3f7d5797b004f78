"""`host:port` in one canonical form, so that two spellings of a host can never be two hosts.

A counter that compares names as strings is passed by `API.X.com.`, `api.x.com:0443` or a
full-width dot. Everything that has no obvious canonical form is refused rather than repaired: no
crawler sends it by itself. The parsers of yarl and urllib were rejected because they repair.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from governor.errors import BadRequestError

# Letters, digits and hyphens (RFC 1123, 2.1), and the underscore that real host names carry.
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
# What `inet_aton` reads as a number, in any base: 127.1, 0x7f.1, 017700000001, 2130706433.
_NUMERIC_END: Final = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
_HOST_MAX: Final = 253  # RFC 1035, 2.3.4, as text without the trailing dot
_PORT_MAX: Final = 65_535


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and a port. `host` is lower case, without trailing dot or IPv6 brackets."""

    host: str
    port: int
    literal: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_authority(text: str, *, default_port: int | None) -> Authority:
    """Read `host`, `host:port` or `[v6]:port`; raise BadRequestError for anything else.

    `default_port` None means that the port must be there, as in a CONNECT request.
    """
    if "@" in text:
        raise BadRequestError("A host must not carry a user name or password.")
    if text.startswith("["):
        name, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise BadRequestError("An IPv6 address is written as [address]:port.")
        port = rest[1:] if rest else None
        return Authority(_ipv6(name), _port(port, default_port), literal=True)
    name, colon, port = text.partition(":")
    host, literal = _host(name)
    return Authority(host, _port(port if colon else None, default_port), literal=literal)


def _port(text: str | None, default: int | None) -> int:
    if text is None:
        if default is None:
            raise BadRequestError("CONNECT needs host:port.")
        return default
    if not _PORT.fullmatch(text) or int(text) > _PORT_MAX:
        raise BadRequestError("A port is a number from 1 to 65535 without leading zeros.")
    return int(text)


def _ipv6(text: str) -> str:
    if "%" in text or not text.isascii():
        raise BadRequestError("An IPv6 address with a zone cannot be forwarded.")
    try:
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise BadRequestError("The brackets do not hold an IPv6 address.") from None


def _host(text: str) -> tuple[str, bool]:
    """Return the canonical name and whether it is an IPv4 address."""
    if not text.isascii():
        raise BadRequestError("A host name outside ASCII must be sent in its xn-- form.")
    name = text.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _HOST_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadRequestError("The host is not a host name.")
    if not _NUMERIC_END.fullmatch(labels[-1]):
        return name, False
    try:
        return str(ipaddress.IPv4Address(name)), True
    except ValueError:
        raise BadRequestError("An IPv4 address is written as four decimal numbers.") from None
