"""The admin port answers four questions, to those who may ask, and does nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as open_metrics,
)
from prometheus_client.parser import text_string_to_metric_families as prometheus_text

from governor.admin import Admin
from governor.core.policy import Contract, Job, Limit
from governor.errors import AddressError
from governor.metrics import Metrics
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATHS: Final = ("/metrics", "/live", "/ready", "/status")
HOST: Final = "127.0.0.1"
SECRET: Final = "planted-secret"  # noqa: S105  # planted: no answer may show it


class Parts:
    """What an admin port shows, for a test to change."""

    def __init__(self) -> None:
        self.readiness = (True, "the ledger is open")
        self.accepts: list[str] = []

    async def metrics(self, accept: str) -> tuple[str, bytes]:
        self.accepts.append(accept)
        return "text/plain; version=0.0.4; charset=utf-8", b"governor_up 1\n" * 500

    async def live(self) -> None:
        """Return at once."""

    async def ready(self) -> tuple[bool, str]:
        return self.readiness

    def status(self) -> dict[str, Any]:
        return {"contracts": [{"name": "x", "usage": 5}]}


@asynccontextmanager
async def serving(
    parts: Parts, token: str | None = None, *, host: str = HOST, port: int = 0
) -> AsyncIterator[int]:
    admin = Admin(
        metrics=parts.metrics,
        live=parts.live,
        ready=parts.ready,
        status=parts.status,
        admin_token=token,
    )
    try:
        yield await admin.listen(host, port)
    finally:
        await admin.close()


async def ask(
    port: int, path: str, method: str = "GET", **fields: str
) -> tuple[int, dict[str, str], str]:
    """Return status, fields by lower-case name, and body."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://{HOST}:{port}{path}", headers=fields) as answer,
    ):
        return (
            answer.status,
            {name.lower(): value for name, value in answer.headers.items()},
            await answer.text(),
        )


async def say(port: int, wire: bytes) -> bytes:
    """Send bytes as they are, and return all that comes until the port closes."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(wire)
    heard = await reader.read()
    writer.close()
    return heard


async def test_four_paths_are_answered() -> None:
    async with serving(Parts()) as port:
        answers = {path: await ask(port, path) for path in PATHS}

    assert {status for status, _, _ in answers.values()} == {200}
    assert answers["/metrics"][2] == "governor_up 1\n" * 500
    assert answers["/live"][2] == "alive\n"
    assert answers["/ready"][2] == "the ledger is open\n"
    assert json.loads(answers["/status"][2]) == {"contracts": [{"name": "x", "usage": 5}]}


async def test_not_ready_is_503_and_says_why() -> None:
    parts = Parts()
    parts.readiness = (False, "the ledger does not answer")
    async with serving(parts) as port:
        status, _, body = await ask(port, "/ready")

    assert (status, body) == (503, "the ledger does not answer\n")


async def test_the_format_of_metrics_is_the_scrapers_choice() -> None:
    parts = Parts()
    async with serving(parts) as port:
        _, fields, _ = await ask(port, "/metrics", Accept="application/openmetrics-text")

    assert parts.accepts == ["application/openmetrics-text"]
    assert fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert fields["content-encoding"] in {"gzip", "deflate"}


async def test_prometheus_reads_both_formats_of_the_real_metrics() -> None:
    metrics = Metrics(
        contracts=(Contract("x", "x", (Limit("x-24h", 1_000, 86_400_000),)),),
        jobs=(Job("elections"),),
        operations={},
        snapshots=tuple,
        clock=FakeClock(),
        ca_expires_ms=1_000,
        version="1",
    )
    parts = Parts()
    parts.metrics = metrics.text  # type: ignore[method-assign]  # the real thing for the sample
    async with serving(parts) as port:
        _, plain, old = await ask(port, "/metrics", Accept="text/plain;version=0.0.4")
        _, opened, new = await ask(port, "/metrics", Accept="application/openmetrics-text")
    found = {family.name for family in prometheus_text(old)}
    also = {family.name for family in open_metrics(new)}  # type: ignore[no-untyped-call]  # theirs

    assert plain["content-type"].startswith("text/plain; version=0.0.4")
    assert opened["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {"governor_exchanges", "governor_charged_posts"} <= found
    assert {name.removesuffix("_info") for name in found} == also


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/metrics/"),
        ("GET", "/../status"),
        ("GET", "/debug"),
        ("POST", "/status"),
        ("DELETE", "/metrics"),
        ("OPTIONS", "/live"),
    ],
)
async def test_there_is_nothing_else(method: str, path: str) -> None:
    async with serving(Parts()) as port:
        heard = await say(port, f"{method} {path} HTTP/1.0\r\n\r\n".encode())

    head, _, body = heard.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 404 ")
    assert json.loads(body)["status"] == 404


@pytest.mark.parametrize(
    "wire",
    [
        b"GET /live HTTP/1.0\r\n\r\n",
        b"GET /nowhere HTTP/1.0\r\n\r\n",
        b"this is not HTTP\r\n\r\n",
    ],
)
async def test_no_answer_says_what_serves_it(wire: bytes) -> None:
    """A banner tells an intruder which hole to try; a browser must not run what it is shown."""
    async with serving(Parts()) as port:
        heard = (await say(port, wire)).lower()

    assert heard.startswith(b"http/1.")
    assert b"\r\nserver:" not in heard
    assert b"aiohttp" not in heard
    assert b"python" not in heard
    assert b"x-content-type-options: nosniff" in heard
    assert b"content-security-policy: default-src 'none'" in heard
    assert b"cache-control: no-store" in heard


async def test_with_a_token_only_the_probes_are_open() -> None:
    async with serving(Parts(), token=SECRET) as port:
        bare = {path: (await ask(port, path))[0] for path in (*PATHS, "/nowhere")}
        given = {
            path: (await ask(port, path, Authorization=f"Bearer {SECRET}"))[0]
            for path in (*PATHS, "/nowhere")
        }

    assert bare == {"/metrics": 401, "/live": 200, "/ready": 200, "/status": 401, "/nowhere": 401}
    assert given == {"/metrics": 200, "/live": 200, "/ready": 200, "/status": 200, "/nowhere": 404}


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"Bearer",
        b"Bearer planted-secre",
        b"Bearer planted-secrets",
        b"Basic planted-secret",
        b"planted-secret",
        b"Bearer \xff\xfe",
    ],
)
async def test_a_wrong_token_is_told_what_is_needed_and_nothing_more(given: bytes) -> None:
    wire = b"GET /status HTTP/1.0\r\nAuthorization: " + given + b"\r\n\r\n"
    async with serving(Parts(), token=SECRET) as port:
        heard = await say(port, wire)

    assert heard.startswith(b"HTTP/1.0 401 ")
    assert re.search(rb"(?i)\r\nwww-authenticate: bearer\r\n", heard)
    assert SECRET.encode() not in heard


async def test_a_body_is_not_waited_for() -> None:
    """The answer comes, and the end, although the promised body never does."""
    wire = b"GET /live HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    async with serving(Parts()) as port, asyncio.timeout(5):
        heard = await say(port, wire)

    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.endswith(b"alive\n")


async def test_a_defect_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Parts):
        def status(self) -> dict[str, Any]:
            raise ZeroDivisionError(SECRET)

    async with serving(Broken()) as port:
        with caplog.at_level(logging.ERROR):
            status, fields, body = await ask(port, "/status", Accept="text/html")

    assert status == 500
    assert fields["content-type"] == "application/json"
    assert SECRET not in body
    assert "ZeroDivisionError" in caplog.text


async def test_what_is_not_http_is_answered_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving(Parts()) as port:
        heard = await say(port, b"\x16\x03\x01 hello\r\n\r\n")

    assert heard.startswith((b"HTTP/1.0 400 ", b"HTTP/1.1 400 "))
    assert caplog.text == ""


async def test_an_address_in_use_is_told_with_its_remedy() -> None:
    with closing(socket.create_server((HOST, 0))) as other:
        port = other.getsockname()[1]

        with pytest.raises(AddressError, match=rf"^{HOST}:{port} is in use: .* listen.admin"):
            async with serving(Parts(), port=port):
                pass


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("192.0.2.1", 0, "is not an address of this machine: correct listen.admin"),
        (HOST, 70_000, "cannot be listened on"),
        ("not a host", 0, "has no address on this machine: correct listen.admin"),
    ],
)
async def test_an_address_that_cannot_be_had_is_told(host: str, port: int, told: str) -> None:
    with pytest.raises(AddressError, match=told):
        async with serving(Parts(), host=host, port=port):
            pass


async def test_after_a_close_the_address_is_free() -> None:
    async with serving(Parts()) as port:
        assert (await ask(port, "/live"))[0] == 200
    async with serving(Parts(), port=port) as again:
        assert again == port
