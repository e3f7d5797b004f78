"""Whatever is tried, no post is delivered uncharged: the table of evasions, by all three ways in.

Behind a real Governor stands a platform that makes something of everything (`tests/fakes/lenient`):
it decodes, folds, cuts and resolves until it finds an operation, and then serves the most that any
reading of the request asks for. A crawler without manners plays each trick of the table on each of
several requests. Each ends in one of two ways: refused, and nothing was delivered; or charged with
at least what was delivered.

One more trick is one more line of `TRICKS`.
"""

from __future__ import annotations

import random
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from governor.config import load
from governor.demo.launch import Launched, Place, Terms
from tests.fakes.lenient import Lenient
from tests.fakes.serving import serving
from tests.fakes.shooting import HOST, WAYS, Shot, Way, fire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from governor.cli.serve import Running

NAMES: Final = (HOST, "api.twitter.com", "x.com")
ADDRESS: Final = "127.0.0.1:PORT"  # where the platform is, as anybody can look it up
SEEDS: Final = range(1, 11)
COMBINED: Final = 100  # combinations for each seed

BASES: Final = {
    "search": Shot(),
    "lookup": Shot("/2/tweets", "ids=1,2,3,4,5,6,7"),
    "timeline": Shot("/2/users/12/tweets", "max_results=100"),
    "v1.1": Shot("/1.1/statuses/user_timeline.json", "screen_name=a&count=200"),
    "graphql": Shot("/graphql/aBc/UserTweets", "variables=%7B%22count%22%3A100%7D"),
    "followed": Shot("/2/users/12/following", "max_results=1000&expansions=pinned_tweet_id"),
    "follow": Shot(
        "/2/users/12/following", "expansions=pinned_tweet_id&max_results=1000", method="POST"
    ),
    "create": Shot(
        "/2/tweets", "", "POST", body='{"text":"a"}', fields=("Content-Type: application/json",)
    ),
    "stream": Shot("/2/tweets/search/stream", ""),
}
QUICK: Final = ("search", "follow")  # with every trick, in every run


def wide(text: str) -> str:
    """Return ASCII letters and digits in full width, escaped as UTF-8."""
    return quote("".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in text), safe="/=&?")


def path(change: Callable[[str], str]) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, path=change(shot.path))


def query(change: Callable[[str], str]) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, query=change(shot.query))


def field(*lines: str) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, fields=(*shot.fields, *lines))


def carry(body: str, *lines: str) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, body=body, fields=(*shot.fields, *lines))


def with_(**parts: str | None) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, **parts)  # type: ignore[arg-type]  # all of them are texts


def posted(shot: Shot) -> Shot:
    return replace(shot, method="POST")


def overridden(name: str) -> Callable[[Shot], Shot]:
    return lambda shot: field(f"{name}: GET")(posted(shot))


FORM: Final = "Content-Type: application/x-www-form-urlencoded"
CHUNKED: Final = "Transfer-Encoding: chunked"

TRICKS: Final[dict[str, Callable[[Shot], Shot]]] = {
    "nothing at all": lambda shot: shot,
    # the path
    "an escaped letter": path(lambda p: p[:3] + f"%{ord(p[3]):02x}" + p[4:]),
    "every letter escaped": path(
        lambda p: "".join(f"%{ord(c):02X}" if c.isalpha() else c for c in p)
    ),
    "escaped twice": path(lambda p: p[:3] + f"%25{ord(p[3]):02x}" + p[4:]),
    "an escaped slash": path(lambda p: "/" + p[1:].replace("/", "%2F", 1)),
    "an escaped backslash": path(lambda p: "/" + p[1:].replace("/", "%5c", 1)),
    "a backslash": path(lambda p: "/" + p[1:].replace("/", "\\", 1)),
    "a double slash": path(lambda p: "/" + p),
    "a double slash within": path(lambda p: "/" + p[1:].replace("/", "//", 1)),
    "a dot segment": path(lambda p: "/." + p),
    "two dot segments": path(lambda p: "/2/tweets/counts/.." + "/../.." + p),
    "escaped dot segments": path(lambda p: "/2/tweets/counts/%2e%2e/%2E./.%2e" + p),
    "dots of two bytes": path(lambda p: "/a/%c0%ae%c0%ae" + p),
    "dots in full width": path(lambda p: "/a/%EF%BC%8E%EF%BC%8E" + p),
    "upper case": path(str.upper),
    "mixed case": path(str.title),
    "a matrix parameter": path(lambda p: p + ";a=b"),
    "a matrix parameter within": path(lambda p: "/2;v=1" + p.removeprefix("/2")),
    "a matrix dot segment": path(lambda p: "/a/..;" + p),
    "an escaped semicolon": path(lambda p: p + "%3Ba"),
    "a trailing slash": path(lambda p: p + "/"),
    "a trailing dot in the path": path(lambda p: p + "."),
    "a trailing space": path(lambda p: p + "%20"),
    "another suffix": path(lambda p: p.removesuffix(".json") + ".json"),
    "an escaped NUL": path(lambda p: p + "%00.css"),
    "an escaped newline": path(lambda p: p + "%0a"),
    "an escaped question mark": path(lambda p: p + "%3Fa=b"),
    "an escaped number sign": path(lambda p: p + "%23a"),
    "full-width letters": path(wide),
    "a letter of another script": path(lambda p: p.replace("s", "%C5%BF", 1)),
    "a soft hyphen": path(lambda p: p[:4] + "%C2%AD" + p[4:]),
    "a raw byte beyond ASCII": path(lambda p: p + "\xe9"),
    "half an escape": path(lambda p: p + "%2"),
    "a prefix of the web client": path(lambda p: "/i/api" + p),
    "something free before": path(lambda p: "/2/tweets/counts" + p),
    # the query
    "an escaped name": query(lambda q: q.replace("_", "%5F").replace("c", "%63")),
    "a name escaped twice": query(lambda q: q.replace("_", "%255F").replace("count", "%2563ount")),
    "a name in another case": query(str.upper),
    "a parameter twice, less last": query(lambda q: q + "&max_results=10&count=1&ids=1"),
    "a parameter twice, less first": query(lambda q: "max_results=10&count=1&ids=1&" + q),
    "semicolons between": query(lambda q: "max_results=10;" + q.replace("&", ";")),
    "a parameter behind an escaped &": query(lambda q: "max_results=10%26" + q),
    "digits of another script": query(lambda q: q.replace("100", "%D9%A1%D9%A0%D9%A0")),
    "digits in full width": query(lambda q: q.replace("00", wide("00"))),
    "escaped digits": query(lambda q: q.replace("100", "%31%30%30")),
    "a plus before": query(lambda q: q.replace("=1", "=%2B1")),
    "an exponent": query(lambda q: q.replace("=100", "=1e2").replace("=200", "=2e2")),
    "another base": query(lambda q: q.replace("=100", "=0x64").replace("=200", "=0xc8")),
    "zeros before": query(lambda q: q.replace("=1", "=00001")),
    "a space before": query(lambda q: q.replace("=", "=%20")),
    "an array": query(lambda q: q.replace("=", "[]=", 1)),
    "brackets escaped": query(lambda q: q.replace("=", "%5B%5D=", 1)),
    "no value": query(lambda q: q + "&max_results&count="),
    "an escaped NUL in the query": query(lambda q: "max_results=10%00&" + q),
    "CR and LF in the query": query(lambda q: q + "%0d%0aHost:%20other.test"),
    "a tab in the query": query(lambda q: q.replace("=", "=%09", 1)),
    "overlong UTF-8 in the query": query(lambda q: q.replace("100", "%C0%B1%C0%B0%C0%B0")),
    "half an escape in the query": query(lambda q: q + "&a=%4"),
    "a second question mark": query(lambda q: "a=b?" + q),
    "a hyphen for an underscore": query(lambda q: q.replace("_", "-")),
    "a query as long as can be": query(lambda q: q + "&a=" + "b" * 60_000),
    "a longer query": query(lambda q: q + "&a=" + "b" * 70_000),
    "ids between spaces": query(lambda q: q.replace(",", "%20")),
    # the method
    "a method in small letters": lambda shot: replace(shot, method=shot.method.lower()),
    **{
        f"by {method}": with_(method=method)
        for method in ("HEAD", "OPTIONS", "TRACE", "PATCH", "PUT", "POST", "DELETE", "FETCH")
    },
    **{
        f"overridden by {name}": overridden(name)
        for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
    },
    "overridden in the query": lambda shot: query(lambda q: q + "&_method=GET")(posted(shot)),
    "overridden in the query, hidden": lambda shot: query(lambda q: q + "&%255fMethod=get")(
        posted(shot)
    ),
    "overridden in a form": lambda shot: carry("a=b&_method=GET", FORM)(posted(shot)),
    "overridden in a form, hidden": lambda shot: carry("a=b&%5Fmethod=GET", FORM)(posted(shot)),
    "overridden in what has no type": lambda shot: carry("_method=GET")(posted(shot)),
    # whom it is for
    "a host in capitals": with_(authority="API.X.COM"),
    "a trailing dot": with_(authority=f"{HOST}."),
    "two trailing dots": with_(authority=f"{HOST}.."),
    "its port, said": with_(authority=f"{HOST}:443"),
    "the other port": with_(authority=f"{HOST}:80"),
    "a port with a zero": with_(authority=f"{HOST}:0443"),
    "no port after a colon": with_(authority=f"{HOST}:"),
    "a port too large": with_(authority=f"{HOST}:65979"),
    "userinfo": with_(authority=f"other.test@{HOST}"),
    "userinfo the other way": with_(authority=f"{HOST}@other.test"),
    "a password": with_(authority=f"a:b@{HOST}"),
    "an address": with_(authority=ADDRESS),
    "an address with Host": with_(authority=ADDRESS, host=HOST),
    "an address as a number": with_(authority="2130706433:PORT"),
    "an address of version 6": with_(authority="[::ffff:127.0.0.1]:PORT"),
    "a name of version 6": with_(authority="[api.x.com]"),
    "full-width dots in the host": with_(authority="api\xef\xbc\x8ex\xef\xbc\x8ecom"),
    "an escaped host": with_(authority="api%2Ex%2Ecom"),
    "a host below another": with_(authority=f"{HOST}.other.test"),
    "another host below it": with_(authority=f"other.{HOST}"),
    "a NUL in the host": with_(authority=f"{HOST}\0.other.test"),
    "another Host": with_(host="other.test"),
    "a governed Host for another": with_(authority="other.test", host=HOST),
    "another governed Host": with_(host="x.com"),
    "Host twice": field("Host: other.test"),
    "Host twice, the same": field(f"Host: {HOST}"),
    "no Host": with_(host=None),
    "an empty Host": with_(host=" "),
    "Host with another port": with_(host=f"{HOST}:8443"),
    "a forwarded host": field("X-Forwarded-Host: other.test", "Forwarded: host=other.test"),
    "another SNI": with_(sni="other.test"),
    "another governed SNI": with_(sni="x.com"),
    "the SNI of a tunnel to another": with_(authority="other.test", sni=HOST),
    "an absolute URI": lambda shot: replace(shot, target=f"https://{HOST}{shot.path}?{shot.query}"),
    "an absolute URI of another": lambda shot: replace(
        shot, target=f"http://other.test{shot.path}?{shot.query}"
    ),
    "an absolute URI without authority": lambda shot: replace(shot, target=f"http://{shot.path}"),
    "an absolute URI, user named": lambda shot: replace(
        shot, target=f"http://{HOST}@other.test{shot.path}?{shot.query}", host=HOST
    ),
    "a gateway within": lambda shot: replace(shot, path=f"/gateway/{HOST}{shot.path}"),
    "a path alone": lambda shot: replace(shot, target=f"/x/../{shot.path}?{shot.query}"),
    # the message
    "a fragment": lambda shot: replace(shot, query=shot.query + "#a"),
    "a fragment in the path": path(lambda p: p + "#"),
    "a space in the target": path(lambda p: p + " a"),
    "a tab in the target": path(lambda p: p + "\ta"),
    "a raw NUL": path(lambda p: p + "\0"),
    "a bare CR": path(lambda p: p + "\r"),
    "lines that end in LF": with_(line_end="\n"),
    "HTTP/1.0": with_(version="HTTP/1.0"),
    "HTTP/1.0 without Host": with_(version="HTTP/1.0", host=None),
    "HTTP/0.9": with_(version=""),
    "HTTP/1.2": with_(version="HTTP/1.2"),
    "HTTP/2.0": with_(version="HTTP/2.0"),
    "knowing of HTTP/2": with_(before="PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "an upgrade to h2c": field("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "an upgrade to a websocket": field("Upgrade: websocket", "Sec-WebSocket-Key: AAAA"),
    "a body on a GET": carry("max_results=100", FORM),
    "a chunked body on a GET": carry("f\r\nmax_results=100\r\n0\r\n\r\n", CHUNKED, FORM),
    "a length and chunks": carry("0\r\n\r\n", CHUNKED, "Content-Length: 5"),
    "two codings": carry("0\r\n\r\n", CHUNKED, "Transfer-Encoding: identity"),
    "an obscure coding": carry("0\r\n\r\n", "Transfer-Encoding: \x0bchunked"),
    "a folded field": field("A: b", " GET /2/tweets?ids=1,2,3 HTTP/1.1"),
    "a field without a colon": field("GET /2/tweets?ids=1,2,3 HTTP/1.1"),
    "a field with an underscore": field("Content_Length: 10", "Transfer_Encoding: chunked"),
    "a second request behind": lambda shot: replace(
        shot, connection="keep-alive", after=shot.wire("tunnel").decode("latin-1")
    ),
    "a range": field("Range: bytes=0-"),
    "another coding": field("Accept-Encoding: br, zstd, deflate"),
    "a credential of the proxy": field("Proxy-Authorization: Basic YTpi"),
    "fields of the hop": field("Connection: Authorization, Content-Length", "Keep-Alive: 5"),
}


@dataclass(slots=True)
class Range:
    """A Governor, the platform behind it, and how to shoot at them."""

    platform: Lenient
    running: Running
    port: int

    async def shoot(self, shot: Shot, way: Way) -> Outcome:
        """Fire, and say what was delivered and what was charged for it.

        An answer that ended was charged, for the connection ends after its exchange.
        """
        port = self.platform.port if way == "forward" else self.platform.tls_port
        shot = replace(shot, authority=shot.authority.replace("PORT", str(port)))
        before, charged = len(self.platform.delivered), await self._charged()
        statuses = await fire(shot, way, self.port)
        delivered = sum(self.platform.delivered[before:])
        return Outcome(tuple(statuses), delivered, await self._charged() - charged)

    async def _charged(self) -> int:
        talk = self.running.member.talks["x"]
        assert await talk.probe() is None, "the ledger is open, and has been told of every charge"
        usage = talk.snapshot().usage["x-demo"]
        return usage.charged + usage.pending


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one shot."""

    statuses: tuple[int, ...]
    delivered: int
    charged: int


@asynccontextmanager
async def opened(directory: Path) -> AsyncIterator[Range]:
    """Run a Governor before a platform that has each name, and an address of its own."""
    async with Lenient.serving(directory) as platform:
        routes = [
            f'"{name}:{port}" = "127.0.0.1:{own}"'
            for name in (*NAMES, f"other.{HOST}")
            for port, own in ((80, platform.port), (443, platform.tls_port))
        ]
        routes.append(f'"other.test:443" = "127.0.0.1:{platform.tls_port}"')
        place = Place(platform.tls_port, platform.authority.file)
        governor = Launched(directory, Terms(900_000_000, "1h"), place)
        text = governor.settings()
        text = re.sub(r"connect_to = .*", f"connect_to = {{ {', '.join(routes)} }}", text)
        text = text.replace('other_hosts = "refuse"', 'other_hosts = "tunnel"')
        (directory / "governor.toml").write_text(text, encoding="utf-8")
        await governor.command("init")
        async with serving(load(directory / "governor.toml", {})) as running:
            yield Range(platform, running, governor.proxy_port)


def uncharged(outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
    return {name: each for name, each in outcomes.items() if each.delivered > each.charged}


async def played(directory: Path, way: Way, bases: tuple[str, ...]) -> dict[str, Outcome]:
    """Play each trick of the table on each of these requests; each must end as it may."""
    async with opened(directory) as shooting:
        outcomes = {
            f"{trick}: {base}": await shooting.shoot(play(BASES[base]), way)
            for trick, play in TRICKS.items()
            for base in bases
        }

    assert uncharged(outcomes) == {}
    for name, one in outcomes.items():
        assert one.delivered == 0 or 200 in one.statuses, name
    return outcomes


@pytest.mark.parametrize("way", WAYS)
async def test_no_trick_has_a_post_delivered_uncharged(tmp_path: Path, way: Way) -> None:
    """Refused, or charged in full; and what is honest is served."""
    outcomes = await played(tmp_path, way, QUICK)

    assert outcomes["nothing at all: search"] == Outcome((200,), 100, 100)
    assert outcomes["nothing at all: follow"].delivered == 0
    assert outcomes["an escaped name: search"] == Outcome((200,), 100, 100)


@pytest.mark.deep
@pytest.mark.parametrize("way", WAYS)
async def test_nor_with_any_other_request(tmp_path: Path, way: Way) -> None:
    outcomes = await played(tmp_path, way, tuple(set(BASES) - set(QUICK)))

    plain = [one for name, one in outcomes.items() if name.startswith("nothing at all")]
    assert all(one.delivered for one in plain)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.deep) for n in SEEDS)])
async def test_nor_do_several_tricks_at_once(tmp_path: Path, way: Way, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  # a seeded draw
    outcomes: dict[str, Outcome] = {}
    async with opened(tmp_path) as shooting:
        for _ in range(COMBINED):
            base = draw.choice(list(BASES))
            tricks = draw.sample(list(TRICKS), draw.randint(2, 3))
            shot = BASES[base]
            for trick in tricks:
                shot = TRICKS[trick](shot)
            outcomes[f"{' + '.join(tricks)}: {base}"] = await shooting.shoot(shot, way)

    assert uncharged(outcomes) == {}
