"""A form that hides another method is not sent on; every other body is left alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from governor.proxy.forms import MOST_BYTES
from tests.fakes.doorway import GOVERNED, OTHER, Doorway, open_doorway, read_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture
async def doorway(tmp_path: Path) -> AsyncIterator[Doorway]:
    async with open_doorway(tmp_path) as opened:
        yield opened


def post(body: bytes, *fields: str, host: str = GOVERNED, method: str = "POST") -> bytes:
    lines = (f"{method} http://{host}/a HTTP/1.1", f"Host: {host}", "Connection: close", *fields)
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", ""))
    return head.encode() + body


@pytest.mark.parametrize(
    ("body", "fields", "status"),
    [
        (b"_method=GET", (FORM,), 400),
        (b"a=b&%5Fmethod=GET", (FORM,), 400),
        (b"_method=GET", (f"{FORM}; charset=utf-8",), 400),
        (b"_method=GET", ("Content-Type: APPLICATION/X-WWW-FORM-URLENCODED",), 400),
        (b"_method=GET", ("Content-Type: text/plain", FORM), 400),
        (b"\xff&_method=GET", (FORM,), 400),
        (b"a=b", (FORM, "Content-Encoding: gzip"), 400),
        (b"a" * (MOST_BYTES + 1), (FORM,), 400),
        (b"text=the+_method", (FORM,), 200),
        (b"a" * MOST_BYTES, (FORM,), 200),
        (b'{"a": "_method=GET"}', ("Content-Type: application/json",), 200),
        (b"a" * (MOST_BYTES + 1), ("Content-Type: image/png",), 200),
    ],
    ids=range(12),
)
async def test_a_form_is_read_before_it_is_admitted(
    doorway: Doorway, body: bytes, fields: tuple[str, ...], status: int
) -> None:
    """What is admitted arrives byte for byte."""
    answer = await doorway.say(post(body, *fields))

    head, _, content = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) == status
    assert len(doorway.exchange.asked) == (status == 200)
    if status == 200:
        assert json.loads(content)["sha256"] == hashlib.sha256(body).hexdigest()


async def test_a_body_that_does_not_say_what_it_is_is_said_to_be_bytes(doorway: Doorway) -> None:
    """As RFC 9110 has it; Rack would take it for a form."""
    await doorway.say(post(b"_method=GET"))
    await doorway.say(post(b"_method=GET", "Content-Type: text/plain"))
    await doorway.say(post(b""))

    kinds = [dict(request.headers).get("Content-Type") for request in doorway.exchange.asked]
    assert kinds == ["application/octet-stream", "text/plain", None]


async def test_forms_to_other_hosts_are_none_of_our_business(doorway: Doorway) -> None:
    await doorway.say(post(b"_method=GET", FORM, host=OTHER))

    assert len(doorway.relay.asked) == 1


async def test_a_form_in_pieces_is_whole(doorway: Doorway) -> None:
    """With chunks, and 100 Continue before the first of them."""
    reader, writer = await doorway.connect()
    head = (f"POST http://{GOVERNED}/a HTTP/1.1", f"Host: {GOVERNED}", FORM)
    framing = ("Transfer-Encoding: chunked", "Expect: 100-continue", "", "")
    writer.write("\r\n".join((*head, *framing)).encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    for piece in (b"2\r\na=\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)

    status, _, content = await read_answer(reader)
    assert (status, json.loads(content)["size"]) == (200, 3)


async def test_a_crawler_that_leaves_within_its_form_is_never_admitted(doorway: Doorway) -> None:
    _, writer = await doorway.connect()
    writer.write(post(b"a=b", FORM)[:-1])
    await writer.drain()
    writer.close()
    await doorway.proxy.close(drain_s=5)

    assert doorway.exchange.asked == []
