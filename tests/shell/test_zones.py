"""Zones come from the package alone, by their exact names; periods are asked for by a text."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import pytest

from governor.core.calendar import Calendar, turn
from governor.errors import ConfigError
from governor.zones import Periods, names, zone

if TYPE_CHECKING:
    from pathlib import Path

PACIFIC: Final = "day America/Los_Angeles"


def test_every_name_has_rules() -> None:
    for name in sorted(names()):
        assert zone(name).key == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("America/Los_Angles", "did you mean America/Los_Angeles?"),
        ("america/los_angeles", "did you mean America/Los_Angeles?"),
        ("", "write one as America/Los_Angeles"),
        ("QQ", "write one as America/Los_Angeles"),
        ("PST", "write one as America/Los_Angeles"),
        ("../zones", "write one as America/Los_Angeles"),
    ],
)
def test_a_name_that_is_no_zones_is_told_with_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(ConfigError) as raised:
        zone(name)

    assert str(raised.value) == f"there is no time zone {name!r}; {meant}"


def test_the_machines_own_zones_are_never_asked(tmp_path: Path) -> None:
    """A machine whose Beirut has the rules of UTC changes no boundary of ours."""
    (tmp_path / "Asia").mkdir()
    (tmp_path / "Asia" / "Beirut").write_bytes((files("tzdata") / "zoneinfo/UTC").read_bytes())
    asked = (
        "from zoneinfo import ZoneInfo; from datetime import datetime as d;"
        "from governor.zones import zone; name = 'Asia/Beirut';"
        "print(*(each.utcoffset(d(2026, 1, 1)) for each in (ZoneInfo(name), zone(name))))"
    )
    env = {**os.environ, "PYTHONTZPATH": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", asked], env=env, text=True)

    assert said == "0:00:00 2:00:00\n"


def test_a_period_is_what_the_calendar_makes_of_the_zone() -> None:
    """Asked in any order, on both sides of a boundary and for two calendars by turns."""
    periods = Periods()
    noon_ms = int(datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()) * 1000
    expected = turn(Calendar.parse(PACIFIC), zone("America/Los_Angeles"), noon_ms)
    month = turn(Calendar("month", "UTC", 15), zone("UTC"), noon_ms)

    assert periods(PACIFIC, noon_ms) == expected
    assert periods("month UTC from 15", noon_ms) == month
    assert periods(PACIFIC, expected.ends_ms - 1) == expected
    assert periods(PACIFIC, expected.ends_ms).begins_ms == expected.ends_ms
    assert periods(PACIFIC, expected.begins_ms) == expected
    assert periods(PACIFIC, expected.begins_ms - 1).ends_ms == expected.begins_ms


def test_what_is_no_calendar_or_no_zone_is_told() -> None:
    with pytest.raises(ValueError, match="no calendar"):
        Periods()("week UTC", 0)
    with pytest.raises(ConfigError, match="no time zone 'Mars/Base'"):
        Periods()("day Mars/Base", 0)
