"""What is classified is what is forwarded, so a target has one spelling."""

from __future__ import annotations

import random
from urllib.parse import parse_qsl

import pytest

from governor.errors import BadRequestError
from governor.proxy.canonical import canonical, hides_method

HONEST_PATHS = (
    "/",
    "/a%7Cb",
    "/i/api/x..y",
    "/%C3%BC",
    "/@user/1:2,3",
    "/hashtag/C%23",
    "/.well-known/x",
)
HONEST_QUERIES = (
    "max_results=100",
    "query=a//b/../c&x=%20y&z=a+b%7C",
    "a;b=c",
    "variables=%7B%22count%22%3A20%7D",
    "query=%E6%9D%B1%E4%BA%AC%20%F0%9F%90%A6",
    "query=method&http_method=GET&methodology=_methods",
    "at=2026-01-01T00:00:00Z",
    "redirect=https://a.test/?b",
    "q=100%25%20sure",
)


@pytest.mark.parametrize("path", HONEST_PATHS)
@pytest.mark.parametrize("query", ["", *HONEST_QUERIES])
def test_what_is_canonical_stays_as_it_is(path: str, query: str) -> None:
    target = f"{path}?{query}" if query else path

    assert target == canonical(target)


@pytest.mark.parametrize(
    ("sent", "forwarded"),
    [
        ("/a?max%5Fresults=100", "/a?max_results=100"),
        ("/a?%6d%61x=%31%30", "/a?max=10"),
        ("/a?q=%c3%bc%2f", "/a?q=%C3%BC%2F"),
        ('/a?ids[]=1&q={"a":1}|<^`>', "/a?ids%5B%5D=1&q=%7B%22a%22:1%7D%7C%3C%5E%60%3E"),
        ("/a?q=%2541", "/a?q=%2541"),
        ("/a?", "/a"),
        ("/%c3%bc", "/%C3%BC"),
    ],
)
def test_spellings_that_rfc_3986_makes_equal_are_brought_to_one(sent: str, forwarded: str) -> None:
    assert forwarded == canonical(sent)


def test_no_parameter_changes_and_once_is_enough() -> None:
    """Whatever is in a query: decoded, it is the same before and after (RFC 5849, 3.4.1.3.1)."""
    draw = random.Random(4)  # noqa: S311  # a seeded draw
    pieces = ("a", "Z", "7", "_", "-", ".", "~", "+", "=", "&", "[", "{", '"', "|", "/", ":", "?")
    for _ in range(3_000):
        query = "".join(
            draw.choice((*pieces, f"%{draw.randrange(0x20, 0x7F):02x}", "%c3%BC", "%2541"))
            for _ in range(draw.randrange(1, 12))
        )
        once = canonical(f"/a?{query}")
        after = once.partition("?")[2]

        assert parse_qsl(query, keep_blank_values=True) == parse_qsl(after, keep_blank_values=True)
        assert once == canonical(once)


@pytest.mark.parametrize(
    "path",
    [
        *("//2/tweets", "/2//tweets", "/./2", "/2/..", "/x/../2/tweets", "/..;/2", "/2/.;a=b/c"),
        *("/2/%74weets", "/%2e%2e/2", "/2%2Ftweets", "/2%5ctweets", "/2%252Ftweets", "/%00"),
        *("/%0a", "/%7f", "/%", "/%2", "/%zz", "/% 1", "/%+1", "/%7Euser", "/%41", "/%5F"),
        *("/a;b", "/2/tweets;jsessionid=1", "/2/tweets%3Ba=b", '/"', "/a|b", "/{id}", "/a[0]"),
        *("/%C0%AE%C0%AE/2", "/%FF", "/%ED%A0%80", "/2/tweets/."),
    ],
)
def test_a_path_with_a_second_spelling_is_refused(path: str) -> None:
    with pytest.raises(BadRequestError):
        canonical(path)
    with pytest.raises(BadRequestError):
        canonical(f"{path}?a=b")


@pytest.mark.parametrize(
    "query",
    [
        *("a=%", "a=%4", "a=%4g", "a=%u0041", "%=1", "a=%00", "a=%0D%0AHost:x", "a=%09", "a=%7F"),
        *("a=%C0%80", "a=%C0%B1", "a=%FF", "a=%ED%A0%80", "a=%E9"),
    ],
)
def test_a_query_without_canonical_form_is_refused(query: str) -> None:
    with pytest.raises(BadRequestError):
        canonical(f"/2/tweets?{query}")


@pytest.mark.parametrize(
    "parameters",
    [
        *("_method=GET", "a=b&_method=GET", "_METHOD=get", "%5Fmethod=GET", "%255Fmethod=GET"),
        *("a=b;_method=GET", "_method", "X-HTTP-Method-Override=GET", "x-method-override=GET"),
        *("x-http-method=GET", "%EF%BC%BFmethod=GET", "a=b%26_method=GET", "_method[]=GET"),
    ],
)
def test_a_parameter_that_hides_the_method_is_found(parameters: str) -> None:
    assert hides_method(parameters)
    with pytest.raises(BadRequestError, match="method"):
        canonical(f"/2/tweets?{parameters}")
