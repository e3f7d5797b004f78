"""http://governor.internal/: what a crawler's machine can learn through the proxy alone.

The name resolves nowhere and needs no certificate, so a machine that has only the proxy's URL can
fetch the CA from it. It must compare the CA's SHA-256 with one it got from the operator: this way
in is plain HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor.proxy.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from governor.exchange import Downstream, Request

HELP: Final = b"""\
You reach this page through Governor, which counts the posts that crawlers request and refuses
before a contractual limit is crossed.

  http://governor.internal/         this page
  http://governor.internal/ca.pem   the certificates to trust (public roots and Governor's own)

Point HTTPS_PROXY and HTTP_PROXY at this proxy, and REQUESTS_CA_BUNDLE, SSL_CERT_FILE,
CURL_CA_BUNDLE and NODE_EXTRA_CA_CERTS at that file. A refusal is a 429 inside the tunnel; its
Retry-After says when to come back.
"""


class Pages:
    """A `door.Service` for the pages; `bundle` returns the PEM of the certificates to trust."""

    def __init__(self, bundle: Callable[[], bytes]) -> None:
        self._bundle = bundle

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Answer GET and HEAD of the pages there are."""
        if request.method not in {"GET", "HEAD"}:
            await Problem(405, "These pages are only read.", (("Allow", "GET, HEAD"),)).answer(
                downstream
            )
            return
        match request.target.partition("?")[0]:
            case "/":
                kind, body = "text/plain; charset=utf-8", HELP
            case "/ca.pem":
                kind, body = "application/x-pem-file", self._bundle()
            case _:
                await Problem(404, "There are / and /ca.pem here.").answer(downstream)
                return
        headers = (("Content-Type", kind), ("Content-Length", str(len(body))))
        await downstream.start(200, "OK", headers)
        if request.method == "GET":
            await downstream.write(body)
        await downstream.finish()
