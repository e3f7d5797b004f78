"""A hold believes the worst that what it knows allows."""

from __future__ import annotations

import itertools

import pytest

from governor.core.ledger.holds import BELIEVED, TABLE, Event, Hold, State
from governor.core.ledger.records import Outcome

LIFE = {
    "granted, claimed, sent, read": (
        [Event.GRANT, Event.CLAIM, Event.SEND, Event.READ],
        Outcome.SETTLED,
    ),
    "the answer broke off": ([Event.GRANT, Event.CLAIM, Event.SEND], Outcome.ORPHANED),
    "nothing was written after all": (
        [Event.GRANT, Event.CLAIM, Event.SEND, Event.UNSENT],
        Outcome.VOID,
    ),
    "claimed and never sent": ([Event.GRANT, Event.CLAIM], Outcome.VOID),
    "granted and given back": ([Event.GRANT], Outcome.VOID),
    "never granted": ([], Outcome.VOID),
}


def hold_in(state: State) -> Hold:
    hold = Hold("h", (("x-24h", 100),))
    hold.state = state
    return hold


@pytest.mark.parametrize(("events", "believed"), LIFE.values(), ids=LIFE.keys())
def test_a_hold_ends_as_what_was_learned_last_says(events: list[Event], believed: Outcome) -> None:
    hold = Hold("h", (("x-24h", 100),))
    for event in events:
        hold.on(event)

    assert hold.believed is believed


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_cell_of_the_table_is_as_written_and_every_other_is_impossible(
    state: State, event: Event
) -> None:
    hold = hold_in(state)
    if (state, event) in TABLE:
        hold.on(event)

        assert hold.state is TABLE[state, event]
    else:
        with pytest.raises(KeyError):
            hold.on(event)

        assert hold.state is state


def test_no_byte_is_sent_under_a_hold_whose_claim_is_not_durable() -> None:
    """Invariant 1: SEND follows CLAIM and nothing else."""
    assert [state for state, event in TABLE if event is Event.SEND] == [State.CLAIMED]


def test_a_hold_is_resolved_once() -> None:
    hold = hold_in(State.READ)
    hold.on(Event.END)

    with pytest.raises(KeyError):
        hold.on(Event.END)
    with pytest.raises(KeyError):
        _ = hold.believed


def test_only_an_answer_read_to_its_end_may_cost_less_than_its_price() -> None:
    assert [state for state, outcome in BELIEVED.items() if outcome is Outcome.SETTLED] == [
        State.READ
    ]
    assert BELIEVED[State.SENT] is Outcome.ORPHANED
