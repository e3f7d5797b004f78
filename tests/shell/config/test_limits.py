"""A limit names one unit and one span; every other mixture is told, key by key."""

from __future__ import annotations

from itertools import chain, combinations
from typing import Any, Final

import pytest

from governor.config.limits import longest_ms, mistakes

ZONES: Final = ("UTC", "MST", "America/Los_Angeles")
KEYS: Final[dict[str, Any]] = {
    "posts": 5,
    "requests": 5,
    "most": 5,
    "unit": "units",
    "window": "24h",
    "period": "month",
    "time_zone": "UTC",
    "reset_day": 15,
}
AMOUNTS: Final = ({"posts"}, {"requests"}, {"most", "unit"})
SPANS: Final = ({"window"}, {"period", "time_zone"}, {"period", "time_zone", "reset_day"})


def test_of_all_mixtures_only_one_amount_in_one_span_is_accepted() -> None:
    """All 256 of them."""
    sound = [amount | span for amount in AMOUNTS for span in SPANS]
    for keys in chain.from_iterable(combinations(KEYS, size) for size in range(len(KEYS) + 1)):
        found = list(mistakes({key: KEYS[key] for key in keys}, ZONES))

        assert (found == []) == (set(keys) in sound), keys


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (
            {"posts": 5, "requests": 5, "window": "1h"},
            [("requests", "it is a limit on posts already; write a [[contract.limit]] for each")],
        ),
        ({"window": "1h"}, [("posts", "it is missing; write posts, requests, or most and unit")]),
        (
            {"most": 5, "window": "1h"},
            [("most", "it goes with unit; write which of the catalog's units it counts")],
        ),
        (
            {"posts": 5, "unit": "units", "window": "1h"},
            [("unit", "it goes with most; write most, or leave it out")],
        ),
        ({"posts": 5}, [("window", "it is missing; write window, or period and time_zone")]),
        (
            {"posts": 5, "window": "1h", "period": "day", "time_zone": "UTC"},
            [("period", "it has a window already; write a [[contract.limit]] for each")],
        ),
        (
            {"posts": 5, "period": "day"},
            [("period", "it goes with time_zone; write where it begins, as America/Los_Angeles")],
        ),
        (
            {"posts": 5, "window": "1h", "time_zone": "UTC"},
            [("time_zone", "it goes with period; write period, or leave it out")],
        ),
        (
            {"posts": 5, "period": "day", "time_zone": "UTC", "reset_day": 2},
            [("reset_day", 'only a month has one; write period = "month", or leave it out')],
        ),
        (
            {"posts": 5, "period": "day", "time_zone": "America/Los_Angles"},
            [
                (
                    "time_zone",
                    "there is no time zone 'America/Los_Angles'; did you mean America/Los_Angeles?",
                )
            ],
        ),
        (
            {"posts": 5, "period": "day", "time_zone": "Mars"},
            [("time_zone", "there is no time zone 'Mars'; write one as America/Los_Angeles")],
        ),
        (
            {"posts": 5, "period": "day", "time_zone": "PST"},
            [("time_zone", "there is no time zone 'PST'; write one as America/Los_Angeles")],
        ),
    ],
)
def test_a_mistake_is_told_with_its_remedy(
    limit: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert list(mistakes(limit, ZONES)) == expected


def test_what_is_none_is_not_there() -> None:
    """As a validated limit has it."""
    limit = dict.fromkeys(KEYS) | {"posts": 5, "window": "1h"}

    assert list(mistakes(limit, ZONES)) == []


def test_where_no_zones_are_known_none_is_looked_up() -> None:
    assert list(mistakes({"posts": 5, "period": "day", "time_zone": "Mars"}, ())) == []


@pytest.mark.parametrize(
    ("limit", "expected_ms"),
    [
        ({"window": "1h"}, 3_600_000),
        ({"window": 5_000}, 5_000),
        ({"period": "day"}, 90_000_000),
        ({"period": "month"}, 2_678_400_000),
        ({"window": "soon"}, 0),
        ({"period": "week"}, 0),
        ({"period": ["day"]}, 0),
        ({}, 0),
    ],
)
def test_charges_count_as_long_as_the_longest_period(
    limit: dict[str, Any], expected_ms: int
) -> None:
    assert longest_ms(limit) == expected_ms
