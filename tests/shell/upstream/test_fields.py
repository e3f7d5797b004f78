"""A platform's fields reach the crawler as they were, except what no field may be."""

from __future__ import annotations

import pytest

from governor.upstream.fields import from_wire, phrase


def test_order_case_and_repeats_are_kept() -> None:
    raw = (
        (b"x-rate-limit-remaining", b"12"),
        (b"Set-Cookie", b"a=1"),
        (b"ETag", b'"x"'),
        (b"set-cookie", b"b=2"),
        (b"X-Name", "Zürich\tnorth".encode()),
        (b"X-Empty", b""),
        (b"Content-Length", b"3"),
        (b"Proxy-Status", b"cdn"),
    )

    assert tuple((name.decode(), value.decode()) for name, value in raw) == from_wire(raw)


def test_what_concerns_one_connection_stays_behind() -> None:
    """RFC 9110, 7.6.1: the fixed names, and those that Connection lists."""
    raw = (
        (b"Connection", b"keep-alive, X-Hop"),
        (b"connection", b"x-other"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Trailer", b"Expires"),
        (b"Upgrade", b"h2c"),
        (b"TE", b"trailers"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Proxy-Connection", b"keep-alive"),
        (b"X-Hop", b"1"),
        (b"X-Other", b"2"),
        (b"Date", b"now"),
    )

    assert from_wire(raw) == (("Date", "now"),)


def test_a_platform_cannot_hide_how_its_answer_is_coded() -> None:
    """`Connection: content-encoding` would make a gzip body look plain, to us and the crawler."""
    raw = (
        (b"Connection", b"content-encoding, content-length, content-type"),
        (b"Content-Encoding", b"gzip"),
        (b"Content-Length", b"20"),
        (b"Content-Type", b"application/json"),
    )

    assert [name for name, _ in from_wire(raw)] == [
        "Content-Encoding",
        "Content-Length",
        "Content-Type",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X-Split", b"a\r\nSet-Cookie: evil=1"),
        (b"X-Bare", b"a\nb"),
        (b"X-Null", b"a\x00b"),
        (b"X-Escape", b"\x1b[31m"),
        (b"X-Delete", b"\x7f"),
        (b"X-Latin", b"\xe9"),
        (b"X Space", b"a"),
        (b"X:Colon", b"a"),
        (b"X-\xc3\xa9", b"a"),
        (b"", b"a"),
    ],
)
def test_what_is_no_field_is_left_out(name: bytes, value: bytes) -> None:
    assert from_wire(((b"A", b"1"), (name, value), (b"B", b"2"))) == (("A", "1"), ("B", "2"))


def test_a_reason_phrase_cannot_end_the_status_line() -> None:
    assert phrase("Too\r\nMany") == "Too  Many"
    assert phrase("Zürich") == "Z?rich"
    assert phrase(None) == ""
