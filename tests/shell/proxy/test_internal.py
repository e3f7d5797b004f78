"""A machine that knows only the proxy's URL can learn the rest from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.doorway import open_doorway, read_answer

if TYPE_CHECKING:
    from pathlib import Path

ASK = "{} http://governor.internal{} HTTP/1.1\r\nHost: governor.internal\r\n\r\n"


async def test_the_pages_are_read_through_the_proxy(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        reader, writer = await doorway.connect()
        writer.write(ASK.format("GET", "/").encode())
        status, fields, body = await read_answer(reader)
        assert (status, fields["content-type"]) == (200, "text/plain; charset=utf-8")
        assert b"http://governor.internal/ca.pem" in body

        writer.write(ASK.format("GET", "/ca.pem?now").encode())
        assert await read_answer(reader) == (
            200,
            {
                "content-type": "application/x-pem-file",
                "content-length": str(len(doorway.authority.pem)),
            },
            doorway.authority.pem,
        )


async def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        reader, writer = await doorway.connect()
        writer.write(ASK.format("GET", "/ca.key").encode())
        assert (await read_answer(reader))[0] == 404
        writer.write(ASK.format("PUT", "/ca.pem").encode())
        status, fields, _ = await read_answer(reader)
        assert (status, fields["allow"]) == (405, "GET, HEAD")


async def test_head_has_no_body(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        request = ASK.format("HEAD", "/ca.pem").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        answer = await doorway.say(request.encode())

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")
