"""What went wrong on the way to a platform, in Governor's words.

Each of aiohttp's and the system's errors becomes one UpstreamError: what the crawler is told, the
Proxy-Status type of RFC 9209 (section 2.3), and whether a byte of the request may have been sent.
That last answer is never read off the error: the caller knows it, and it chooses the table.
Messages name the host and what the system said, never a URL or a header.
"""

from __future__ import annotations

import socket
import ssl

import aiohttp

from governor.errors import UpstreamError
from governor.upstream.addresses import ProhibitedError

FOREIGN = (aiohttp.ClientError, OSError)  # TimeoutError, gaierror and SSLError are OSErrors too

# The first row that fits: what happened to the host, the status, the Proxy-Status type.
Row = tuple[type[BaseException], str, int, str]
NOTHING_SENT: tuple[Row, ...] = (
    (ProhibitedError, "is not dialled: {}", 502, "destination_ip_prohibited"),
    (socket.gaierror, "cannot be resolved: {}", 502, "dns_error"),
    (ssl.SSLCertVerificationError, "has no valid certificate: {}", 502, "tls_certificate_error"),
    (ssl.SSLError, "does not agree on TLS: {}", 502, "tls_protocol_error"),
    (aiohttp.ClientHttpProxyError, "is not reached: {}", 502, "destination_unavailable"),
    (aiohttp.InvalidURL, "is not the name of a host", 400, "http_request_error"),
    (TimeoutError, "did not connect in time", 504, "connection_timeout"),
    (ConnectionRefusedError, "refused the connection", 502, "connection_refused"),
    (Exception, "is not reached: {}", 502, "destination_unavailable"),
)
MAYBE_SENT: tuple[Row, ...] = (
    (aiohttp.ClientResponseError, "answered with what is not HTTP/1.1", 502, "http_protocol_error"),
    (TimeoutError, "did not answer in time", 504, "connection_read_timeout"),
    (Exception, "closed the connection without an answer", 502, "connection_terminated"),
)
ANSWERING: tuple[Row, ...] = (
    (TimeoutError, "paused for too long in its answer", 504, "connection_read_timeout"),
    (Exception, "broke off its answer", 502, "http_response_incomplete"),
)


def no_answer(error: Exception, host: str, *, sent: bool) -> UpstreamError:
    """Return what it means that no head of an answer was read."""
    return _first(MAYBE_SENT if sent else NOTHING_SENT, _cause(error), host, sent=sent)


def broken_off(error: Exception, host: str) -> UpstreamError:
    """Return what it means that an answer ended before its proper end."""
    return _first(ANSWERING, error, host, sent=True)


def _first(table: tuple[Row, ...], error: Exception, host: str, *, sent: bool) -> UpstreamError:
    sentence, status, kind = next(row[1:] for row in table if isinstance(error, row[0]))
    message = f"{host} {sentence.format(_said(error))}"
    return UpstreamError(message, sent=sent, status=status, kind=kind)


def _cause(error: Exception) -> Exception:
    """Return the system's own error where aiohttp wraps one."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return error.certificate_error
        case aiohttp.ClientConnectorError():
            return error.os_error
        case _:
            return error


def _said(error: Exception) -> str:
    match error:
        case ProhibitedError():
            return f"{error} (upstream.allow_addresses says what else may be)"
        case ssl.SSLCertVerificationError():
            return str(error.verify_message)
        case aiohttp.ClientHttpProxyError():
            return f"the upstream proxy answered {error.status}"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return "no reason was given"
