"""A hold: posts that one wire request may cost, from the ask to its one end.

The law, in one sentence: knowledge only grows, and the state says what we must believe if nothing
more is ever learned.

    state      believed if it ends here   why
    ASKED      VOID                       the ledger has not granted it
    GRANTED    VOID                       the claim is not durable, so no byte was sent
    CLAIMED    VOID                       durable, and still no byte was sent
    SENT       ORPHANED                   the platform may count all of it
    READ       SETTLED                    the answer was read to its end: it can be counted

An event that has no cell below is impossible and raises KeyError: a hold resolved twice, or sent
before its claim is durable, is a bug that must stop the request and not the count.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from governor.core.ledger.records import Outcome

if TYPE_CHECKING:
    from governor.core.ledger.records import Amounts


class State(Enum):
    """How far a hold has come."""

    ASKED = auto()
    GRANTED = auto()
    CLAIMED = auto()
    SENT = auto()
    READ = auto()
    ENDED = auto()


class Event(Enum):
    """What can happen to a hold."""

    GRANT = auto()  # the ledger granted it
    CLAIM = auto()  # its claim is durable
    SEND = auto()  # from now on a byte may have been written upstream
    UNSENT = auto()  # it is certain that none was
    READ = auto()  # the answer's last byte was read
    END = auto()  # its resolution is durable


TABLE: Final = {
    (State.ASKED, Event.GRANT): State.GRANTED,
    (State.ASKED, Event.END): State.ENDED,
    (State.GRANTED, Event.CLAIM): State.CLAIMED,
    (State.GRANTED, Event.END): State.ENDED,
    (State.CLAIMED, Event.SEND): State.SENT,
    (State.CLAIMED, Event.END): State.ENDED,
    (State.SENT, Event.UNSENT): State.CLAIMED,
    (State.SENT, Event.READ): State.READ,
    (State.SENT, Event.END): State.ENDED,
    (State.READ, Event.END): State.ENDED,
}

BELIEVED: Final = {
    State.ASKED: Outcome.VOID,
    State.GRANTED: Outcome.VOID,
    State.CLAIMED: Outcome.VOID,
    State.SENT: Outcome.ORPHANED,
    State.READ: Outcome.SETTLED,
}


class Hold:
    """One hold. `amounts` is what it takes from each account while it lasts."""

    __slots__ = ("amounts", "granted_ms", "id", "state")

    def __init__(self, hold_id: str, amounts: Amounts) -> None:
        self.id: Final = hold_id
        self.amounts: Final = amounts
        self.state = State.ASKED
        self.granted_ms = 0  # monotonic, of the process that asked

    def on(self, event: Event) -> None:
        """Move to the next state; KeyError if that cannot happen now."""
        self.state = TABLE[self.state, event]

    @property
    def believed(self) -> Outcome:
        """Return how this hold ends if nothing more is learned; KeyError once it has ended."""
        return BELIEVED[self.state]
