"""Never give back what cannot be proven undelivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from governor.core.catalog import Quote
from governor.core.charging import UNKNOWN_FLOOR, Charge, charge, shared
from governor.core.counting import Counted, Unreadable
from governor.core.ledger.holds import Hold, State
from governor.core.ledger.records import Outcome
from governor.core.policy import Contract, Limit

if TYPE_CHECKING:
    from governor.core.policy import Basis, Errors

PAGE = Quote("search", "posts", asked=100, ids=0, price=300)
LOOKUP = Quote("lookup", "posts", asked=50, ids=50, price=150)
UNKNOWN = Quote("unknown", "unknown", asked=0, ids=0, price=6_000)


def contract(basis: Basis = "asked", errors: Errors = "free") -> Contract:
    limit = Limit("x", 1_000_000, 86_400_000)
    return Contract("x", "x", (limit,), basis=basis, errors=errors)


def hold_in(state: State) -> Hold:
    hold = Hold("h", (("x", 300),))
    hold.state = state
    return hold


def settle(quote: Quote, posts: int, *, status: int = 200, rules: Contract | None = None) -> Charge:
    return charge(
        rules or contract(), quote, hold_in(State.READ), status=status, count=Counted(posts)
    )


@pytest.mark.parametrize("state", [State.ASKED, State.GRANTED, State.CLAIMED])
def test_a_request_of_which_nothing_was_written_is_free(state: State) -> None:
    assert charge(contract(), PAGE, hold_in(state), status=None, count=None) == Charge(
        Outcome.VOID, 0, None, lingers=False, overrun=0, requests=0
    )


@pytest.mark.parametrize(
    ("received", "charged"), [(0, 100), (99, 100), (100, 100), (101, 101), (300, 300)]
)
def test_asked_or_received_is_charged_whichever_is_more(received: int, charged: int) -> None:
    """Basis "asked": requesting is in the clause."""
    assert settle(PAGE, received).posts == charged


@pytest.mark.parametrize(("received", "charged"), [(0, 0), (99, 99), (300, 300)])
def test_by_the_received_basis_a_page_costs_what_it_held(received: int, charged: int) -> None:
    assert settle(PAGE, received, rules=contract(basis="received")).posts == charged


@pytest.mark.parametrize(("received", "charged"), [(0, 50), (50, 50), (120, 120)])
def test_ids_named_are_charged_by_either_basis(received: int, charged: int) -> None:
    assert settle(LOOKUP, received, rules=contract(basis="received")).posts == charged


@pytest.mark.parametrize("state", [State.SENT, State.READ])
@pytest.mark.parametrize("count", [None, Counted(0), Counted(300), Unreadable("cut")])
@pytest.mark.parametrize("status", [None, 200, 404, 503])
def test_a_request_that_was_sent_is_one_request_whatever_it_cost_in_posts(
    state: State, count: Counted | Unreadable | None, status: int | None
) -> None:
    """A free error too: the platform was asked."""
    ended = charge(contract(), PAGE, hold_in(state), status=status, count=count)

    assert ended.requests == 1


def test_more_than_the_price_is_recorded_in_full_as_an_overrun() -> None:
    """Invariant 8: truth is recorded even over the limit."""
    assert settle(PAGE, 862) == Charge(Outcome.SETTLED, 862, 862, lingers=False, overrun=562)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 499])
def test_a_client_error_without_a_post_is_free_unless_the_contract_says_otherwise(
    status: int,
) -> None:
    assert settle(PAGE, 0, status=status).posts == 0
    assert settle(PAGE, 0, status=status, rules=contract(errors="charge")).posts == 100


def test_a_client_error_with_posts_is_charged_like_any_answer() -> None:
    assert settle(PAGE, 7, status=404).posts == 100


@pytest.mark.parametrize("status", [200, 204, 206, 304, 500, 503])
def test_no_other_status_is_free(status: int) -> None:
    assert settle(PAGE, 0, status=status).posts == 100


@pytest.mark.parametrize(("received", "charged"), [(0, UNKNOWN_FLOOR), (201, 201), (7_000, 7_000)])
def test_an_unknown_operation_is_never_free(received: int, charged: int) -> None:
    assert settle(UNKNOWN, received).posts == charged
    assert settle(UNKNOWN, received, rules=contract(basis="received")).posts == charged


@pytest.mark.parametrize(
    ("count", "charged"),
    [
        (None, 300),
        (Unreadable("cut"), 300),
        (Unreadable("cut", at_least=299), 300),
        (Unreadable("cut", at_least=301), 301),
        (Counted(5), 300),
        (Counted(305), 305),
    ],
)
def test_an_answer_not_read_to_its_end_costs_its_price_or_what_was_seen(
    count: Counted | Unreadable | None, charged: int
) -> None:
    ended = charge(contract(), PAGE, hold_in(State.SENT), status=200, count=count)

    assert ended == Charge(Outcome.ORPHANED, charged, None, lingers=True, overrun=charged - 300)


def test_an_answer_read_to_its_end_that_cannot_be_counted_costs_its_price_and_does_not_linger() -> (
    None
):
    ended = charge(
        contract(), PAGE, hold_in(State.READ), status=404, count=Unreadable("html", at_least=0)
    )

    assert ended == Charge(Outcome.ORPHANED, 300, None, lingers=False, overrun=0)


def test_a_count_that_is_not_believed_costs_the_full_price() -> None:
    """It was read to its end, so it does not linger."""
    ended = charge(
        contract(), PAGE, hold_in(State.READ), status=200, count=Counted(0), believed=False
    )

    assert ended == Charge(Outcome.ORPHANED, 300, None, lingers=False, overrun=0)


@pytest.mark.parametrize(
    ("posts", "received", "mine"),
    [
        (0, 0, [(0, 0), (0, 0), (0, 0)]),
        (150, 150, [(150, 150), (0, 0), (0, 0)]),
        (250, 240, [(200, 200), (50, 40), (0, 0)]),
        (300, 300, [(200, 200), (50, 50), (50, 50)]),
        (320, 320, [(200, 200), (50, 50), (70, 70)]),
    ],
)
def test_several_holds_of_a_request_share_its_charge_the_first_ones_first(
    posts: int, received: int, mine: list[tuple[int, int]]
) -> None:
    """None of it is lost, and what is too much is on the last."""
    whole = Charge(Outcome.SETTLED, posts, received, lingers=False, overrun=max(0, posts - 300))
    charges = shared(whole, (200, 50, 50))

    assert [(each.posts, each.received) for each in charges] == mine
    assert [each.overrun for each in charges] == [0, 0, whole.overrun]


def test_what_was_not_counted_is_counted_in_none_of_its_holds() -> None:
    whole = Charge(Outcome.ORPHANED, 250, None, lingers=True, overrun=0)

    assert [(each.posts, each.received, each.lingers) for each in shared(whole, (200, 50))] == [
        (200, None, True),
        (50, None, True),
    ]
