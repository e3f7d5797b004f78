"""The doorway overlooks nothing that went wrong inside the proxy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.doorway import GOVERNED, basic, open_doorway, read_answer

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_task_that_dies_fails_the_test(tmp_path: Path) -> None:
    async def die() -> None:
        raise RuntimeError

    with pytest.raises(AssertionError):
        async with open_doorway(tmp_path) as doorway:
            await asyncio.gather(doorway.tasks.start(die(), "dies"), return_exceptions=True)


async def test_what_the_loop_reports_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        async with open_doorway(tmp_path):
            asyncio.get_running_loop().call_exception_handler({"message": "unhandled"})


async def test_a_request_is_echoed_as_it_was_admitted(tmp_path: Path) -> None:
    async with open_doorway(tmp_path) as doorway:
        reader, writer = await doorway.connect()
        writer.write(f"GET http://{GOVERNED}/a HTTP/1.1\r\nHost: {GOVERNED}\r\n\r\n".encode())
        status, fields, body = await read_answer(reader)

    assert status == 200
    assert fields["content-type"] == "application/json"
    assert b'"http://api.x.test:80/a"' in body
    assert [request.target for request in doorway.exchange.asked] == ["/a"]


def test_credentials_are_basic() -> None:
    assert basic("Aladdin:open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
