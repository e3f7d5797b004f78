"""The real adapters are what a conversation needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.conversation import Unobserved
from governor.core.ledger.messages import DoubtReason

if TYPE_CHECKING:
    from governor.cli.report import TalkReporter
    from governor.conversation import Journal, Ledger, Observer
    from governor.journal import Journal as FileJournal
    from governor.store import EmbeddedStore, RedisStore


def adapters(
    store: RedisStore, book: EmbeddedStore, journal: FileJournal, reporter: TalkReporter
) -> tuple[Ledger, Ledger, Journal, Observer]:
    """Return each as what the conversation takes it for: mypy says whether it is."""
    return store, book, journal, reporter


def test_a_talk_that_nobody_hears_of_may_say_what_any_other_says() -> None:
    nobody: Observer = Unobserved()

    nobody.answered(0.1)
    nobody.doubted(DoubtReason.CLOSED)
    nobody.stepped("boot")
    nobody.met(("a",), ("b",))
    nobody.awaits(("a",), word=True)
