"""Plain HTTP to hosts that no contract governs: streamed through, neither counted nor recorded.

It exists so that a crawler can point everything at one proxy. A crawler that leaves takes its
request with it, as for governed hosts.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from governor.errors import UpstreamError
from governor.proxy.problems import Problem
from governor.tasks import Interrupted, unless

if TYPE_CHECKING:
    from governor.exchange import Downstream, Request, Upstream


class Relay:
    """A `door.Service` that asks `upstream` and passes on what it says."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Carry one exchange until it ends or the crawler is gone."""
        with contextlib.suppress(Interrupted, ConnectionError):  # the crawler left: so do we
            await unless(downstream.gone(), self._carry(request, downstream))

    async def _carry(self, request: Request, downstream: Downstream) -> None:
        body = downstream.body() if request.has_body else None
        started = False
        try:
            async with self._upstream.ask(request, body) as answer:
                await downstream.start(answer.status, answer.reason, answer.headers)
                started = True
                async for chunk in answer.chunks():
                    await downstream.write(chunk)
            await downstream.finish()
        except UpstreamError as error:
            if not started:  # else the answer is cut off, as it was for us
                status = (("Proxy-Status", f"governor; error={error.kind}"),)
                await Problem(error.status, str(error), status).answer(downstream)
