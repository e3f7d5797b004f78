"""What the door answers itself can be read by every crawler."""

from __future__ import annotations

import json

from governor.proxy.problems import Problem, unidentified, unidentified_gateway


def test_a_problem_is_json_with_a_sentence_where_crawlers_look_for_it() -> None:
    document = json.loads(Problem(421, "Do that.").body)

    assert document["status"] == 421
    assert document["title"] == "Misdirected Request"
    assert document["detail"] == "Do that."
    assert document["errors"] == [{"message": "Do that."}]


def test_on_the_wire_a_problem_closes_its_connection() -> None:
    problem = Problem(502, "It is down.", (("Proxy-Status", "governor; error=dns_error"),))
    head, body = problem.wire().split(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert b"Content-Type: application/problem+json" in head
    assert b"Content-Length: %d" % len(body) in head
    assert b"Proxy-Status: governor; error=dns_error" in head
    assert head.endswith(b"Connection: close")


def test_a_proxy_asks_for_proxy_credentials_and_the_gateway_for_its_own() -> None:
    assert unidentified().status == 407
    assert ("Proxy-Authenticate", 'Basic realm="governor"') in unidentified().fields()
    assert unidentified_gateway().status == 401
    assert ("WWW-Authenticate", 'Basic realm="governor"') in unidentified_gateway().fields()
