"""What was charged while a lost ledger was closed counts for a whole window, as everything does."""

from __future__ import annotations

from typing import Final

import pytest

from governor.core.ledger.messages import RowValue, WholeRow
from governor.core.ledger.opening import GRACE_MS
from tests.core.ledger.speaker import BEGIN_MS, MINUTE, SHORT, Speaker, ask

BEHIND_MS: Final = 5_000  # a time is journaled with each charge, or every ten seconds
LIMIT: Final = 500


@pytest.mark.parametrize("lingers", [False, True])
def test_a_charge_told_while_closed_frees_no_earlier_than_one_window_later(
    *, lingers: bool
) -> None:
    """The first to restore knows an older time than the second, and tells a charge of just now.

    It tells it in every message until the ledger is open.
    """
    first = Speaker()
    first.join()
    now_ms = BEGIN_MS + BEHIND_MS
    charge = RowValue(lingered=LIMIT) if lingers else RowValue(charged=LIMIT)
    first.now_ms = now_ms
    first.lose(emptied=True, time_ms=BEGIN_MS, high_ms=BEGIN_MS, named=True)
    second = Speaker(first.book, "second")
    second.now_ms = now_ms
    first.join(whole=WholeRow({}, {}, BEGIN_MS, BEGIN_MS, 0), values={SHORT.name: charge})
    second.join(whole=WholeRow({}, {}, now_ms, now_ms, 0))
    assert first.book.clocks.time_ms == now_ms

    first.now_ms = second.now_ms = now_ms + GRACE_MS
    assert second.reply().open
    first.reply(values={SHORT.name: charge})
    frees_ms = now_ms + MINUTE.window_ms + (MINUTE.linger_ms if lingers else 0)
    first.now_ms = second.now_ms = frees_ms - 1
    second.reply()
    early = first.reply(ask(LIMIT, SHORT))
    first.now_ms = second.now_ms = frees_ms + MINUTE.window_ms
    second.reply()
    late = first.reply(ask(LIMIT, SHORT))

    assert not early.grants[0].granted
    assert late.grants[0].granted
