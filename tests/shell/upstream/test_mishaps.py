"""Every foreign error has a meaning, and what was sent is never guessed from the error."""

from __future__ import annotations

import errno
import socket
import ssl

import aiohttp
import pytest

from governor.upstream.addresses import ProhibitedError
from governor.upstream.mishaps import ANSWERING, FOREIGN, MAYBE_SENT, broken_off, no_answer

# Proxy error types of RFC 9209, section 2.3, that this adapter may report.
REGISTERED = {
    "connection_read_timeout",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "destination_ip_prohibited",
    "destination_unavailable",
    "dns_error",
    "http_protocol_error",
    "http_request_error",
    "http_response_incomplete",
    "tls_certificate_error",
    "tls_protocol_error",
}
ERRORS: tuple[Exception, ...] = (
    ProhibitedError("10.0.0.1 is private"),
    socket.gaierror(socket.EAI_AGAIN, "try again"),
    ssl.SSLError(1, "bad"),
    TimeoutError(),
    ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
    ConnectionResetError(errno.ECONNRESET, "reset"),
    OSError(errno.ENETUNREACH, "Network is unreachable"),
    OSError(),
    aiohttp.ClientError(),
    aiohttp.ClientPayloadError(),
    aiohttp.InvalidURL("http://secret-host/?token"),
    aiohttp.ServerDisconnectedError(),
    aiohttp.SocketTimeoutError(),
    aiohttp.ConnectionTimeoutError(),
)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("sent", [False, True])
def test_each_error_has_a_meaning_and_keeps_what_was_sent(error: Exception, *, sent: bool) -> None:
    """The caller knows whether a byte may have been written; the error is not asked."""
    assert isinstance(error, FOREIGN)
    told = no_answer(error, "api.x.com", sent=sent)

    assert told.sent is sent
    assert told.status in {400, 502, 504}
    assert told.kind in REGISTERED
    assert str(told).startswith("api.x.com ")
    assert "token" not in str(told)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_answer_that_broke_off_was_asked_for(error: Exception) -> None:
    told = broken_off(error, "api.x.com")

    assert told.sent
    assert told.kind == (
        "connection_read_timeout" if isinstance(error, TimeoutError) else "http_response_incomplete"
    )


def test_a_timeout_is_504_and_all_else_that_was_sent_is_502() -> None:
    for row, _, status, _ in (*MAYBE_SENT, *ANSWERING):
        assert status == (504 if row is TimeoutError else 502)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ProhibitedError("::1 is loopback"),
            "h is not dialled: ::1 is loopback (upstream.allow_addresses says what else may be)",
        ),
        (OSError(errno.ENETUNREACH, "unreachable"), "h is not reached: unreachable"),
        (OSError(), "h is not reached: no reason was given"),
    ],
    ids=["prohibited", "unreachable", "unknown"],
)
def test_a_message_says_what_the_system_said(error: Exception, said: str) -> None:
    assert said == str(no_answer(error, "h", sent=False))
