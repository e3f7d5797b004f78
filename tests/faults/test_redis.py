"""Whatever happens to the Redis that keeps the ledger, no window holds more than the limit.

A real server is killed, frozen, emptied, made to evict, set back, and cut off, under load. What it
forgot, the governors' journals know; until it has been told again, nobody collects. Each trial is
one row of the table in the README.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from typing import TYPE_CHECKING, Final

import pytest
from redis.exceptions import OutOfMemoryError

from tests.fakes.line import Line
from tests.fakes.redis import RedisServer
from tests.faults.fleet import CRAWLERS, crawling_fleet, require_kept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.fleet import Outcome

    Tell = Callable[[Outcome], Outcome]

KEY: Final = "governor:{x}:ledger"

pytestmark = pytest.mark.timeout(180)


def at(server: RedisServer | Line) -> str:
    return f'redis = "redis://127.0.0.1:{server.port}/0"'


async def test_killed_for_a_moment(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """A slice of the trial below, for every run of the tests."""
    async with crawling_fleet(tmp_path, at(server), posts=2_000, window_s=10) as fleet:
        await fleet.fill()
        with fleet.struck("kill -9, a moment"):
            server.kill()
            await fleet.go_on(1)
            await asyncio.to_thread(server.start)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_killed(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.fill()
        with fleet.struck("kill -9"):
            server.kill()
            await fleet.go_on(2)
            await asyncio.to_thread(server.start)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
@pytest.mark.parametrize("seconds", [1, 10, 60])
async def test_frozen(server: RedisServer, tmp_path: Path, told: Tell, seconds: int) -> None:
    """After a minute the governors close what they have open on the platform."""
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.fill()
        with fleet.struck(f"SIGSTOP for {seconds} s"):
            server.stop()
            await fleet.go_on(seconds)
            server.cont()
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_emptied(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """Nobody collects until an operator has said that every journal is there."""
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.fill()
        with fleet.struck("FLUSHALL, and `governor restore`"):
            await asyncio.to_thread(server.flush)
            await fleet.go_on(8)
        await fleet.governors[0].command("restore")
        await fleet.resume()
        await fleet.go_on()
    outcome = told(fleet.outcome())

    require_kept(outcome)
    assert outcome.served <= CRAWLERS, "served without an operator's word"


@pytest.mark.deep
async def test_a_key_deleted(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """The configuration names the members, so that their journals are known to be all."""
    async with crawling_fleet(tmp_path, at(server), named=True) as fleet:
        await fleet.fill()
        with fleet.struck("ledger key deleted"), server.client() as inside:
            inside.delete(KEY)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_made_to_evict(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """Keys of the ledger are really dropped; the members are named."""
    async with crawling_fleet(tmp_path, at(server), named=True) as fleet:
        await fleet.fill()
        with fleet.struck("maxmemory and allkeys-lru"), server.client() as inside:
            inside.config_set("maxmemory-policy", "allkeys-lru")
            inside.config_set("maxmemory", "1")
            with contextlib.suppress(OutOfMemoryError):
                inside.set("of", "others")  # for which everything else is dropped
            await fleet.go_on(5)
            left = len(inside.keys("governor:*"))
            inside.config_set("maxmemory", "0")
            inside.config_set("maxmemory-policy", "noeviction")
        await fleet.resume()
        await fleet.go_on()

    require_kept(told(fleet.outcome()))
    assert left == 0, "nothing was evicted"


@pytest.mark.deep
async def test_scripts_forgotten(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """They are sent again, and nobody notices."""
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.fill()
        with fleet.struck("SCRIPT FLUSH, twenty times"), server.client() as inside:
            for _ in range(20):
                inside.script_flush()
                await fleet.go_on(0.8)
        await fleet.resume()
        await fleet.go_on()
    outcome = told(fleet.outcome())

    require_kept(outcome)
    assert outcome.served > 0


@pytest.mark.deep
async def test_asleep(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    """It holds its tongue longer than a reply is waited for, and then answers what it heard."""
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.fill()
        with fleet.struck("DEBUG SLEEP 5"), server.client() as inside:
            await asyncio.to_thread(inside.execute_command, "DEBUG", "SLEEP", "5")
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_a_replica_that_lagged_is_promoted(
    server: RedisServer, tmp_path: Path, told: Tell
) -> None:
    """What the dead primary acknowledged last, the new one has never heard of."""
    follow = ("--replicaof", f"127.0.0.1 {server.port}")
    replica = RedisServer(tmp_path / "replica", settings=follow)
    async with (
        Line(server.port) as line,
        crawling_fleet(tmp_path, at(line)) as fleet,
    ):
        await fleet.half_fill()
        with replica.client() as follower:
            follower.replicaof("127.0.0.1", "1")  # cut off from its primary
            await fleet.fill()
            with fleet.struck("lagging replica promoted"):
                server.kill()
                await fleet.go_on(2)
                follower.replicaof("NO", "ONE")
                line.to = replica.port
        await fleet.resume()
        await fleet.go_on()
    replica.close()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_set_back_to_an_older_file(server: RedisServer, tmp_path: Path, told: Tell) -> None:
    copy = tmp_path / "copy"
    async with crawling_fleet(tmp_path, at(server)) as fleet:
        await fleet.half_fill()
        shutil.copytree(server.directory, copy)
        await fleet.fill()
        with fleet.struck("an older append-only file swapped in"):
            server.kill()
            shutil.rmtree(server.directory)
            copy.rename(server.directory)
            await fleet.go_on(2)
            await asyncio.to_thread(server.start)
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))


@pytest.mark.deep
async def test_cut_off_in_the_middle_of_answers(
    server: RedisServer, tmp_path: Path, told: Tell
) -> None:
    async with (
        Line(server.port) as line,
        crawling_fleet(tmp_path, at(line)) as fleet,
    ):
        await fleet.fill()
        with fleet.struck("connection cut in mid-reply, forty times"):
            for _ in range(40):
                line.halved = True
                await fleet.go_on(0.5)
            line.halved = False
        await fleet.resume()
        await fleet.go_on()
    require_kept(told(fleet.outcome()))
