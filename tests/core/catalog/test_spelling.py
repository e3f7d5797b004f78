"""One plain spelling of a host and a path, and every spelling of what must not slip by."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governor.core.catalog.spelling import loose_paths, plain_host, plain_path


@pytest.mark.parametrize(
    ("host", "plain"),
    [
        ("API.x.com..", "api.x.com"),
        ("api。x.com", "api.x.com"),
        ("ａｐｉ.x.com", "api.x.com"),  # noqa: RUF001  # look-alikes are the point
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ("", ""),
    ],
)
def test_a_host_has_one_plain_form(host: str, plain: str) -> None:
    assert plain_host(host) == plain


def test_a_host_that_no_resolver_could_be_asked_for_has_none() -> None:
    assert plain_host(f"a..{'é'}.example") is None


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/2/Tweets", "/2/tweets"),
        ("/2/%74WEETS", "/2/tweets"),
        ("/tag/%E7%8C%AB", "/tag/猫"),
        ("/2/%2574weets", "/2/%74weets"),
        ("/2/boo%E2%84%AAmarks", "/2/boo\u212amarks"),
        ("/2%2Ftweets", None),
        ("/2/tweets%00", None),
        ("/2/tweets%0A", None),
        ("/2/tweets%3F/a", None),
        ("/2/tweets%23/a", None),
        ("/2/tweets%3B/a", None),
        ("/2/tweets;/a", None),
        ("/2/a%5Cb", None),
        ("/2\\a", None),
        ("/2/a%EF%BC%8Fb", None),
        ("/2/%EF%BC%8E%EF%BC%8E", None),
        ("/2/%E2%80%A6", None),
        ("/2/a%EF%BC%9Fb", None),
        ("/tag/猫", None),
        ("/tag/%FF", None),
        ("", ""),
    ],
)
def test_a_path_is_decoded_once_and_never_into_other_segments(path: str, plain: str | None) -> None:
    assert plain_path(path) == plain


@pytest.mark.parametrize(
    "path",
    [
        *("/a/b", "//a/./b/", "/a;x/b;y", "/a/x/../b", "\\a\\b", "/A/B?q", "/a/b%3Fq", "/a%2Fb"),
        *("/a/b.json", "/a/%2562", "/ａ/b", "/a/%EF%BD%82", "/a/b%00x", "/a/b%20", "/a/../a/b"),  # noqa: RUF001  # look-alikes are the point
        "/a/%2525252562",
    ],
)
def test_a_lenient_server_may_read_them_all_alike(path: str) -> None:
    assert {"/a/b", "/a/b.json"} <= set(loose_paths(path))


def test_dot_segments_are_read_both_ways() -> None:
    """A server that ignores `..` sees another path than one that goes up."""
    assert {"/a", "/a/b"} <= set(loose_paths("/a/b/.."))


def test_a_path_that_is_escaped_without_end_is_read_in_bounded_time() -> None:
    assert loose_paths("/%" + "25" * 30_000)


@given(st.text(max_size=40))
def test_no_path_is_beyond_reading(path: str) -> None:
    for written in (path, quote(path)):
        plain = plain_path(written)
        assert plain is None or plain.count("/") == written.count("/")
        assert all(each[:1] in ("", "/") for each in loose_paths(written))
