"""The strictest rule binds; only an operator's word makes one laxer, and none is lost by a slip."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from governor.core.ledger.messages import LAXEST, Account, Leniency
from governor.core.rules import WORDS, Binding, Laxer, Rules, bind, bind_both
from governor.errors import DoubtError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from governor.core.ledger.messages import Unit

HOUR = 3_600_000
LIMIT = Account("x-1h", 1_000, HOUR)
SHARE = Account("x-1h/elections", 300, HOUR)


def rules(*accounts: Account, leniency: Leniency = LAXEST) -> Rules:
    return Rules({account.name: account for account in accounts}, leniency)


def limit(posts: int | None, name: str = "x-1h", window_ms: int = HOUR) -> Account:
    return Account(name, posts, window_ms)


def test_rules_that_are_as_they_were_bind_as_they_are() -> None:
    known = rules(LIMIT, SHARE, leniency=Leniency.ERRORS_FREE)

    assert bind(known, known) == Binding((LIMIT, SHARE), Leniency.ERRORS_FREE)


@pytest.mark.parametrize("raises", [False, True])
def test_a_lower_number_binds_at_once(raises: bool) -> None:  # noqa: FBT001  # a parameter
    bound = bind(rules(LIMIT), rules(limit(900)), raises=raises)

    assert (bound.accounts, bound.laxer) == ((limit(900),), ())


def test_a_higher_number_is_held_back_and_named() -> None:
    bound = bind(rules(LIMIT), rules(limit(2_000)))

    assert bound.accounts == (LIMIT,)
    assert [str(each) for each in bound.laxer] == ["limit x-1h: 1,000 -> 2,000"]


def test_a_higher_number_binds_by_an_operators_word() -> None:
    bound = bind(rules(LIMIT), rules(limit(2_000)), raises=True)

    assert bound.accounts == (limit(2_000),)
    assert bound.laxer == (Laxer("limit x-1h", "1,000", "2,000"),)


@pytest.mark.parametrize(("shown", "said"), [(400, "300 -> 400"), (None, "300 -> none")])
def test_a_jobs_cap_is_a_rule_like_any_other(shown: int | None, said: str) -> None:
    after = Account(SHARE.name, shown, HOUR)
    held, raised = (
        bind(rules(LIMIT, SHARE), rules(LIMIT, after), raises=raises) for raises in (False, True)
    )

    assert (held.accounts[1], raised.accounts[1]) == (SHARE, after)
    assert [str(each) for each in held.laxer] == [f"share x-1h/elections: {said}"]


def test_a_jobs_cap_may_begin_and_go_with_its_job() -> None:
    """Its posts are counted in the limit in any case."""
    assert bind(rules(LIMIT), rules(LIMIT, SHARE)).accounts == (LIMIT, SHARE)
    assert bind(rules(LIMIT, SHARE), rules(LIMIT)).accounts == (LIMIT,)


@pytest.mark.parametrize("flag", list(Leniency))
def test_each_laxer_treatment_needs_a_word(flag: Leniency) -> None:
    key, strict, lax = WORDS[flag]
    known, shown = rules(LIMIT, leniency=Leniency(0)), rules(LIMIT, leniency=flag)
    held, raised = bind(known, shown), bind(known, shown, raises=True)

    assert (held.leniency, raised.leniency) == (Leniency(0), flag)
    assert held.laxer == raised.laxer == (Laxer(key, strict, lax),)


def test_a_stricter_treatment_binds_at_once() -> None:
    bound = bind(rules(LIMIT), rules(LIMIT, leniency=Leniency.RECEIVED), raises=True)

    assert (bound.leniency, bound.laxer) == (Leniency.RECEIVED, ())


def test_a_new_limit_begins_with_init_only() -> None:
    new = limit(100, "x-new")

    with pytest.raises(DoubtError, match=r"'x-new' is new.*governor init"):
        bind(rules(LIMIT), rules(LIMIT, new))
    assert bind(rules(LIMIT), rules(LIMIT, new), begins=True).accounts == (LIMIT, new)


@pytest.mark.parametrize("window_ms", [HOUR - 1, HOUR + 1])
def test_another_window_is_another_limit(window_ms: int) -> None:
    """Of a longer one the past was not kept; a shorter one frees sooner what both count."""
    with pytest.raises(DoubtError, match="Give the new window a new name"):
        bind(rules(LIMIT), rules(limit(1_000, window_ms=window_ms)), begins=True, raises=True)


PACIFIC = Account("x-day", 1_000, 25 * HOUR, calendar="day America/Los_Angeles")
BILLED = Account("x-month", 1_000, 744 * HOUR, calendar="month UTC from 15")


@pytest.mark.parametrize(
    ("known", "shown", "binds", "instead"),
    [
        (
            PACIFIC,
            replace(PACIFIC, calendar="day UTC"),
            "the calendar 'day America/Los_Angeles'",
            "the calendar 'day UTC'",
        ),
        (
            BILLED,
            replace(BILLED, calendar="month UTC"),
            "the calendar 'month UTC from 15'",
            "the calendar 'month UTC'",
        ),
        (
            PACIFIC,
            replace(PACIFIC, calendar=""),
            "the calendar 'day America/Los_Angeles'",
            "a window of 90000000 ms",
        ),
    ],
)
def test_another_calendar_is_another_limit(
    known: Account, shown: Account, binds: str, instead: str
) -> None:
    """Its periods begin at other dates, and a sum of one calendar says nothing about another."""
    for before, after, one, other in (
        (known, shown, binds, instead),
        (shown, known, instead, binds),
    ):
        said = f"{one} in the ledger, {other} in the configuration. Give the new "

        with pytest.raises(DoubtError, match=re.escape(f"account {known.name!r} has {said}")):
            bind(rules(before), rules(after), begins=True, raises=True, drops=[known.name])


@pytest.mark.parametrize("drops", [(), ("x-1h",)])
@pytest.mark.parametrize(("known", "shown"), [("posts", "requests"), ("requests", "posts")])
def test_another_unit_is_another_limit(known: Unit, shown: Unit, drops: Collection[str]) -> None:
    """Else the contract's limit on posts would be gone, and its sum be read as requests."""
    before, after = (rules(replace(LIMIT, unit=unit)) for unit in (known, shown))

    with pytest.raises(DoubtError, match=f"counts {known} .*a new name.*governor init --drop"):
        bind(before, after, begins=True, raises=True, drops=drops)


def test_a_limit_that_is_not_shown_binds_until_it_is_dropped() -> None:
    """A rename is both: the old one dropped, the new one begun."""
    renamed = rules(limit(1_000, "x-new"))

    with pytest.raises(DoubtError, match=re.escape("`governor init --drop x-1h`")):
        bind(rules(LIMIT, SHARE), renamed, begins=True, raises=True)
    bound = bind(rules(LIMIT, SHARE), renamed, begins=True, drops=["x-1h"])
    assert bound.accounts == (limit(1_000, "x-new"), limit(None))
    assert bound.dropped == ("x-1h",)


def test_what_is_shown_is_not_dropped() -> None:
    """Else the next start would bring it back, with a sum that lacks what came between."""
    with pytest.raises(UsageError, match="take it out"):
        bind(rules(LIMIT), rules(LIMIT), drops=["x-1h"])


@pytest.mark.parametrize("raises", [False, True])
def test_a_dropped_limit_never_comes_back_under_its_name(
    raises: bool,  # noqa: FBT001  # a parameter
) -> None:
    with pytest.raises(DoubtError, match="Give it a new name"):
        bind(rules(limit(None)), rules(LIMIT), begins=True, raises=raises)


@pytest.mark.parametrize("drops", [(), ("x-1h",)])
def test_a_dropped_limit_is_not_missed(drops: Collection[str]) -> None:
    bound = bind(rules(limit(None), limit(5, "y")), rules(limit(5, "y")), drops=drops)

    assert (bound.accounts, bound.dropped) == ((limit(5, "y"),), ())


def test_what_moves_is_bound_by_both_homes() -> None:
    """Else a move would be a way to raise a limit without a word."""
    shown = rules(limit(2_000), limit(50, "y"), leniency=Leniency(0))
    old, new = rules(LIMIT), rules(limit(3_000), limit(40, "y"))
    bound = bind_both(old, new, shown)

    assert bound.accounts == (LIMIT, limit(40, "y"))
    assert [str(each) for each in bound.laxer] == [
        "limit x-1h: 1,000 -> 2,000",
        "limit y: 40 -> 50",
    ]
    raised = bind_both(old, new, shown, raises=True)
    assert raised.accounts == (limit(2_000), limit(50, "y"))
    assert bind_both(old, old, rules(limit(2_000)), raises=True).laxer == raised.laxer[:1]


def test_a_limit_of_either_home_moves_along_or_is_dropped() -> None:
    old, new = rules(LIMIT, limit(5, "y")), rules(LIMIT, limit(6, "z"))

    for name in ("y", "z"):
        other = "z" if name == "y" else "y"
        with pytest.raises(DoubtError, match=f"governor init --drop {name}"):
            bind_both(old, new, rules(LIMIT), drops=[other])
    bound = bind_both(old, new, rules(LIMIT), drops=["y", "z"])
    assert set(bound.accounts) == {LIMIT, limit(None, "y"), limit(None, "z")}
    assert set(bound.dropped) == {"y", "z"}


def test_a_limit_that_was_dropped_in_the_old_home_is_known_in_the_new_one() -> None:
    """The row that moves still holds posts of it, and a ledger must know what it is told of."""
    bound = bind_both(rules(LIMIT, limit(None, "y")), rules(LIMIT), rules(LIMIT))

    assert set(bound.accounts) == {LIMIT, limit(None, "y")}
