"""One host has one spelling, and what has none is refused."""

from __future__ import annotations

import pytest

from governor.errors import BadRequestError
from governor.proxy.authority import Authority, parse_authority


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api.x.com", Authority("api.x.com", 443, literal=False)),
        ("API.X.Com:443", Authority("api.x.com", 443, literal=False)),
        ("api.x.com.:8443", Authority("api.x.com", 8443, literal=False)),
        ("xn--bcher-kva.example", Authority("xn--bcher-kva.example", 443, literal=False)),
        ("_service.example", Authority("_service.example", 443, literal=False)),
        ("192.0.2.7:80", Authority("192.0.2.7", 80, literal=True)),
        ("[2001:DB8:0:0::1]:80", Authority("2001:db8::1", 80, literal=True)),
        ("[::1]", Authority("::1", 443, literal=True)),
    ],
)
def test_spellings_of_one_host_are_one_host(text: str, expected: Authority) -> None:
    assert expected == parse_authority(text, default_port=443)


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "api..x.com", "api.x.com..", "-api.x.com", "api.x.com-", "a" * 64),
        *(".".join(["a" * 60] * 5), "api x.com", "api.x.com/", "api.x.com\\", "api.x.com\x00"),
        *("user@api.x.com", "user:pw@api.x.com:443", "api.x.com%2f", "api%2ex.com"),
        *("api。x.com", "ａpi.x.com", "bücher.example"),  # noqa: RUF001  # full-width on purpose
        *("api.x.com:", "api.x.com:0443", "api.x.com:+443", "api.x.com:65536", "api.x.com:0"),
        *("api.x.com:٤٤٣", "api.x.com:443:1", "api.x.com: 443"),
        *("2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "127.0.0.01", "1.2.3.4.5"),
        *("[::1", "[::1]443", "[fe80::1%25eth0]:80", "[127.0.0.1]", "::1", "[]"),
    ],
)
def test_what_has_no_canonical_form_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError):
        parse_authority(text, default_port=443)


def test_connect_must_name_its_port() -> None:
    with pytest.raises(BadRequestError, match="host:port"):
        parse_authority("api.x.com", default_port=None)


def test_an_ipv6_address_is_written_with_brackets_again() -> None:
    assert str(parse_authority("[::1]:80", default_port=None)) == "[::1]:80"
    assert str(parse_authority("x.com", default_port=80)) == "x.com:80"
