"""What was checked is what is dialled, whatever the resolver says the next time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.errors import ConfigError
from governor.upstream.addresses import ProhibitedError
from governor.upstream.route import Proxy, Route, authority, system_resolve

if TYPE_CHECKING:
    from governor.upstream.route import Resolve

LOOPBACK = ("127.0.0.0/8", "::1/128")


def saying(*answers: list[str]) -> Resolve:
    """Return a resolver that gives these answers in turn, for any name."""
    left = list(answers)

    async def resolve(_host: str, _port: int) -> list[str]:
        return left.pop(0)

    return resolve


async def test_a_name_that_turns_inward_is_not_dialled() -> None:
    """DNS rebinding: public the first time, ourselves the second."""
    route = Route.of(resolve=saying(["8.8.8.8"], ["127.0.0.1"]))

    assert await route.endpoints("evil.example", 443) == [("8.8.8.8", 443)]
    with pytest.raises(ProhibitedError, match=r"127\.0\.0\.1 is loopback"):
        await route.endpoints("evil.example", 443)


async def test_of_a_mixed_answer_only_the_public_part_is_dialled() -> None:
    route = Route.of(resolve=saying(["10.0.0.1", "8.8.8.8", "::1"]))

    assert await route.endpoints("mixed.example", 443) == [("8.8.8.8", 443)]


async def test_a_name_without_an_address_is_not_dialled() -> None:
    with pytest.raises(ProhibitedError, match="the name has no address"):
        await Route.of(resolve=saying([])).endpoints("empty.example", 443)


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0x7f.1", "0177.0.0.1", "localhost"])
async def test_other_spellings_of_loopback_are_seen_through(host: str) -> None:
    """What the system makes of a name is judged, not its looks; no name server is asked."""
    with pytest.raises(ProhibitedError, match="is loopback"):
        await Route.of().endpoints(host, 443)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "169.254.169.254"])
def test_an_address_in_a_request_is_judged_before_anything_is_resolved(host: str) -> None:
    with pytest.raises(ProhibitedError, match="is l"):
        Route.of().check(host, 443)


def test_a_name_is_judged_only_once_it_is_resolved() -> None:
    Route.of().check("localhost", 443)


async def test_connect_to_changes_where_a_name_is_dialled_and_no_other() -> None:
    route = Route.of(
        allow_addresses=LOOPBACK,
        connect_to={"api.x.com:443": "localhost:9443"},
        resolve=saying(["127.0.0.1"], ["8.8.8.8"]),
    )

    assert await route.endpoints("api.x.com", 443) == [("127.0.0.1", 9443)]
    assert await route.endpoints("api.x.com", 80) == [("8.8.8.8", 80)]


async def test_connect_to_opens_no_address_by_itself() -> None:
    """`allow_addresses` is the one list of what may be dialled."""
    route = Route.of(connect_to={"api.x.com:443": "127.0.0.1:9443"}, resolve=saying(["127.0.0.1"]))

    with pytest.raises(ProhibitedError):
        await route.endpoints("api.x.com", 443)


async def test_behind_a_proxy_only_what_a_request_names_is_judged() -> None:
    """The proxy the operator named may be anywhere, but it is not told of private addresses."""
    route = Route.of(
        proxy="http://corp:3128", listeners={("10.0.0.9", 3128)}, resolve=saying(["10.0.0.1"])
    )

    assert await route.endpoints("corp", 3128) == [("10.0.0.1", 3128)]
    with pytest.raises(ProhibitedError):
        route.check("10.0.0.1", 443)


async def test_a_proxy_that_is_this_governor_is_a_loop() -> None:
    route = Route.of(
        proxy="http://corp:8080", listeners={("10.0.0.9", 8080)}, resolve=saying(["10.0.0.9"])
    )

    with pytest.raises(ProhibitedError, match="this Governor itself"):
        await route.endpoints("corp", 8080)


async def test_the_system_resolves_each_address_once() -> None:
    assert await system_resolve("127.0.0.1", 443) == ["127.0.0.1"]
    assert await system_resolve("::1", 443) == ["::1"]


def test_a_proxy_is_read_from_its_url() -> None:
    proxy = Proxy.parse("http://user:p%40ss@corp:3128")

    assert proxy == Proxy("corp", 3128, "user:p@ss")
    assert proxy.url == "http://corp:3128"
    assert proxy.authorization == {"Proxy-Authorization": "Basic dXNlcjpwQHNz"}
    assert Proxy.parse("http://corp:3128").authorization == {}


def test_a_proxy_never_shows_its_credentials() -> None:
    assert "p@ss" not in repr(Proxy.parse("http://user:p%40ss@corp:3128"))


@pytest.mark.parametrize(
    "url", ["corp:3128", "https://corp:3128", "socks5://corp:1080", "http://corp", "http://corp:x"]
)
def test_a_proxy_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="write it as http://host:port"):
        Proxy.parse(url)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        Route.of(
            allow_addresses=["10.0.0.0/8", "10.0.0.1/8", "intranet"],
            connect_to={
                "api.x.com": "127.0.0.1:1",
                "api.x.com:443": "127.0.0.1",
                "127.0.0.1:443": "127.0.0.1:1",
                "x.com:443": "127.0.0.1:99999",
                "twitter.com:443": "[::1]:9443",
            },
            proxy="http://corp:3128",
        )

    mistakes = caught.value.mistakes
    assert len(mistakes) == 7
    assert "'10.0.0.1/8' is no range of addresses" in mistakes[0]
    assert '{ "api.x.com" = "127.0.0.1:1" }' in mistakes[2]
    assert "exclude each other" in mistakes[6]


def test_an_ipv6_address_is_bracketed_before_a_port() -> None:
    assert authority("::1", 443) == "[::1]:443"
    assert authority("x.com", 443) == "x.com:443"
