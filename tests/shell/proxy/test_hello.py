"""A blind tunnel knows whom its TLS is for."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from governor.errors import BadRequestError
from governor.proxy.hello import read_hello, server_name
from tests.fakes.doorway import nothing_certain


def hello(name: str | None) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = nothing_certain().wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_the_name_in_a_client_hello_is_read() -> None:
    assert server_name(hello("api.x.com")) == "api.x.com"
    assert server_name(hello(None)) == ""


def test_at_every_cut_a_hello_is_incomplete_and_never_another_name() -> None:
    whole = hello("api.x.com")

    assert {server_name(whole[:cut]) for cut in range(len(whole))} == {None}


def test_a_hello_in_two_tls_records_is_read_too() -> None:
    whole = hello("api.x.com")
    fragment, rest = whole[5:45], whole[45:]
    records = b"".join(whole[:3] + len(part).to_bytes(2, "big") + part for part in (fragment, rest))

    assert server_name(records) == "api.x.com"


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x04abcd"]
)
def test_anything_else_is_not_a_hello(noise: bytes) -> None:
    with pytest.raises(BadRequestError):
        server_name(noise)


async def test_every_byte_read_is_given_back() -> None:
    reader = asyncio.StreamReader()
    whole = hello("api.x.com")
    reader.feed_data(whole + b"more")

    assert await read_hello(reader) == ("api.x.com", whole + b"more")


async def test_a_hello_that_never_ends_is_given_up() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(hello("api.x.com")[:40])
    reader.feed_eof()

    with pytest.raises(BadRequestError):
        await read_hello(reader)
