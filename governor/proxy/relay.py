"""Plain HTTP to hosts that no contract governs: streamed through, neither counted nor recorded.

It exists so that a crawler can point everything at one proxy. A crawler that leaves takes its
request with it, as for governed hosts.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from governor.errors import UpstreamError
from governor.proxy.problems import Problem

if TYPE_CHECKING:
    from governor.exchange import Downstream, Request, Upstream
    from governor.tasks import Tasks


class Relay:
    """A `door.Service` that asks `upstream` and passes on what it says."""

    def __init__(self, upstream: Upstream, tasks: Tasks) -> None:
        self._upstream = upstream
        self._tasks = tasks

    async def run(self, request: Request, downstream: Downstream) -> None:
        """Carry one exchange until it ends or the crawler is gone."""
        both = (
            self._tasks.start(self._carry(request, downstream), "relay"),
            self._tasks.start(downstream.gone(), "relay-gone"),
        )
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

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
        except ConnectionError:
            pass  # the crawler left; leaving `ask` has closed the request
