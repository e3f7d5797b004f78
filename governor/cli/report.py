"""Who hears of an exchange, and of the talk with a ledger: metrics and the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.core.ledger.decisions import REMEDIES

if TYPE_CHECKING:
    from governor.core.ledger.messages import DoubtReason
    from governor.core.record import ExchangeRecord
    from governor.log import Log
    from governor.metrics import Metrics


class Reporter:
    """Passes each record on, and says aloud what an operator must not miss."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics, self._log = metrics, log

    def __call__(self, record: ExchangeRecord) -> None:
        """Hear of one exchange."""
        self._metrics.exchange(record)
        self._log.exchange(record)
        if record.overrun:
            self._log.error(
                "an answer held more posts than its price: the catalog is wrong",
                contract=record.contract,
                operation=record.operation,
                price=record.price,
                charged=record.charged,
                raised=record.raised,
            )
        elif record.raised:  # enough was held, because more was asked for while it came
            self._log.warning(
                "an answer held more posts than is held at first: more is, from now on",
                contract=record.contract,
                operation=record.operation,
                received=record.received,
                raised=record.raised,
            )


class TalkReporter:
    """Says aloud how the talk with one contract's ledger goes."""

    def __init__(self, contract: str, metrics: Metrics, log: Log) -> None:
        self._contract, self._metrics, self._log = contract, metrics, log

    def answered(self, seconds: float) -> None:
        """Note how long the ledger took for one answer."""
        self._metrics.ledger(self._contract, seconds)

    def doubted(self, doubt: DoubtReason | None) -> None:
        """Say why nothing is sent any more, or that the ledger is open again."""
        if doubt is None:
            self._log.info("the ledger is open", contract=self._contract)
        else:
            self._log.warning(
                "the ledger is in doubt: nothing is sent",
                contract=self._contract,
                doubt=doubt.value,
                remedy=REMEDIES[doubt],
            )

    def stepped(self, clock: str) -> None:
        """Say that a clock was stepped, and that nothing follows it."""
        self._metrics.clock_stepped(self._contract, clock)
        self._log.warning(
            "a clock was stepped; ledger time does not follow it",
            contract=self._contract,
            clock=clock,
        )

    def met(self, joined: tuple[str, ...], gone: tuple[str, ...]) -> None:
        """Say which other members share the ledger now, and which do no more."""
        self._log.info(
            "the members changed",
            contract=self._contract,
            joined=" ".join(joined),
            gone=" ".join(gone),
        )

    def awaits(self, members: tuple[str, ...], *, word: bool) -> None:
        """Say what keeps a closed ledger from opening, and what can be done about it."""
        remedies = []
        if word:
            remedies.append("it was lost whole, and needs an operator's word: `governor restore`")
        if members:
            remedies.append(
                "start these members; if one is dead for good, `governor check` says how to go on "
                "without it, and at what price"
            )
        self._log.warning(
            "the ledger is closed, and waits",
            contract=self._contract,
            members=" ".join(members),
            remedy="; ".join(remedies),
        )
