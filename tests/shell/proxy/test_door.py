"""Every request is checked, located, identified, and given to whom it is for."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.doorway import GOVERNED, OTHER, Doorway, basic, echo, open_doorway, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from governor.exchange import Downstream, Request


@pytest.fixture
async def doorway(tmp_path: Path) -> AsyncIterator[Doorway]:
    async with open_doorway(tmp_path) as opened:
        yield opened


def get(target: str, host: str, *fields: str, version: str = "1.1") -> bytes:
    lines = (f"GET {target} HTTP/{version}", f"Host: {host}", "Connection: close", *fields)
    return "\r\n".join((*lines, "", "")).encode("latin-1")


async def test_a_governed_host_is_the_exchanges_business(doorway: Doorway) -> None:
    answer = await doorway.say(get(f"http://{GOVERNED}/a%7Cb?x=%20y&z=a+b%7C", GOVERNED))

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    (request,) = doorway.exchange.asked
    assert (request.host, request.port, request.way) == (GOVERNED, 80, "forward")
    assert request.target == "/a%7Cb?x=%20y&z=a+b%7C"
    assert doorway.relay.asked == []


async def test_another_host_is_the_relays_and_its_path_is_left_alone(doorway: Doorway) -> None:
    await doorway.say(get(f"http://{OTHER}/a%2Fb//c/../%74", OTHER))

    (request,) = doorway.relay.asked
    assert request.target == "/a%2Fb//c/../%74"
    assert doorway.exchange.asked == []


async def test_the_gateway_leads_to_governed_hosts_only(doorway: Doorway) -> None:
    assert b"200 OK" in await doorway.say(get(f"/gateway/{GOVERNED}/2/tweets?a=b", "localhost"))
    assert b"404 Not Found" in await doorway.say(get(f"/gateway/{OTHER}/", "localhost"))

    (request,) = doorway.exchange.asked
    assert (request.scheme, request.host, request.port) == ("https", GOVERNED, 443)
    assert (request.target, request.way) == ("/2/tweets?a=b", "gateway")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get("/", "localhost"), 404),
        (get(f"https://{GOVERNED}/", GOVERNED), 400),
        (get(f"http://{GOVERNED}/../2/tweets", GOVERNED), 400),
        (get(f"http://{GOVERNED}/2/%74weets", GOVERNED), 400),
        (get(f"http://user:pw@{GOVERNED}/", GOVERNED), 400),
        (get(f"http://{GOVERNED}/", OTHER), 421),
        (get(f"http://{GOVERNED}/", GOVERNED, "Content_Length: 5"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, "Host: evil.test"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, "Transfer-Encoding: ,chunked"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, "Transfer-Encoding: chunked", version="1.0"), 400),
        (
            get(f"http://{GOVERNED}/", GOVERNED, "Content-Length: 0", "Transfer-Encoding: chunked"),
            400,
        ),
        (get(f"http://{GOVERNED}/", GOVERNED, "Name : a"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, " folded"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, version="2.0"), 400),
        (get(f"http://{GOVERNED}/", GOVERNED, "Upgrade: websocket"), 501),
        (get(f"http://{GOVERNED}/", GOVERNED, "Expect: a miracle"), 417),
        (get(f"http://{GOVERNED}/", GOVERNED).replace(b"\r\n", b"\n"), 400),
        (b"NONSENSE\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http:// HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://a:b:c/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
async def test_what_is_refused_at_the_door_never_reaches_a_service(
    doorway: Doorway, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    """The answer is a problem document, the connection is closed, and the log stays quiet."""
    answer = await doorway.say(sent)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert doorway.exchange.asked == doorway.relay.asked == []
    assert caplog.records == []


async def test_a_governed_target_goes_on_in_one_form(doorway: Doorway) -> None:
    await doorway.say(get(f"http://{GOVERNED}/%c3%bc?max%5Fresults=1&ids[]=2", GOVERNED))

    (request,) = doorway.exchange.asked
    assert request.target == "/%C3%BC?max_results=1&ids%5B%5D=2"


@pytest.mark.parametrize(
    ("field", "target", "status"),
    [
        ("Signature: keyId=a", "/?max%5Fresults=1", 400),
        ("Signature-Input: sig1=()", "/?max%5Fresults=1", 400),
        ("Authorization: Signature keyId=a", "/?max%5Fresults=1", 400),
        ("Authorization: OAuth oauth_signature=a", "/%c3%bc", 400),
        ("Authorization: OAuth oauth_signature=a", "/?max%5Fresults=1", 200),
        ("Authorization: Bearer a", "/%c3%bc?max%5Fresults=1", 200),
        ("Signature: keyId=a", "/?max_results=1", 200),
    ],
)
async def test_a_signed_target_is_not_rewritten(
    doorway: Doorway, field: str, target: str, status: int
) -> None:
    """OAuth 1.0a signs the path as it is spelled, and the query as it is decoded."""
    answer = await doorway.say(get(f"http://{GOVERNED}{target}", GOVERNED, field))

    assert answer.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_url_that_is_too_long_is_said_to_be(doorway: Doorway) -> None:
    answer = await doorway.say(get(f"http://{GOVERNED}/?q={'a' * 70_000}", GOVERNED))

    assert b" 400 " in answer[:16]
    assert b"64 KiB" in answer


@pytest.mark.parametrize("address", ["203.0.113.7", "[2001:db8::7]"])
async def test_no_request_leads_to_an_address(doorway: Doorway, address: str) -> None:
    """It may be a governed host's, and nobody would count it."""
    answer = await doorway.say(get(f"http://{address}/2/tweets", address))

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert doorway.relay.asked == doorway.exchange.asked == []


async def test_a_smuggled_second_request_is_not_served(doorway: Doorway) -> None:
    smuggled = get(f"http://{GOVERNED}/smuggled", GOVERNED)
    first = (
        f"POST http://{GOVERNED}/ HTTP/1.1\r\nHost: {GOVERNED}\r\n"
        f"Content-Length: {len(smuggled)}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    answer = await doorway.say(first.encode() + smuggled)

    assert answer.count(b"Content-Length: ") == 1
    assert doorway.exchange.asked == []


async def test_without_a_known_job_nothing_is_served(tmp_path: Path) -> None:
    tokens = {basic("elections:sesame"): "elections"}
    async with open_doorway(tmp_path, tokens=tokens) as doorway:
        stranger = await doorway.say(get(f"http://{GOVERNED}/", GOVERNED))
        at_gateway = await doorway.say(get(f"/gateway/{GOVERNED}/", "localhost"))
        wrong_field = f"Proxy-Authorization: {basic('elections:sesame')}"
        crossed = await doorway.say(get(f"/gateway/{GOVERNED}/", "localhost", wrong_field))

    assert b"407 Proxy Authentication Required" in stranger
    assert b'Proxy-Authenticate: Basic realm="governor"' in stranger
    assert b"401 Unauthorized" in at_gateway
    assert b"401 Unauthorized" in crossed
    assert doorway.exchange.asked == []


async def test_a_jobs_credentials_name_it_and_go_no_further(tmp_path: Path) -> None:
    tokens = {basic("elections:sesame"): "elections"}
    async with open_doorway(tmp_path, tokens=tokens) as doorway:
        field = f"Authorization: {basic('elections:sesame')}"
        await doorway.say(get(f"http://{GOVERNED}/", GOVERNED, f"Proxy-{field}"))
        await doorway.say(get(f"/gateway/{GOVERNED}/", "localhost", f"X-Governor-{field}"))

    assert [request.job for request in doorway.exchange.asked] == ["elections", "elections"]
    assert all(request.headers == () for request in doorway.exchange.asked)


async def test_other_hosts_can_be_refused(tmp_path: Path) -> None:
    async with open_doorway(tmp_path, other_hosts="refuse") as doorway:
        answer = await doorway.say(get(f"http://{OTHER}/", OTHER))
        helped = await doorway.say(get("http://governor.internal/", "governor.internal"))

    assert b"403 Forbidden" in answer
    assert b"200 OK" in helped
    assert doorway.relay.asked == []


async def test_a_connect_in_mid_conversation_is_refused(doorway: Doorway) -> None:
    reader, writer = await doorway.connect()
    writer.write(get(f"http://{GOVERNED}/", GOVERNED).replace(b"close", b"keep-alive"))
    assert (await read_answer(reader))[0] == 200

    writer.write(f"CONNECT {GOVERNED}:443 HTTP/1.1\r\nHost: {GOVERNED}:443\r\n\r\n".encode())

    assert (await read_answer(reader))[0] == 400
    assert await reader.read() == b""


async def test_a_defect_refuses_its_request_and_is_logged(
    doorway: Doorway, caplog: pytest.LogCaptureFixture
) -> None:
    async def defect(_: Request, __: Downstream) -> None:
        raise RuntimeError

    doorway.exchange.play = defect

    answer = await doorway.say(get(f"http://{GOVERNED}/?q=secret", GOVERNED, "Cookie: secret"))

    assert b"500 Internal Server Error" in answer
    assert b"application/problem+json" in answer
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


async def test_draining_lets_an_upload_in_flight_finish(doorway: Doorway) -> None:
    started = asyncio.Event()

    async def slow(request: Request, downstream: Downstream) -> None:
        started.set()
        await echo(request, downstream)

    doorway.exchange.play = slow
    reader, writer = await doorway.connect()
    head = f"POST http://{GOVERNED}/ HTTP/1.1\r\nHost: {GOVERNED}\r\nContent-Length: 6\r\n\r\n"
    writer.write(head.encode() + b"abc")
    await started.wait()

    closing = asyncio.gather(doorway.proxy.close(drain_s=30))
    await asyncio.wait((closing,), timeout=0.05)
    writer.write(b"def")

    status, fields, body = await read_answer(reader)
    assert (status, json.loads(body)["size"]) == (200, 6)
    assert fields["connection"] == "close"
    await closing


async def test_draining_closes_idle_connections_at_once(doorway: Doorway) -> None:
    reader, writer = await doorway.connect()
    writer.write(get(f"http://{GOVERNED}/", GOVERNED).replace(b"close", b"keep-alive"))
    await read_answer(reader)

    await doorway.proxy.close(drain_s=30)

    assert await reader.read() == b""


async def test_an_exchange_that_outlasts_the_drain_is_cancelled(doorway: Doorway) -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def endless(_: Request, __: Downstream) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    doorway.exchange.play = endless
    reader, writer = await doorway.connect()
    writer.write(get(f"http://{GOVERNED}/", GOVERNED))
    await started.wait()

    await doorway.proxy.close(drain_s=0.01)

    assert ended.is_set()
    assert await reader.read() == b""


async def test_closing_waits_for_what_was_cut_to_be_resolved(doorway: Doorway) -> None:
    """Its charge must be durable and told before the journal and the ledger are closed."""
    started, resolving, resolved = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def charged(_: Request, __: Downstream) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            resolving.set()
            await resolved.wait()

    doorway.exchange.play = charged
    _, writer = await doorway.connect()
    writer.write(get(f"http://{GOVERNED}/", GOVERNED))
    await started.wait()

    closing = asyncio.gather(doorway.proxy.close(drain_s=0))
    await resolving.wait()
    await asyncio.wait((closing,), timeout=0.5)
    assert not closing.done()

    resolved.set()
    await closing
