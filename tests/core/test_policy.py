"""Every hold names the contract's own account and its job's share of each limit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import LAXEST, MOST_POSTS, Account, Leniency
from governor.core.policy import Contract, Job, Limit, accounts, amounts, leniency, strictest

if TYPE_CHECKING:
    from governor.core.policy import Basis, Errors, Mode, Unknown

DAY_MS = 86_400_000
CONTRACT = Contract("x", "x", (Limit("x-24h", 1_000_000, DAY_MS), Limit("x-1h", 50_000, 3_600_000)))


def test_a_contract_has_an_account_per_limit_and_per_job_that_may_use_it() -> None:
    jobs = (
        Job("elections", posts=300_000),
        Job("health", contract="x"),
        Job("video", contract="y"),
    )

    assert accounts(CONTRACT, jobs) == (
        Account("x-24h", 1_000_000, DAY_MS),
        Account("x-1h", 50_000, 3_600_000),
        Account("x-24h/elections", 300_000, DAY_MS),
        Account("x-24h/health", None, DAY_MS),
        Account("x-1h/elections", 300_000, 3_600_000),
        Account("x-1h/health", None, 3_600_000),
    )


def test_a_hold_takes_its_price_from_every_limit_and_every_share() -> None:
    assert amounts(CONTRACT, Job("elections"), 300) == (
        ("x-24h", 300),
        ("x-24h/elections", 300),
        ("x-1h", 300),
        ("x-1h/elections", 300),
    )


def test_a_job_of_another_contract_takes_from_the_limits_alone() -> None:
    """A share that no ledger knows would bring the whole contract into doubt."""
    mine, other = (Job("a", contract=name) for name in (CONTRACT.name, "another"))

    assert len(amounts(CONTRACT, mine, 300)) == 4
    assert amounts(CONTRACT, other, 300) == (("x-24h", 300), ("x-1h", 300))


def test_only_shares_are_shares() -> None:
    assert [account.is_share for account in accounts(CONTRACT, (Job("a"),))] == [
        False,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize("posts", [0, -1, MOST_POSTS])
def test_a_limit_that_no_ledger_can_keep_is_refused(posts: int) -> None:
    with pytest.raises(ValueError, match="posts must be 1 to"):
        Limit("x-24h", posts, DAY_MS)


def test_a_limits_name_cannot_be_taken_for_a_share() -> None:
    with pytest.raises(ValueError, match="no '/'"):
        Limit("x/24h", 1, DAY_MS)


def test_a_contract_is_as_lax_as_each_of_its_words() -> None:
    strictest = replace(CONTRACT, unknown="refuse", errors="charge")

    assert leniency(strictest) == Leniency(0)
    assert leniency(CONTRACT) == Leniency.UNKNOWN_CHARGED | Leniency.ERRORS_FREE
    assert leniency(replace(strictest, mode="shadow")) is Leniency.SHADOW
    assert leniency(replace(strictest, basis="received")) is Leniency.RECEIVED


RULES = [
    (mode, basis, unknown, errors)
    for mode in ("enforce", "shadow")
    for basis in ("asked", "received")
    for unknown in ("charge", "refuse")
    for errors in ("free", "charge")
]


@pytest.mark.parametrize(("mode", "basis", "unknown", "errors"), RULES)
def test_the_stricter_of_configuration_and_ledger_binds(
    mode: Mode, basis: Basis, unknown: Unknown, errors: Errors
) -> None:
    """Invariant 10, rule by rule and in all combinations: neither side loosens the other."""
    configured = replace(CONTRACT, mode=mode, basis=basis, unknown=unknown, errors=errors)
    for shown in map(Leniency, range(16)):
        binding = strictest(configured, shown)

        assert leniency(binding) == leniency(configured) & shown
        assert binding.limits == configured.limits


def test_a_ledger_as_lax_as_the_configuration_changes_nothing() -> None:
    assert strictest(CONTRACT, LAXEST) == CONTRACT


BOTH = replace(CONTRACT, limits=(Limit("x-15m", 300, 900_000, "requests"), *CONTRACT.limits[:1]))


def test_a_hold_is_one_request_and_its_price_in_posts() -> None:
    """Once void it was neither."""
    job = Job("a", posts=5)

    assert dict(amounts(BOTH, job, 100)) == {
        "x-15m": 1,
        "x-15m/a": 1,
        "x-24h": 100,
        "x-24h/a": 100,
    }
    assert {posts for _, posts in amounts(BOTH, job, 0, requests=0)} == {0}


def test_a_jobs_cap_is_in_posts_and_caps_no_requests() -> None:
    caps = {each.name: (each.limit, each.unit) for each in accounts(BOTH, (Job("a", posts=5),))}

    assert caps == {
        "x-15m": (300, "requests"),
        "x-24h": (1_000_000, "posts"),
        "x-15m/a": (None, "requests"),
        "x-24h/a": (5, "posts"),
    }


def test_where_one_number_must_do_it_is_in_posts() -> None:
    only = replace(CONTRACT, limits=tuple(each for each in BOTH.limits if each.unit == "requests"))

    assert BOTH.first.name == "x-24h"
    assert only.first.name == "x-15m"


YOUTUBE = Contract(
    "youtube",
    "youtube",
    (
        Limit("units", 10_000, 90_000_000, "units", "day America/Los_Angeles"),
        Limit("records", 100_000, 90_000_000, "records", "day UTC"),
        Limit("posts", 50_000, 3_600_000),
        Limit("wire", 300, 900_000, "requests"),
        Limit("points", 9, 900_000, "points"),
    ),
    counts="records",
)


def test_each_limit_takes_its_own_unit_of_a_hold() -> None:
    """What is received has two names; what the catalog states no cost in is not touched."""
    owner = Job("a", contract="x")  # has no share of this contract

    assert dict(amounts(YOUTUBE, owner, 50, costs=[("units", 100), ("searches", 1)])) == {
        "units": 100,
        "records": 50,
        "posts": 50,
        "wire": 1,
        "points": 0,
    }


@pytest.mark.parametrize("posts", [0, 25])
def test_costs_fall_due_with_the_request(posts: int) -> None:
    """A void hold was none, and a top-up is more posts of the same one."""
    owner = Job("a", contract="x")
    taken = dict(amounts(YOUTUBE, owner, posts, requests=0, costs=[("units", 100)]))

    assert taken == {"units": 0, "records": posts, "posts": posts, "wire": 0, "points": 0}


def test_a_jobs_cap_is_on_what_is_received_by_whichever_name() -> None:
    caps = {each.name: each.limit for each in accounts(YOUTUBE, (Job("a", posts=5),))}

    assert [caps[f"{limit.name}/a"] for limit in YOUTUBE.limits] == [None, 5, 5, None, None]
    assert YOUTUBE.first.name == "records"


def test_an_account_has_the_calendar_of_its_limit() -> None:
    calendars = {each.name: each.calendar for each in accounts(YOUTUBE, (Job("a"),))}

    assert calendars["units"] == calendars["units/a"] == "day America/Los_Angeles"
    assert calendars["wire"] == calendars["wire/a"] == ""


def test_a_limit_has_the_window_of_its_calendar() -> None:
    with pytest.raises(ValueError, match="its window is not that of its calendar"):
        Limit("l", 5, 86_400_000, calendar="day UTC")
    with pytest.raises(ValueError, match="'day' is no calendar"):
        Limit("l", 5, 86_400_000, calendar="day")
