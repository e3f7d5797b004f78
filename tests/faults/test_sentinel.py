"""The primary dies under load, and the Sentinels put a replica in its place: nothing is over."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.sentinel import SERVICE, Guarded
from tests.faults.fleet import crawling_fleet, require_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fleet import Outcome

# As the README tells an operator: a primary that nobody follows any more takes no writes.
SETTINGS = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "5")


@pytest.mark.deep
@pytest.mark.timeout(180)
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "frozen"])
async def test_a_replica_takes_over_under_load(
    tmp_path: Path, told: Callable[[Outcome], Outcome], *, killed: bool
) -> None:
    """A primary that was only frozen wakes up as one, and is not believed any more."""
    guarded = await asyncio.to_thread(Guarded, tmp_path / "guarded", *SETTINGS)
    with guarded:
        ledger = f'sentinel = {{ hosts = {json.dumps(guarded.hosts)}, service = "{SERVICE}" }}'
        async with crawling_fleet(tmp_path, ledger) as fleet:
            await fleet.fill()
            old = guarded.primary
            with fleet.struck(f"Sentinel failover, the primary {'killed' if killed else 'frozen'}"):
                await asyncio.to_thread(guarded.fail_over, killed=killed)
            await fleet.resume()
            if not killed:
                old.cont()
            await fleet.go_on()
    require_kept(told(fleet.outcome()))
