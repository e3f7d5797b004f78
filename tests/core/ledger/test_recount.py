"""Assertions stay on: every account is recounted from the rows, each within half a minute."""

from __future__ import annotations

from governor.core.ledger.messages import DoubtReason, RowValue
from governor.core.ledger.recount import RECOUNT_MS
from tests.core.ledger.speaker import ACCOUNTS, TOTAL, Speaker


def test_every_account_has_its_turn() -> None:
    speaker = Speaker()
    speaker.join()
    for _ in ACCOUNTS:
        speaker.now_ms += RECOUNT_MS // len(ACCOUNTS)
        speaker.reply()

    assert speaker.book.recount.turn == len(ACCOUNTS)


def test_no_account_has_two_turns_however_long_nobody_spoke() -> None:
    speaker = Speaker()
    speaker.join()
    speaker.now_ms += 10 * RECOUNT_MS
    speaker.reply()

    assert speaker.book.recount.turn == len(ACCOUNTS)


def test_a_sum_that_is_not_what_the_rows_say_is_doubt() -> None:
    speaker = Speaker()
    speaker.join(values={TOTAL.name: RowValue(charged=5)})
    speaker.book.accounts[TOTAL.name].pending += 1
    speaker.now_ms += RECOUNT_MS

    assert speaker.doubt() is DoubtReason.MISCOUNTED
