"""A platform that makes something of everything: the worst that a governor can have behind it.

It decodes as long as there is something to decode, folds letters and digits of every script, cuts
segments where any server cuts them, resolves what can be resolved, takes a method from wherever
some framework takes it from, and of several readings the one that brings the most posts. What it
delivered it writes down. It shares nothing with Governor, and reads HTTP by hand.
"""

from __future__ import annotations

import asyncio
import json
import re
import unicodedata
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from tests.fakes.tls import TinyAuthority

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from pathlib import Path

STREAMED: Final = 40
MOST: Final = 1_000
OVERRIDES: Final = ("_method", "x-http-method-override", "x-http-method", "x-method-override")
METHODS: Final = {"get", "post", "put", "delete", "head", "options", "trace", "patch"}
PINNED: Final = "pinned_tweet_id"


@dataclass(frozen=True, slots=True)
class Served:
    """One operation: its path, and the page it serves if it is not told, or told too much."""

    path: re.Pattern[str]
    method: str
    default: int
    most: int
    names: tuple[str, ...]
    expands: bool = False


SERVED: Final = (
    Served(re.compile(r"/2/tweets/search/recent"), "get", 10, 100, ("maxresults",)),
    Served(re.compile(r"/2/tweets"), "get", 1, 100, ("ids",)),
    Served(re.compile(r"/2/tweets"), "post", 1, 1, ()),
    Served(re.compile(r"/2/users/\d+/tweets"), "get", 10, 100, ("maxresults",)),
    Served(re.compile(r"/2/users/\d+/following"), "get", 100, 1000, ("maxresults",), expands=True),
    Served(re.compile(r"/1\.1/statuses/user_timeline"), "get", 20, 200, ("count",)),
    Served(re.compile(r"(/.*)?/graphql/[^/]+/usertweets"), "get", 20, 100, ("count",)),
    Served(re.compile(r"(/.*)?/graphql/[^/]+/usertweets"), "post", 20, 100, ("count",)),
    Served(re.compile(r"/2/tweets/search/stream"), "get", STREAMED, STREAMED, ()),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A request as it was on the wire."""

    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: str


def posts_for(heard: Heard) -> int:
    """Return the most posts that any reading of a request asks for."""
    found = 0
    parameters = _parameters(heard)
    for path in _paths(heard.target):
        for method in _methods(heard, parameters):
            for served in SERVED:
                if method == served.method and served.path.fullmatch(path):
                    found = max(found, _size(served, parameters))
    return found


def _loose(text: str) -> str:
    while (decoded := unquote(text, errors="replace")) != text:
        text = decoded
    return unicodedata.normalize("NFKC", text).casefold()


def _paths(target: str) -> set[str]:
    path = re.sub(r"^https?://[^/?]*", "", target.partition("?")[0], flags=re.IGNORECASE)
    found = set()
    for reading in (path, _overlong(path)):
        names = [_segment(name) for name in re.split(r"[/\\]", _loose(reading))]
        resolved: list[str] = []
        for name in names:
            if name == "..":
                resolved = resolved[:-1]
            elif name not in {"", "."}:
                resolved.append(name)
        for each in (resolved, [name for name in names if name.strip(".")]):
            found.add("/" + "/".join(each).removesuffix(".json"))
    return found


def _segment(text: str) -> str:
    name = re.split(r"[;?#\0]", text)[0].strip()
    return name if name in {".", ".."} else name.rstrip(".")


def _overlong(text: str) -> str:
    """Read what is UTF-8 only to a careless decoder: %C0%AE is a dot to it."""
    pairs = re.compile(r"%c([01])%([89ab][0-9a-f])", re.IGNORECASE)
    return pairs.sub(lambda found: f"%{int(found[1]) * 64 + int(found[2], 16) - 128:02x}", text)


def _methods(heard: Heard, parameters: list[tuple[str, str]]) -> set[str]:
    said = {heard.method, *(value for name, value in heard.fields if name.lower() in OVERRIDES)}
    plain = {name.replace("-", "") for name in OVERRIDES} | {"method"}
    said |= {value for name, value in parameters if name in plain}
    found = {_loose(each).strip() for each in said}
    return found & METHODS | ({"get"} if found & {"head", "trace", "options"} else set())


def _parameters(heard: Heard) -> list[tuple[str, str]]:
    """Return every name and value that anything in the request can be read as."""
    found: list[tuple[str, str]] = []
    # Nobody reads a form or JSON out of what is said to be mere bytes.
    is_bytes = any("octet-stream" in value for _, value in heard.fields)
    for text in (heard.target.partition("?")[2], "" if is_bytes else heard.body):
        for reading in {text, _loose(_overlong(text))}:
            pairs = (pair.partition("=") for pair in re.split(r"[&;?#\r\n]", reading))
            found += [(_name(name), _loose(value)) for name, _, value in pairs]
        members = re.findall(r'"([^"]+)"\s*:\s*"?([^",}]+)', _loose(text))
        found += [(_name(name), value) for name, value in members]
    return found


def _name(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", _loose(text))


def _size(served: Served, parameters: list[tuple[str, str]]) -> int:
    if served.expands and not any(PINNED in value for _, value in parameters):
        return 0
    if served.names == ("ids",):
        listed = [value for name, value in parameters if name == "ids" and value]
        return min(served.most, sum(len(re.split(r"[,\s|]", value)) for value in listed))
    said = [_number(value) for name, value in parameters if name in served.names]
    asked = max((each for each in said if each is not None), default=served.default)
    return max(0, min(served.most, asked))


def _number(text: str) -> int | None:
    """Read a number as the most careless language reads one."""
    text = text.strip(" '\"[](){}+\0")
    for base in (10, 0):
        try:
            return min(MOST, int(text, base))
        except ValueError:
            continue
    try:
        return min(MOST, int(float(text)))
    except (ValueError, OverflowError):
        pass
    leading = re.match(r"\d+", text)
    return min(MOST, int(leading[0])) if leading else None


class Lenient:
    """Listens in the clear and under TLS, for every name. `delivered` has each answer's posts."""

    def __init__(self, authority: TinyAuthority) -> None:
        self.authority = authority
        self.heard: list[Heard] = []
        self.delivered: list[int] = []
        self.port = self.tls_port = 0

    @classmethod
    @asynccontextmanager
    async def serving(cls, folder: Path) -> AsyncIterator[Lenient]:
        """Serve on two free ports of loopback while the block runs."""
        platform = cls(TinyAuthority(folder))
        context = platform.authority.leaf("api.x.com")
        context.sni_callback = platform._named
        async with AsyncExitStack() as stack:
            for tls in (None, context):
                server = await asyncio.start_server(platform._serve, "127.0.0.1", 0, ssl=tls)
                stack.callback(server.close)
                port = server.sockets[0].getsockname()[1]
                platform.port, platform.tls_port = (platform.port or port), port
            yield platform

    def _named(self, tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None:
            tls.context = self.authority.leaf(name)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            goes_on = True
            while goes_on:
                heard = await _hear(reader)
                writer.write(self._answer(heard))
                await writer.drain()
                goes_on = ("Connection", "close") not in heard.fields
        except (OSError, EOFError):
            pass  # the client has what it wanted
        finally:
            writer.close()

    def _answer(self, heard: Heard) -> bytes:
        posts = posts_for(heard)
        made = [{"id": str(number), "text": "rain"} for number in range(1, posts + 1)]
        is_stream = posts == STREAMED and "stream" in _loose(heard.target)
        content = json.dumps({"data": made}).encode()
        if is_stream:
            content = b"".join(json.dumps({"data": one}).encode() + b"\r\n" for one in made)
        status = "200 OK" if posts else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(content)}\r\n\r\n"
        self.heard.append(heard)
        self.delivered.append(0 if heard.method == "HEAD" else posts)
        return head.encode() + (b"" if heard.method == "HEAD" else content)


async def _hear(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *lines = head.split("\r\n")[:-2]
    method, target, _ = line.split(" ", 2)
    fields = tuple((name, value.strip()) for name, _, value in (li.partition(":") for li in lines))
    known = {name.lower(): value for name, value in fields}
    body = b""
    if "chunked" in known.get("transfer-encoding", ""):
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
    else:
        body = await reader.readexactly(int(known.get("content-length", "0")))
    return Heard(method, target, fields, body.decode("utf-8", "replace"))
