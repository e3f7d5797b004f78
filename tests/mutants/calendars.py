"""Mutants of the calendars in Python: which day or month runs, and into which a charge goes."""

from __future__ import annotations

from typing import Final

from tests.mutants.mutant import Mutant

BOOK: Final = "governor/core/ledger/book.py"
PERIODS: Final = "governor/core/ledger/periods.py"
AGREEING: Final = "governor/core/ledger/agreeing.py"
T: Final = "tests/core/ledger/"

MUTANTS: Final = (
    Mutant(
        6,
        "a day turns by the slowest date",
        PERIODS,
        "begun = dates.slowest_ms >=",
        "begun = dates.fastest_ms >=",
        T + "test_turning.py -k test_no_day",
    ),
    Mutant(
        7,
        "a day turns a pad after its end",
        PERIODS,
        ">= period.begins_ms + self.longest.pad_ms",
        ">= period.begins_ms - self.longest.pad_ms",
        T + "test_turning.py -k test_no_day",
    ),
    Mutant(
        6,
        "a charge goes by the fastest date",
        PERIODS,
        "fastest_ms = dates.fastest_ms + self.longest.pad_ms",
        "fastest_ms = dates.slowest_ms + self.longest.pad_ms",
        T + "test_turning.py -k test_no_day",
    ),
    Mutant(
        5,
        "what was let go of may be counted in the next day",
        PERIODS,
        "self._number_at(fastest_ms + self.longest.linger_ms, named)",
        "self._number_at(fastest_ms, named)",
        T + "test_turning.py -k test_no_day",
    ),
    Mutant(
        6,
        "a date hours off is doubt",
        AGREEING,
        "if abs(message.date_ms - store_ms) > known.furthest_ms:",
        "if False:",
        T + "test_agreeing.py",
    ),
    Mutant(
        10,
        "other boundaries are doubt",
        AGREEING,
        "if known.disagrees(before) or known.disagrees(running):",
        "if False:",
        T + "test_agreeing.py",
    ),
    Mutant(
        3,
        "a lost ledger goes on from the latest period",
        BOOK,
        "turns.resume(message.whole.periods.get(text))",
        "turns.resume(None)",
        T + "test_agreeing.py",
    ),
)
