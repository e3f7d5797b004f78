"""Nothing is forwarded that could be read in two ways."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.errors import BadRequestError, MisdirectedError
from governor.proxy.authority import Authority
from governor.proxy.problems import Problem
from governor.proxy.requests import (
    Head,
    Origin,
    Place,
    admit,
    check_framing,
    check_plain,
    end_to_end,
    locate,
    refusal,
)

API = Authority("api.x.com", 443, literal=False)
TUNNEL = Origin("https", API, "default")


def head(*fields: tuple[str, str], target: str = "/", method: str = "GET") -> Head:
    raw = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
    return Head(method, target, (1, 1), ((b"Host", b"api.x.com"), *raw))


@pytest.mark.parametrize(
    "fields",
    [
        [("Content-Length", "0")],
        [("Content-Length", "12")],
        [("Transfer-Encoding", "chunked")],
        [("Transfer-Encoding", "Chunked")],
        [("X_Custom_Name", "kept: only look-alikes of framing fields are refused")],
        [("Cookie", "a=b\tc"), ("Cookie", "d=e")],
    ],
)
def test_honest_framing_passes(fields: list[tuple[str, str]]) -> None:
    check_framing(head(*fields))


@pytest.mark.parametrize(
    "fields",
    [
        [("Host", "api.x.com")],
        [("Content-Length", "1"), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "1"), ("Content-Length", "1")],
        *(
            [("Content-Length", value)]
            for value in ("+1", "-1", "01", "1_0", "0x1", "1, 1", "", "²")
        ),
        *(
            [("Transfer-Encoding", value)]
            for value in (",chunked", "chunked,", "gzip, chunked", "identity", "xchunked", "")
        ),
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
        *([(name, "1")] for name in ("Content_Length", "transfer_encoding", "Proxy_Authorization")),
        *(
            [(name, "1")]
            for name in ("X_Governor_Job", "Connec_tion ", "Na me", "", "Näme", "Na\x00")
        ),
        *([("Name", value)] for value in ("a\rb", "a\nb", "a\x00b", "a\x7fb", "caf\xe9")),
    ],
)
def test_ambiguous_framing_is_refused(fields: list[tuple[str, str]]) -> None:
    with pytest.raises(BadRequestError):
        check_framing(head(*fields))


@pytest.mark.parametrize("version", [(0, 9), (1, 2), (2, 0), (3, 0)])
def test_other_versions_of_http_are_refused(version: tuple[int, int]) -> None:
    with pytest.raises(BadRequestError):
        check_framing(replace(head(), version=version))


def test_http_1_0_needs_no_host_but_has_no_transfer_encoding() -> None:
    check_framing(Head("GET", "/", (1, 0), ()))
    with pytest.raises(BadRequestError):
        check_framing(Head("GET", "/", (1, 0), ((b"Transfer-Encoding", b"chunked"),)))
    with pytest.raises(BadRequestError):
        check_framing(Head("GET", "/", (1, 1), ()))


def test_a_body_is_announced_by_its_framing_only() -> None:
    assert not head().has_body
    assert not head(("Content-Length", "0")).has_body
    assert head(("Content-Length", "1")).has_body
    assert head(("Transfer-Encoding", "chunked")).has_body
    assert not head(("Expect", "100-continue")).expects_continue
    assert head(("Expect", "100-continue"), ("Content-Length", "1")).expects_continue


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(), None),
        (head(("Upgrade", "h2c")), None),
        (head(("Expect", "100-Continue")), None),
        (head(("Upgrade", "WebSocket"), ("Connection", "Upgrade")), 501),
        (head(("Expect", "202-accepted")), 417),
        (head(method="CONNECT"), 400),
    ],
)
def test_what_is_not_offered_is_said_so(request_head: Head, status: int | None) -> None:
    problem = refusal(request_head)

    assert (problem and problem.status) == status


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/gateway/api.x.com/2/tweets?ids=1", "/2/tweets?ids=1"),
        ("/gateway/API.x.com.:443/a%7Cb", "/a%7Cb"),
        ("/gateway/api.x.com", "/"),
        ("/gateway/api.x.com?a=/b", "/?a=/b"),
    ],
)
def test_the_gateway_leads_to_https_at_the_host_in_its_path(target: str, expected: str) -> None:
    assert locate(head(target=target), None) == Place("gateway", "https", API, expected)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://api.x.com/a%2Fb/c?x=%20y&z=a+b%7C", "/a%2Fb/c?x=%20y&z=a+b%7C"),
        ("HTTP://API.X.COM:80", "/"),
        ("http://api.x.com?q=http://a/", "/?q=http://a/"),
    ],
)
def test_an_absolute_url_is_forwarded_byte_for_byte(target: str, expected: str) -> None:
    authority = Authority("api.x.com", 80, literal=False)

    assert locate(head(target=target), None) == Place("forward", "http", authority, expected)


@pytest.mark.parametrize(
    ("target", "status"),
    [("/", 404), ("/gatewayx/", 404), ("https://api.x.com/", 400), ("/gateway/x.com:8080/", 404)],
)
def test_what_leads_nowhere_gets_a_sentence(target: str, status: int) -> None:
    problem = locate(head(target=target), None)

    assert isinstance(problem, Problem)
    assert problem.status == status


@pytest.mark.parametrize(
    "target",
    [
        *("*", "", "api.x.com:443", "ftp://api.x.com/", "http:/api.x.com/", "http://", "//x.com/"),
        *("http://user@api.x.com/", "http:///a", "http://api.x.com\\@evil.test/", "/a\\b"),
        *("/a#b", "/a b", "/a\tb", "/a\x00", "/ü", "/a\x7f", "/gateway//a", "/gateway/a@b/"),
    ],
)
@pytest.mark.parametrize("origin", [None, TUNNEL])
def test_a_malformed_target_is_never_located(target: str, origin: Origin | None) -> None:
    try:
        place = locate(head(target=target), origin)
    except BadRequestError:
        return
    # what is merely an odd path stays inside its tunnel, or is nowhere
    assert isinstance(place, Problem) or place == Place("tunnel", "https", API, target)
    assert target.startswith("/")


@pytest.mark.parametrize("host", ["api.x.com", "API.X.COM", "api.x.com.", "api.x.com:443"])
def test_spellings_of_the_tunnels_host_are_its_host(host: str) -> None:
    request = Head("GET", "/2/tweets", (1, 1), ((b"Host", host.encode()),))

    assert locate(request, TUNNEL) == Place("tunnel", "https", API, "/2/tweets")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("/", "x.com"),
        ("/", "api.x.com:80"),
        ("/", "evil.test"),
        ("/", "1.2.3.4"),
        ("https://evil.test/", "api.x.com"),
        ("http://api.x.com/", "api.x.com"),
        ("https://api.x.com:8443/", "api.x.com"),
        ("https://api.x.com/", "evil.test"),
    ],
)
def test_names_that_disagree_inside_a_tunnel_are_misdirected(target: str, host: str) -> None:
    with pytest.raises(MisdirectedError):
        locate(Head("GET", target, (1, 1), ((b"Host", host.encode()),)), TUNNEL)


def test_an_absolute_url_inside_its_own_tunnel_is_understood() -> None:
    request = head(target="https://api.x.com/2/tweets")

    assert locate(request, TUNNEL) == Place("tunnel", "https", API, "/2/tweets")


def test_host_and_absolute_url_must_agree() -> None:
    with pytest.raises(MisdirectedError):
        locate(head(target="http://evil.test/"), None)


def test_only_end_to_end_fields_go_on_in_their_order_and_spelling() -> None:
    request = head(
        ("authorization", "Bearer secret"),
        ("Connection", "keep-alive, X-Mine, authorization, Content-Length, host"),
        ("X-Mine", "named by Connection"),
        ("Keep-Alive", "timeout=5"),
        ("TE", "trailers"),
        ("Trailer", "Host"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AA"),
        ("Proxy-Authorization", "Basic secret"),
        ("Proxy-Connection", "keep-alive"),
        ("X-Governor-Authorization", "Basic secret"),
        ("x-governor-job", "another"),
        ("Expect", "100-continue"),
        ("Content-Length", "3"),
        ("COOKIE", "a=b"),
        ("Cookie", "c=d"),
        ("ETag", "caf\xc3\xa9"),
    )

    assert end_to_end(request) == (
        ("authorization", "Bearer secret"),
        ("Content-Length", "3"),
        ("COOKIE", "a=b"),
        ("Cookie", "c=d"),
        ("ETag", "café"),
    )


def test_an_admitted_request_says_whose_it_is_and_which_way_it_came() -> None:
    request = head(("Content-Length", "3"), target="/2/tweets?a=%20", method="POST")
    place = locate(request, TUNNEL)
    assert isinstance(place, Place)

    admitted = admit(request, place, "elections")

    assert (admitted.method, admitted.scheme, admitted.host) == ("POST", "https", "api.x.com")
    assert (admitted.port, admitted.target, admitted.job) == (443, "/2/tweets?a=%20", "elections")
    assert (admitted.way, admitted.has_body) == ("tunnel", True)


@pytest.mark.parametrize(
    "name", ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-HTTP-METHOD"]
)
def test_a_method_that_hides_another_is_refused(name: str) -> None:
    """POST /2/tweets costs 1; the GET that it may hide costs a hundred times that."""
    with pytest.raises(BadRequestError, match="hides the method"):
        check_plain(head((name, "GET"), method="POST"))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_asked_for_in_a_body_that_is_not_priced_is_refused(method: str) -> None:
    with pytest.raises(BadRequestError, match="has no body here"):
        check_plain(head(("Content-Length", "15"), method=method))

    check_plain(head(("Content-Length", "0"), method=method))
    check_plain(head(("Content-Length", "15"), method="POST"))
