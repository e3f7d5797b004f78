"""No address off the public internet is dialled unless the operator said so, and never our own."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest

from governor.upstream.addresses import Addresses, ProhibitedError

ANY = "0.0.0.0"  # noqa: S104  # an address to refuse, nothing is bound

# After the table of stripe/smokescreen's TestClassifyAddr, with the ways that IPv6 hides IPv4.
PROHIBITED = (
    (ANY, "unspecified"),
    ("0.1.2.3", "unspecified"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "shared by a carrier (CGNAT)"),
    ("100.127.255.255", "shared by a carrier (CGNAT)"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("169.254.169.254", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "reserved"),
    ("192.0.2.1", "for documentation"),
    ("192.88.99.1", "a 6to4 relay"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "for benchmarks"),
    ("198.51.100.7", "for documentation"),
    ("203.0.113.9", "for documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::127.0.0.1", "reserved"),
    ("::ffff:127.0.0.1", "IPv4-mapped"),
    ("::ffff:8.8.8.8", "IPv4-mapped"),
    ("64:ff9b::7f00:1", "NAT64"),
    ("64:ff9b::808:808", "NAT64"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "reserved"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:2::1", "reserved"),
    ("2001:db8::1", "for documentation"),
    ("2002:7f00:1::", "6to4"),
    ("2002:808:808::1", "6to4"),
    ("3fff::1", "for documentation"),
    ("5f00::1", "reserved"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("ff02::1", "multicast"),
    ("4000::1", "reserved"),
)
PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0"),
    *("104.244.42.1", "126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.0"),
    *("192.167.255.255", "223.255.255.255"),
    *("2606:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"),
)


@pytest.mark.parametrize(("address", "special"), PROHIBITED)
def test_what_is_not_the_public_internet_is_not_dialled(address: str, special: str) -> None:
    assert Addresses().objection(address, 443) == f"{address} is {special}"

    with pytest.raises(ProhibitedError, match="is"):
        Addresses().check(address, 443)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_dialled(address: str) -> None:
    assert Addresses().objection(address, 443) is None


@pytest.mark.parametrize(
    ("allowed", "address", "dialled"),
    [
        ("127.0.0.0/8", "127.0.0.1", True),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("127.0.0.0/8", "::ffff:127.0.0.1", False),
        ("127.0.0.0/8", "::1", False),
        ("::1/128", "::1", True),
        ("64:ff9b::/96", "64:ff9b::808:808", True),
        ("64:ff9b::/96", "64:ff9b::7f00:1", False),
        ("::ffff:0:0/96", "::ffff:8.8.8.8", True),
        ("::ffff:0:0/96", "::ffff:169.254.169.254", False),
        ("0.0.0.0/0", "169.254.169.254", True),
    ],
)
def test_the_operator_may_allow_a_range(allowed: str, address: str, *, dialled: bool) -> None:
    """But a range that carries IPv4 in IPv6 allows no IPv4 address that would not be dialled."""
    rule = Addresses(allowed=(ip_network(allowed),))

    assert dialled == (rule.objection(address, 443) is None)


@pytest.mark.parametrize(
    ("listener", "address", "ours"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("127.0.0.1", "8.8.8.8", False),
        (ANY, "127.0.0.1", True),
        (ANY, "127.9.9.9", True),
        (ANY, ANY, True),
        (ANY, "8.8.8.8", False),
        ("::", "127.0.0.1", True),
        ("::", "::", True),
    ],
)
def test_it_never_dials_itself(listener: str, address: str, *, ours: bool) -> None:
    """Whatever is allowed; else a crawler could reach the admin port, or make a loop."""
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))
    rule = Addresses(allowed=everything, listeners={(listener, 8080)})

    said = rule.objection(address, 8080)
    assert said == (f"{address}:8080 is this Governor itself" if ours else None)
    assert rule.objection(address, 8081) is None


def test_listeners_may_be_known_later_than_the_rule() -> None:
    """A port that the kernel chooses is known only once it is bound."""
    listeners: set[tuple[str, int]] = set()
    rule = Addresses(allowed=(ip_network("127.0.0.0/8"),), listeners=listeners)

    with socket.create_server(("127.0.0.1", 0)) as server:
        address, port = server.getsockname()
        assert rule.objection(address, port) is None
        listeners.add((address, port))
        assert rule.objection(address, port) is not None
