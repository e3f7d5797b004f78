"""Whether the ledger's word can be taken, since when not, and why.

Only a reply of an open ledger ends a doubt, and three doubts no reply can end: a later start of
this member took over, an operator declared it dead, or its journal failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from governor.core.ledger.messages import DoubtReason

if TYPE_CHECKING:
    from governor.clock import Clock
    from governor.conversation.parts import Observer

FINAL: Final = frozenset({DoubtReason.FENCED, DoubtReason.RETIRED})
NOBODY: Final[tuple[tuple[str, ...], bool]] = ((), False)


class Trust:
    """Begins with a ledger that nobody has reached yet. Every change is told, once."""

    def __init__(self, clock: Clock, observe: Observer) -> None:
        self._clock, self._observe = clock, observe
        self._since_ms = clock.monotonic_ms()
        self.doubt: DoubtReason | None = DoubtReason.UNREACHABLE
        self.is_final = False
        self._awaited: tuple[tuple[str, ...], bool] = NOBODY

    @property
    def doubt_ms(self) -> int | None:
        """For how long the present doubt has lasted."""
        return None if self.doubt is None else self._clock.monotonic_ms() - self._since_ms

    def lose(self, reason: DoubtReason, *, for_good: bool = False) -> None:
        """Doubt everything from now on."""
        self._change(reason)
        self.is_final = self.is_final or for_good or reason in FINAL

    def await_all(self, members: tuple[str, ...], *, word: bool) -> None:
        """Tell until when a closed ledger stays so, whenever that changes.

        That is until these members have spoken and, if `word`, an operator has.
        """
        before, self._awaited = self._awaited, (members, word)
        if self._awaited not in (before, NOBODY) and not self.is_final:
            self._observe.awaits(members, word=word)

    def regain(self) -> None:
        """Believe a reply."""
        self._awaited = NOBODY
        self._change(None)

    def _change(self, doubt: DoubtReason | None) -> None:
        if self.is_final or doubt is self.doubt:
            return
        self.doubt, self._since_ms = doubt, self._clock.monotonic_ms()
        self._observe.doubted(doubt)
