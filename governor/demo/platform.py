"""A platform to try Governor on: it answers as X does, over TLS, and writes down what it gave.

It is a stranger to Governor: own certificate authority, own table of what it serves, own count of
posts. Its record is what the judge reads. Each request is written down once, when it is over: when
it arrived, when its first byte and its last byte went out, and the posts made for it, in full even
when the answer broke off.

An instant is taken just BEFORE the bytes are handed to the socket. Taken after, it could come later
than the reader's own "I have read the last byte", and the judge would accuse the innocent.

How the platform behaves - slow, dripping, broken, overloaded - is one value, `Behaviour`, whose
draws follow its seed.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from governor.demo.authority import Authority, make_authority
from governor.demo.bodies import Body, Query, Spelling, generate, problem
from governor.demo.judge import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from governor.demo.recorded import Recordings

REQUEST_LIMIT = 450  # X's own limit on requests in 15 minutes, as its headers state it
REQUEST_WINDOW_S = 900


class Instants(Protocol):
    """The two clocks the platform reads: one for people, one for its record."""

    def wall_ms(self) -> int:
        """Return the time since 1970 in milliseconds."""
        ...

    def monotonic_ms(self) -> int:
        """Return a time that never goes back."""
        ...


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the platform answers. Shares are per thousand requests, drawn by the seed in turn.

    An answer takes a time drawn from `takes_ms`. It passes before the first byte, or, when the body
    goes out in several `drips`, half of it before and half between them.
    """

    takes_ms: tuple[int, int] = (0, 0)
    drips: int = 1
    breaks_off: int = 0
    fails: int = 0
    limits: int = 0
    spelling: Spelling = "tweets"
    chunked: bool = False
    seed: int = 0


class Fate(Enum):
    """What becomes of one request."""

    ANSWERED = "answered"
    BROKEN_OFF = "broken off"
    FAILED = "failed"
    LIMITED = "limited"


class Platform:
    """The server. `start` it; read `port`, `ca_file` and `record`; `close` it."""

    def __init__(
        self,
        instants: Instants,
        behaviour: Behaviour | None = None,
        recordings: Recordings | None = None,
    ) -> None:
        self.record: list[Delivery] = []
        self.arrived = 0
        self.behaviour = behaviour or Behaviour()
        self._instants = instants
        self._recordings = recordings
        self._draw = random.Random(self.behaviour.seed)  # noqa: S311  # a seeded schedule
        self._changed = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._authority: Authority | None = None

    @property
    def port(self) -> int:
        """The port it listens on, for all of its names alike."""
        assert self._runner is not None, "start() comes first"
        return int(self._runner.addresses[0][1])

    @property
    def ca_file(self) -> Path:
        """What a client must trust to talk to it."""
        assert self._authority is not None, "start() comes first"
        return self._authority.ca_file

    @property
    def posts(self) -> int:
        """Posts delivered by the requests that are over."""
        return sum(one.posts for one in self.record)

    @property
    def under_way(self) -> int:
        """Requests that have arrived and are not over."""
        return self.arrived - len(self.record)

    async def start(self, directory: Path) -> None:
        """Write its certificates into `directory` and listen on a free port of loopback."""
        self._authority = make_authority(directory, self._instants.wall_ms())
        self._runner = web.ServerRunner(
            web.Server(self._answer, access_log=None), shutdown_timeout=1, access_log=None
        )
        await self._runner.setup()
        await web.TCPSite(
            self._runner, "127.0.0.1", 0, ssl_context=self._authority.context, backlog=512
        ).start()

    async def close(self) -> None:
        """Stop listening and let go of every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def until(self, holds: Callable[[Platform], bool]) -> None:
        """Return when `holds` is true of this platform; asked at every arrival and every end."""
        while not holds(self):
            self._changed.clear()
            await self._changed.wait()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, and write it down when it is over, however it ends."""
        arrived_ms = self._instants.monotonic_ms()
        self.arrived += 1
        self._changed.set()
        fate, takes_ms = self._fate(), self._draw.randint(*self.behaviour.takes_ms)
        body = await self._body(request, fate)
        content, headers = self._wire(request, body)
        pieces = [content] if fate is Fate.BROKEN_OFF else _cut(content, self.behaviour.drips)
        response = web.StreamResponse(status=body.status, headers=headers)
        if not self.behaviour.chunked:
            response.content_length = len(content)
        pause_s = takes_ms / 1000 if len(pieces) == 1 else takes_ms / 2000
        await asyncio.sleep(pause_s)
        first_ms, last_ms = self._instants.monotonic_ms(), None
        try:
            await response.prepare(request)
            if fate is Fate.BROKEN_OFF:
                await _break_off(request, response, content)
            for piece in pieces[:-1]:
                await response.write(piece)
                await asyncio.sleep(pause_s / (len(pieces) - 1))
            before_ms = self._instants.monotonic_ms()
            await response.write_eof(pieces[-1])
            last_ms = before_ms
        except ConnectionError:
            pass  # the other side is gone, or was to be left; `last_ms` stays None
        finally:
            complete = last_ms is not None
            ended_ms = self._instants.monotonic_ms() if last_ms is None else last_ms
            self.record.append(
                Delivery(body.operation, arrived_ms, first_ms, ended_ms, body.posts, complete)
            )
            self._changed.set()
        return response

    def _fate(self) -> Fate:
        behaviour, drawn = self.behaviour, self._draw.randrange(1000)
        for share, fate in (
            (behaviour.breaks_off, Fate.BROKEN_OFF),
            (behaviour.fails, Fate.FAILED),
            (behaviour.limits, Fate.LIMITED),
        ):
            if drawn < share:
                return fate
            drawn -= share
        return Fate.ANSWERED

    async def _body(self, request: web.BaseRequest, fate: Fate) -> Body:
        values = dict(request.query)
        if request.content_type == "application/x-www-form-urlencoded":
            values |= parse_qsl((await request.read()).decode())
        query = Query(request.path, values)
        match fate:
            case Fate.FAILED:
                return problem("failed", HTTPStatus.SERVICE_UNAVAILABLE, "Over capacity.")
            case Fate.LIMITED:
                return problem("limited", HTTPStatus.TOO_MANY_REQUESTS, "Too Many Requests")
        recorded = self._recordings and self._recordings.answer(
            request.method, request.path_qs, query
        )
        return recorded or generate(request.method, query, self.behaviour.spelling)

    def _wire(self, request: web.BaseRequest, body: Body) -> tuple[bytes, dict[str, str]]:
        """Return the body's bytes, compressed when that was asked for, and X's own headers."""
        now_s = self._instants.wall_ms() // 1000
        limited = body.status == HTTPStatus.TOO_MANY_REQUESTS
        content = json.dumps(body.content).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-rate-limit-limit": str(REQUEST_LIMIT),
            "x-rate-limit-remaining": "0" if limited else str(REQUEST_LIMIT - 1),
            "x-rate-limit-reset": str(now_s + (1 if limited else REQUEST_WINDOW_S)),
            "Set-Cookie": "guest_id=v1%3A1; Path=/; Domain=.x.com; Secure",
        }
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return gzip.compress(content, 1), {**headers, "Content-Encoding": "gzip"}
        return content, headers


def _cut(content: bytes, drips: int) -> list[bytes]:
    step = max(1, -(-len(content) // drips))
    return [content[start : start + step] for start in range(0, len(content), step)]


async def _break_off(
    request: web.BaseRequest, response: web.StreamResponse, content: bytes
) -> None:
    """Send half of the body and drop the connection, as a failing machine does."""
    await response.write(content[: len(content) // 2])
    assert request.transport is not None, "prepare() has just used it"
    request.transport.abort()
    raise ConnectionResetError("this answer was to break off")
