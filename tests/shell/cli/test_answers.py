"""What a running Governor says of itself is asked of its parts at that moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from governor.cli.initialise import initialise
from tests.fakes.serving import config_of, get, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.redis import RedisServer


async def test_a_ledger_that_goes_away_is_not_ready(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    governor = settings(tmp_path / "governor", ("[log]", f'redis = "{fresh_redis.url}"\n[log]'))
    await initialise(config_of(governor), None)
    async with serving(config_of(governor)):
        before = await governor.read("/ready")
        fresh_redis.kill()
        status, said = await get(f"http://127.0.0.1:{governor.admin_port}/ready")

    assert before == "ready\n"
    assert (status, said) == (503, "contract x: unreachable\n")
