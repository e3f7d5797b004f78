"""A scrape shows how each contract stands, as of the ledger's last word, each sum in its unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governor.core.ledger.messages import DoubtReason, Usage
from governor.core.policy import Limit
from governor.metrics import STATES
from tests.fakes.clock import MIDNIGHT_MS
from tests.shell.metrics.conftest import (
    CONTRACT,
    QUIET,
    made,
    shown,
    value,
)


async def test_accounts_show_limit_usage_holds_and_headroom() -> None:
    """The limit's own account has no job; a job without a cap has neither limit nor headroom."""
    usage = {
        "x-24h": Usage(charged=250, pending=50, limit=1_000, next_free_ms=None),
        "x-24h/elections": Usage(charged=100, pending=0, limit=300, next_free_ms=None),
        "x-24h/health": Usage(charged=150, pending=50, limit=None, next_free_ms=None),
        "x-24h/stranger": Usage(charged=1, pending=0, limit=None, next_free_ms=None),
    }
    metrics = made([replace(QUIET, usage=usage)])
    own = {"contract": "x", "limit": "x-24h", "job": ""}

    assert await value(metrics, "limit_posts", **own) == 1_000  # as enforced, not as configured
    assert await value(metrics, "usage_posts", **own) == 300
    assert await value(metrics, "held_posts", **own) == 50
    assert await value(metrics, "headroom_posts", **own) == 700
    assert await value(metrics, "headroom_posts", **(own | {"job": "elections"})) == 200
    assert await value(metrics, "usage_posts", **(own | {"job": "health"})) == 200
    assert await value(metrics, "limit_posts", **(own | {"job": "health"})) is None
    assert await value(metrics, "headroom_posts", **(own | {"job": "health"})) is None
    assert await value(metrics, "usage_posts", **(own | {"job": "stranger"})) is None


async def test_a_ledger_that_has_not_spoken_is_never_shown_as_nothing_used() -> None:
    metrics = made([QUIET])
    own = {"contract": "x", "limit": "x-24h", "job": ""}

    assert await value(metrics, "limit_posts", **own) == 1_000_000
    assert await value(metrics, "usage_posts", **own) is None
    assert await value(metrics, "headroom_posts", **own) is None


@pytest.mark.parametrize("doubt", [None, *DoubtReason])
async def test_a_ledger_is_in_one_state(doubt: DoubtReason | None) -> None:
    metrics = made([replace(QUIET, doubt=doubt)])
    states = {
        state: await value(metrics, "ledger_state", contract="x", state=state) for state in STATES
    }

    assert states.pop("open" if doubt is None else doubt.value) == 1
    assert set(states.values()) == {0}
    assert len(states) == len(DoubtReason)


async def test_gauges_are_read_when_somebody_scrapes() -> None:
    snapshots = [QUIET]
    metrics = made(snapshots)
    assert await value(metrics, "waiting_exchanges", contract="x") == 0

    snapshots[:] = [replace(QUIET, waiting=3, time_ms=1_000, high_ms=1_250, oldest_hold_ms=4_000)]

    assert await value(metrics, "waiting_exchanges", contract="x") == 3
    assert await value(metrics, "clock_skew_seconds", contract="x") == 0.25
    granted = await value(metrics, "oldest_hold_timestamp_seconds", contract="x")
    assert granted == (MIDNIGHT_MS - 4_000) / 1000


async def test_no_hold_has_no_age() -> None:
    assert await value(made([QUIET]), "oldest_hold_timestamp_seconds", contract="x") is None


@pytest.mark.parametrize(
    ("charged", "pending", "amount"),
    [
        (0, 0, 0),
        (1_000_000, 0, 0),
        (1_000_000, 1, 15_000),
        (2_000_000, 0, 15_000),
        (2_000_001, 0, 30_000),
    ],
)
async def test_exposure_counts_each_started_unit_above_the_limit(
    charged: int, pending: int, amount: int
) -> None:
    """One post too many is never shown as costing nothing."""
    usage = {"x-24h": Usage(charged, pending, 1_000_000, None)}

    metrics = made([replace(QUIET, usage=usage)])

    assert await value(metrics, "exposure_amount", contract="x", currency="USD") == amount


async def test_a_contract_without_damages_or_with_a_strange_name_shows_no_exposure() -> None:
    metrics = made([replace(QUIET, contract="y"), QUIET])

    assert await value(metrics, "exposure_amount", contract="x", currency="USD") == 0
    assert not any("y" in dict(labels).values() for _, labels in await shown(metrics))


async def test_a_limit_on_requests_is_shown_in_requests() -> None:
    """A sum over all limits in posts must not have requests in it; nor do they cost damages."""
    both = replace(CONTRACT, limits=(*CONTRACT.limits, Limit("x-15m", 300, 900_000, "requests")))
    usage = {
        "x-15m": Usage(charged=299, pending=2, limit=300, next_free_ms=None),
        "x-15m/elections": Usage(charged=299, pending=2, limit=None, next_free_ms=None),
    }
    metrics = made([replace(QUIET, usage=usage)], both)
    own = {"contract": "x", "limit": "x-15m", "job": ""}

    assert await value(metrics, "limit_requests", **own) == 300
    assert await value(metrics, "usage_requests", **own) == 301
    assert await value(metrics, "held_requests", **own) == 2
    assert await value(metrics, "headroom_requests", **own) == 0
    assert await value(metrics, "usage_requests", **(own | {"job": "elections"})) == 301
    assert await value(metrics, "usage_posts", **own) is None
    assert await value(metrics, "limit_posts", **(own | {"limit": "x-24h"})) == 1_000_000
    assert await value(metrics, "exposure_amount", contract="x", currency="USD") == 0


async def test_limits_in_other_units_are_shown_in_their_own_and_posts_by_any_name() -> None:
    """By calendar as by window: what counts now is what the ledger says of the running period."""
    day_ms, pacific = 90_000_000, "day America/Los_Angeles"
    youtube = replace(
        CONTRACT,
        counts="records",
        limits=(
            Limit("units", 10_000, day_ms, "units", pacific),
            Limit("records", 500, day_ms, "records", pacific),
        ),
    )
    usage = {
        "units": Usage(charged=9_900, pending=200, limit=10_000, next_free_ms=None),
        "records": Usage(charged=600, pending=0, limit=500, next_free_ms=None),
    }
    metrics = made([replace(QUIET, usage=usage)], youtube)
    units = {"contract": "x", "limit": "units", "job": ""}
    records = units | {"limit": "records"}

    assert await value(metrics, "limit_costs", **units) == 10_000
    assert await value(metrics, "usage_costs", **units) == 10_100
    assert await value(metrics, "held_costs", **units) == 200
    assert await value(metrics, "headroom_costs", **units) == 0
    assert await value(metrics, "usage_posts", **records) == 600
    assert await value(metrics, "usage_costs", **records) is None
    assert await value(metrics, "exposure_amount", contract="x", currency="USD") == 15_000
