"""What is said of a doubt helps the person who must end it."""

from __future__ import annotations

import pytest

from governor.core.ledger.decisions import LOSSES, NEEDS_OPERATOR, REMEDIES
from governor.core.ledger.messages import DoubtReason


def test_every_doubt_has_a_remedy_and_no_remedy_is_without_a_doubt() -> None:
    assert REMEDIES.keys() == set(DoubtReason)


@pytest.mark.parametrize("reason", DoubtReason)
def test_a_remedy_ends_the_sentence_that_the_error_begins(reason: DoubtReason) -> None:
    """It follows "the ledger cannot be trusted (reason): ": several words, no dot."""
    remedy = REMEDIES[reason]

    assert len(remedy.split()) >= 5
    assert remedy == remedy.strip()
    assert not remedy.endswith(".")


def test_who_is_fenced_hears_that_it_may_be_an_old_copy() -> None:
    """Nothing else runs then, and there is nothing to stop."""
    assert "runs elsewhere" in REMEDIES[DoubtReason.FENCED]
    assert "put back from an old copy" in REMEDIES[DoubtReason.FENCED]


def test_no_two_doubts_say_the_same() -> None:
    assert len(set(REMEDIES.values())) == len(REMEDIES)


def test_what_members_can_mend_needs_no_operator() -> None:
    """A lost ledger, one that is away or closed, and a script that failed, end by themselves."""
    waits = {
        DoubtReason.UNKNOWN_ROW,
        DoubtReason.CLOSED,
        DoubtReason.UNREACHABLE,
        DoubtReason.ERROR,
    }

    assert not LOSSES & NEEDS_OPERATOR
    assert LOSSES | NEEDS_OPERATOR | waits == set(DoubtReason)
