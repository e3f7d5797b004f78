"""Records are facts: they cannot be changed, and survive the journal's coding."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import get_args

import msgspec
import pytest

from governor.core.ledger.messages import Account, Identity, Leniency, RowValue
from governor.core.ledger.records import (
    Adopted,
    Claimed,
    Moved,
    Outcome,
    Record,
    Resolved,
    Rostered,
    Stamped,
    Started,
    Torn,
    Used,
    Vouched,
    Word,
)
from governor.core.ledger.roster import MemberStanding, RosterEntry

AMOUNTS = (("x", 100), ("x/elections", 100))
RECORDS: tuple[Record, ...] = (
    Started("member", 3, "boot"),
    Adopted("x", "embedded", Identity(1, "run", ""), (Account("x", 9, 1_000),), 5, -7, Leniency(6)),
    Used("x", AMOUNTS),
    Claimed("x", "hold", "elections", "search", 10, 100, AMOUNTS, "sha", 50),
    Resolved("x", "hold", Outcome.ORPHANED, None, AMOUNTS, lingers=True, at_ms=60),
    Stamped("x", 4, (("x", RowValue(0, 1, 2)),), 70, 71, -3, 4, 5),
    Rostered("x", 2, (RosterEntry("member", 3, MemberStanding.LEFT, 80),)),
    Torn("record 9 is missing", "torn-1"),
    Vouched("x", Word.RAISED, "limit x: 9 -> 10 posts", 90),
    Moved("x", "redis://h:6379/0", anew=True, time_ms=91),
)


def test_every_kind_of_record_is_here() -> None:
    assert {type(record) for record in RECORDS} == set(get_args(Record))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_comes_back_as_it_was_written(record: Record) -> None:
    said = msgspec.json.encode(record)

    assert msgspec.json.decode(said, type=type(record)) == record


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_is_never_edited(record: Record) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(record, record.__slots__[0], "other")


def test_a_hold_ends_in_one_of_three_ways() -> None:
    """There is no fourth: it never expires."""
    assert {outcome.value for outcome in Outcome} == {"settled", "void", "orphaned"}
