"""Whatever dies, lies or jumps: no window of true time ever holds more than the limit.

Each seed is a world of its own (`world`), and the platform in it counts at the worst instant it
may. A failing seed fails again, whoever runs it: `python -m tests.simulation --plan minutes
--seeds 7 --state FILE`. `make deep` runs hundreds.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.simulation.plan import CALM_DAYS, DAYS, MINUTES
from tests.simulation.world import PPM, simulate

ROOT: Final = Path(__file__).parents[2]
SHORT_DAYS: Final = replace(DAYS, windows=3)
REPLAYED: Final = """
from dataclasses import replace
from tests.simulation.plan import MINUTES
from tests.simulation.world import simulate
print(simulate(4, replace(MINUTES, windows=1).drawn(4)).trace)
"""


@pytest.mark.parametrize("seed", range(12))
def test_no_window_holds_more_than_the_limit_whatever_happens_within_minutes(seed: int) -> None:
    """Faults every few seconds, all timings real; an open ledger never counts less than is true."""
    outcome = simulate(seed, MINUTES.drawn(seed))

    assert outcome.worst <= outcome.limit
    assert outcome.short <= 0
    assert outcome.requests > 0


@pytest.mark.parametrize("seed", range(4))
def test_no_day_holds_more_than_the_limit_whatever_happens(seed: int) -> None:
    outcome = simulate(seed, SHORT_DAYS.drawn(seed))

    assert outcome.worst <= outcome.limit
    assert outcome.short <= 0
    assert outcome.requests > 0


def test_without_faults_almost_all_of_the_limit_is_used_day_after_day() -> None:
    """Saturating demand, pages of 1/200 of the limit: at least 99.9 %, and the limit exactly."""
    outcome = simulate(1, replace(CALM_DAYS, windows=3))

    assert outcome.worst == outcome.limit
    assert outcome.used_ppm >= PPM * 999 // 1_000
    assert outcome.short <= 0


def test_a_seed_is_one_schedule_in_every_process() -> None:
    """Whatever the hashes of its strings are: the trace of all that happened is the same."""
    traces = {
        subprocess.run(
            [sys.executable, "-c", REPLAYED],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("0", "1", "random")
    }

    assert len(traces) == 1


def test_another_seed_is_another_schedule() -> None:
    plan = replace(MINUTES, windows=1)

    assert len({simulate(seed, plan).trace for seed in range(3)}) == 3
