"""What a conversation needs of others, named as Protocols: a ledger, a journal, and an ear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from governor.core.calendar import Period
    from governor.core.ledger.messages import Answer, DoubtReason, Identity, Loss, Message
    from governor.core.ledger.records import Record


class Periods(Protocol):
    """Knows the rules of time zones."""

    def __call__(self, calendar: str, date_ms: int, /) -> Period:
        """Return the period of a calendar, named by its text, that a date falls into."""
        ...


def no_periods(calendar: str, date_ms: int, /) -> Period:  # noqa: ARG001  # a Periods
    """Stand for the rules of time zones in a conversation about no calendar."""
    raise LookupError(f"nobody gave this conversation the periods of {calendar!r}")


class Ledger(Protocol):
    """A home of the ledger."""

    async def converse(self, message: Message) -> Answer:
        """Deliver one message. Raises LedgerUnreachableError if no reply came."""
        ...

    async def declare(self, loss: Loss) -> Identity:
        """Declare the ledger lost and return the identity to restore under; repeat it at will.

        Raises LedgerUnreachableError if no reply came, OperatorError if the store refuses.
        """
        ...


class Journal(Protocol):
    """Where facts become durable."""

    async def append(self, *records: Record) -> int:
        """Return once all are durable. Raises JournalError.

        A caller that is cancelled takes nothing back.
        """
        ...


class Observer(Protocol):
    """Who is told how the talk of one contract goes. Returns at once and raises nothing."""

    def answered(self, seconds: float) -> None:
        """Hear how long the ledger took for one answer."""
        ...

    def doubted(self, doubt: DoubtReason | None) -> None:
        """Hear that nothing is sent any more and why, or (None) that the ledger is open again."""
        ...

    def stepped(self, clock: str) -> None:
        """Hear that a clock of the ledger's was stepped: `store` or `boot`."""
        ...

    def met(self, joined: tuple[str, ...], gone: tuple[str, ...]) -> None:
        """Hear which other members came into the roster, and which are in it no more."""
        ...

    def awaits(self, members: tuple[str, ...], *, word: bool) -> None:
        """Hear who must speak before a closed ledger opens; `word`: an operator must too."""
        ...


class Unobserved:
    """An observer for a short talk, of which nobody needs to hear."""

    def answered(self, seconds: float) -> None:
        """Hear nothing."""

    def doubted(self, doubt: DoubtReason | None) -> None:
        """Hear nothing."""

    def stepped(self, clock: str) -> None:
        """Hear nothing."""

    def met(self, joined: tuple[str, ...], gone: tuple[str, ...]) -> None:
        """Hear nothing."""

    def awaits(self, members: tuple[str, ...], *, word: bool) -> None:
        """Hear nothing."""
