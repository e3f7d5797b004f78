"""Who hears of an exchange: metrics and the log, from one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
            )
