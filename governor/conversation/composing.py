"""What is said to the ledger: in every message, all that it has not acknowledged as it stands.

A message without a reply is abandoned and never sent again, for its reading of the boot clock would
be old by then, and cost ledger time. What it told and asked, the ledger may have heard or not; so
the next message tells those accounts anew, in absolute values, and a grant that we did not hear of
is thereby given back.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from governor.conversation.parts import no_periods
from governor.core.ledger.messages import Message
from governor.core.ledger.roster import united
from governor.core.ledger.row import Row
from governor.core.window import Window
from governor.recovery import named

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.conversation.parts import Periods
    from governor.core.calendar import Period
    from governor.core.ledger.messages import Ask, Reply, RowValue
    from governor.core.ledger.state import MemberState


class Composer:
    """Makes each message, and knows what is to be said again. `row` is this member's own.

    `brings_whole`: the next message has the whole row, for the ledger has none of this start.
    """

    def __init__(
        self,
        contract: str,
        state: MemberState,
        *,
        clock: Clock,
        members: tuple[str, ...],
        periods: Periods = no_periods,
    ) -> None:
        self._member, self._generation = state.member, state.generation
        self._known = state.contracts[contract]
        self._clock = clock
        self._named, self._periods = named(members), periods
        self.row: Final = Row(totals=self._known.totals, spread=self._known.spread)
        self._seq = self._acked = 0
        self.brings_whole = True
        self._anchors = False
        self._offset_ms = self._known.boot_offset_ms
        self._unanswered_ms: int | None = None  # boot clock, at the first message since a reply

    def bring_whole(self) -> None:
        """Let every message bring the whole row, until one is acknowledged."""
        self.brings_whole = True

    def compose(self, asks: tuple[Ask, ...] = (), *, leaving: bool = False) -> Message:
        """Return the next message. Give its answer to `acknowledge`, or else `abandon` it."""
        known, boot_ms = self._known, self._clock.boot_ms()
        if self._unanswered_ms is None:
            self._unanswered_ms = boot_ms
        self._seq += 1
        date_ms = self._clock.wall_ms()
        periods = self._running(date_ms)
        message = Message(
            member=self._member,
            identity=known.identity,
            generation=self._generation,
            seq=self._seq,
            acked=self._acked,
            nonce=secrets.token_hex(8),
            boot_ms=boot_ms,
            values=self.row.untold(),
            asks=asks,
            roster=known.roster_version,
            anchor=self._anchors,
            leaving=leaving,
            kept_ms=known.kept_ms,
            date_ms=date_ms if periods else 0,  # else the ledger would write it for nothing
            periods=periods,
        )
        if not self.brings_whole:
            return message
        return replace(
            message,
            values=self.row.values(),
            whole=replace(known.whole_row(), roster=united(known.roster, self._named)),
            accounts=tuple(known.accounts.values()),
            leniency=known.leniency,
        )

    def _running(self, date_ms: int) -> tuple[tuple[str, Period, Period], ...]:
        """Return, of each calendar in use, the period before a date's and the one that has it."""
        found = []
        for text in {account.calendar: None for account in self._known.accounts.values()}:
            if text:
                running = self._periods(text, date_ms)
                found.append((text, self._periods(text, running.begins_ms - 1), running))
        return tuple(found)

    def abandon(self, message: Message) -> None:
        """Never send it again; say all that it said anew."""
        asked = (account for ask in message.asks for account, _ in ask.amounts)
        self.row.doubt((*message.values, *asked))

    def acknowledge(self, message: Message, reply: Reply) -> tuple[tuple[str, RowValue], ...]:
        """Note that the ledger has all of it; return the values whose growth it stamped."""
        self._acked = message.seq
        if message.whole is not None:
            self.brings_whole = False
        self._anchors = not message.anchor and self._is_anchored_late(reply)
        self._offset_ms, self._unanswered_ms = reply.boot_offset_ms, None
        if not reply.open:
            self.row.doubt(message.values)  # a closed ledger holds growth, to be told again
            return ()
        return self.row.acknowledge(message.values)

    @property
    def is_urgent(self) -> bool:
        """Whether the next message should not wait: the boot clock was anchored badly."""
        return self._anchors

    def _is_anchored_late(self, reply: Reply) -> bool:
        """Say whether this clock's offset was set by a reading that the ledger got too late.

        That may have been the reading of a message that was abandoned. It would make this clock
        run ahead of the others for ever. It is set anew once: where every reply is late, setting
        it each time would let no ledger time pass.
        """
        assert self._unanswered_ms is not None
        accounts = self._known.accounts.values()
        tolerance_ms = min(Window(account.window_ms).tolerance_ms for account in accounts)
        took_ms = self._clock.boot_ms() - self._unanswered_ms
        return reply.boot_offset_ms != self._offset_ms and took_ms > tolerance_ms
