"""A crawler hears how its accounts stand, in wall time, and of no account that says nothing."""

from __future__ import annotations

from typing import Final

import pytest

from governor.core.ledger.messages import Usage
from governor.core.policy import Contract, Job, Limit, amounts
from governor.core.refusal import Standing
from governor.core.standing import refusing, standings

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
CONTRACT: Final = Contract("x", "x", (Limit("day", 1_000, DAY_MS), Limit("hour", 100, HOUR_MS)))
HELD: Final = amounts(CONTRACT, Job("elections"), 10)


def found(usage: dict[str, Usage]) -> dict[str, Standing]:
    stand = standings(CONTRACT, HELD, usage, ledger_ms=5_000, wall_ms=1_000_000)
    return {standing.name: standing for standing in stand}


def test_headroom_is_what_neither_charges_nor_holds_take() -> None:
    usage = {"day": Usage(charged=600, pending=150, limit=1_000, next_free_ms=None)}

    assert found(usage)["day"] == Standing("day", 1_000, DAY_MS, headroom=250, needs=10)


@pytest.mark.parametrize(("charged", "headroom"), [(999, 1), (1_000, 0), (1_001, 0)])
def test_headroom_is_never_negative(charged: int, headroom: int) -> None:
    """Not even after an overrun, which is charged in full."""
    usage = {"day": Usage(charged=charged, pending=0, limit=1_000, next_free_ms=None)}

    assert found(usage)["day"].headroom == headroom


def test_when_posts_free_is_told_in_wall_time() -> None:
    """Ledger time is nobody else's: 3 s later there is 3 s later here."""
    usage = {"day": Usage(charged=1, pending=0, limit=1_000, next_free_ms=8_000)}

    assert found(usage)["day"].next_free_ms == 1_003_000


def test_the_limit_that_the_ledger_enforces_is_told_and_not_the_configured_one() -> None:
    usage = {"day": Usage(charged=0, pending=0, limit=400, next_free_ms=None)}

    assert found(usage)["day"].most == 400


def test_a_share_is_told_only_if_it_has_a_cap() -> None:
    capped = {"day/elections": Usage(charged=20, pending=0, limit=50, next_free_ms=None)}
    free = {"day/elections": Usage(charged=20, pending=0, limit=None, next_free_ms=None)}

    stands = found(capped)["day/elections"]
    assert stands == Standing("day/elections", 50, DAY_MS, headroom=30, needs=10)
    assert "day/elections" not in found(free)


def test_before_the_first_reply_every_limit_stands_as_configured() -> None:
    assert found({}) == {
        "day": Standing("day", 1_000, DAY_MS, headroom=1_000, needs=10),
        "hour": Standing("hour", 100, HOUR_MS, headroom=100, needs=10),
    }


def test_a_calendar_limit_is_told_by_its_running_period_and_its_unit() -> None:
    """And by what this request costs in that unit, which its price does not say."""
    pacific = Limit("units", 10_000, 25 * HOUR_MS, "units", "day America/Los_Angeles")
    contract = Contract("youtube", "youtube", (pacific,))
    held = amounts(contract, Job("elections"), 50, costs=[("units", 100)])
    stand = standings(contract, held, {}, ledger_ms=5_000, wall_ms=1_000_000)

    assert stand == (
        Standing(
            "units",
            10_000,
            25 * HOUR_MS,
            headroom=10_000,
            unit="units",
            calendar="this day (America/Los_Angeles)",
            needs=100,
        ),
    )


def test_other_accounts_of_the_contract_are_not_told() -> None:
    usage = {"day/strangers": Usage(charged=1, pending=0, limit=5, next_free_ms=None)}

    assert set(found(usage)) == {"day", "hour"}


def test_a_refusal_speaks_of_the_account_that_refused() -> None:
    stand = tuple(found({}).values())

    assert refusing(stand, "hour").name == "hour"


def test_a_refusal_by_none_of_them_speaks_of_the_first_limit() -> None:
    """Doubt refuses by no account, and an uncapped share has no standing."""
    stand = tuple(found({}).values())

    assert refusing(stand, "").name == "day"
    assert refusing(stand, "day/elections").name == "day"
