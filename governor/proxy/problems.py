"""What the door itself answers: problem+json (RFC 9457), a status, and one sentence to act on.

Always JSON and never 403 to a request for a platform: crawlers parse every answer of theirs as
JSON, and some take a 403 as the loss of their account (twscrape, gallery-dl). `errors` is there
for those that look only for it. Refusals that spare the contract are the exchange's, not ours.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governor.exchange import Downstream, Headers


@dataclass(frozen=True, slots=True)
class Problem:
    """An answer of the door's own. `headers` come on top of those every problem has."""

    status: int
    detail: str
    headers: Headers = ()

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    @property
    def body(self) -> bytes:
        """The problem document."""
        document = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": [{"message": self.detail}],
        }
        return json.dumps(document).encode()

    def fields(self) -> Headers:
        """Return all the header fields of the answer."""
        return (
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("Via", "1.1 governor"),
            *self.headers,
        )

    async def answer(self, downstream: Downstream) -> None:
        """Send it as the whole answer."""
        await downstream.start(self.status, self.title, self.fields())
        await downstream.write(self.body)
        await downstream.finish()

    def wire(self) -> bytes:
        """Return it as bytes, for a connection that has no HTTP conversation yet."""
        lines = [f"HTTP/1.1 {self.status} {self.title}"]
        lines += [f"{name}: {value}" for name, value in self.fields()]
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


def unidentified() -> Problem:
    """Return the answer to a proxy request without a known job (RFC 9110, section 15.5.8)."""
    return Problem(
        407,
        "This governor serves named jobs: put job:token into the proxy URL.",
        (("Proxy-Authenticate", 'Basic realm="governor"'),),
    )


def unidentified_gateway() -> Problem:
    """Return the same answer where Governor is the origin, not a proxy."""
    return Problem(
        401,
        "This governor serves named jobs: send X-Governor-Authorization: Basic job:token.",
        (("WWW-Authenticate", 'Basic realm="governor"'),),
    )
