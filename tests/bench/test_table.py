"""`make bench` prints a true table: everybody else is found over their limit, Governor is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import LIMIT, Row

ROOT = Path(__file__).parents[2]


def test_a_row_shows_multiples_of_the_limit() -> None:
    row = Row("ours", "24 h")
    row.meet("edges", LIMIT // 2)
    row.meet("edges", LIMIT)
    row.meet("edges", LIMIT // 4)

    assert row.line() == "| ours | 24 h | 1.00 |  |  |  | **1.00** |"


@pytest.mark.deep
def test_only_governor_keeps_the_limit_under_every_plan() -> None:
    """The libraries as they are published, and a real Redis where a rule needs one."""
    said = subprocess.run(
        [sys.executable, "-m", "tests.bench"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    table = [line.strip("| ").split(" | ") for line in said.stdout.splitlines() if line[:2] == "| "]
    worst = {name: float(cells[-1].strip("*")) for name, *cells in table[1:]}

    assert len(worst) == 10
    assert {name for name in worst if worst[name] <= 1} == {
        "**Governor**, in process",
        "**Governor**, over Redis",
    }
