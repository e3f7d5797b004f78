"""What passes through an exchange, and the adapters it needs, named as Protocols.

An adapter does one kind of I/O and decides nothing; what happens next is said in `life.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from governor.core.drift import Lengths
from governor.core.raising import Raises

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from governor.clock import Clock
    from governor.conversation import Conversation
    from governor.core.catalog import Catalog
    from governor.core.ledger.records import Record
    from governor.core.policy import Contract
    from governor.core.record import ExchangeRecord
    from governor.tasks import Tasks

Headers = tuple[tuple[str, str], ...]
Way = Literal["forward", "tunnel", "gateway"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the front door admitted it: canonical, end-to-end headers only.

    `target` is the origin-form path and query exactly as they will be sent. `headers` has no
    hop-by-hop field, no Host, no proxy credential and nothing addressed to Governor. `flows` is
    set for an endless answer, of which our end of the connection shall contain little.
    """

    method: str
    scheme: Literal["http", "https"]
    host: str
    port: int
    target: str
    headers: Headers
    job: str
    way: Way
    has_body: bool
    flows: bool = False


class Downstream(Protocol):
    """The crawler's side of one exchange. A write waits for the crawler (back-pressure)."""

    def body(self) -> AsyncIterator[bytes]:
        """Yield the request's body as it arrives."""
        ...

    async def start(self, status: int, reason: str, headers: Headers) -> None:
        """Send the head of the answer. Raises ConnectionError when the crawler is gone."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Relay bytes; return when the socket takes more. Raises ConnectionError when gone."""
        ...

    async def finish(self) -> None:
        """End the answer properly. Without it the crawler sees the answer cut off."""
        ...

    async def gone(self) -> None:
        """Return when the crawler has disconnected; never before."""
        ...


class Answer(Protocol):
    """The platform's answer, its head read and its body still to come, in the wire's coding."""

    status: int
    reason: str
    headers: Headers  # end-to-end only; platform headers in their order, repeated ones repeated

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives. Ends only at its proper end; else raises UpstreamError."""
        ...


class Journal(Protocol):
    """Where claims and resolutions become durable."""

    async def append(self, *records: Record) -> int:
        """Return once all are durable. Raises JournalError, after which nothing may be sent."""
        ...


class Upstream(Protocol):
    """The way to the platforms."""

    def ask(
        self,
        request: Request,
        body: AsyncIterator[bytes] | None,
        sending: Callable[[], None] = lambda: None,
    ) -> AbstractAsyncContextManager[Answer]:
        """Send one wire request, never repeated, never redirected; leaving closes it.

        `sending` is called just before the first byte is written: until then nothing can be
        counted. What it raises comes out of here, and then nothing was written.

        Raises UpstreamError, whose `sent` is False only when no byte was written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Governed:
    """One contract with its catalog and its talk with the ledger.

    `raises` are what overruns taught, as the journal has them; `lengths` what answers taught since.
    """

    contract: Contract
    catalog: Catalog
    conversation: Conversation
    raises: Raises = field(default_factory=Raises)
    lengths: Lengths = field(default_factory=Lengths)


@dataclass(frozen=True, slots=True)
class Adapters:
    """What every exchange works with."""

    upstream: Upstream
    journal: Journal
    clock: Clock
    record: Callable[[ExchangeRecord], None]
    tasks: Tasks
