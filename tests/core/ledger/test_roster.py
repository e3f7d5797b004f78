"""Who must have spoken after a loss."""

from __future__ import annotations

import pytest

from governor.core.ledger.roster import MemberStanding, RosterEntry, united

ACTIVE, LEFT, RETIRED = MemberStanding
NAMED = "a"


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        pytest.param(RosterEntry(NAMED, 1), RosterEntry(NAMED, 2), id="a later start"),
        pytest.param(RosterEntry(NAMED, 1), RosterEntry(NAMED, 1, LEFT, 9), id="it left"),
        pytest.param(RosterEntry(NAMED, 1, LEFT, 9), RosterEntry(NAMED, 2), id="it came back"),
        pytest.param(
            RosterEntry(NAMED, 1, LEFT, 9), RosterEntry(NAMED, 1, RETIRED, 5), id="it was retired"
        ),
    ],
)
def test_of_two_reports_the_later_one_is_believed(older: RosterEntry, newer: RosterEntry) -> None:
    """A member that came back is active, whoever still says that it had left."""
    assert united([older], [newer]) == united([newer], [older]) == (newer,)
    assert not older.is_newer_than(newer)


def test_nobody_whom_any_journal_names_is_forgotten() -> None:
    """The union is what must restore: one journal that knows a member is enough."""
    one, two = RosterEntry("one", 1), RosterEntry("two", 3, LEFT, 7)

    assert united([two], [], [one]) == (one, two)
