"""A member joins under the limits that are in force, and keeps its journal short and whole."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from governor import recovery
from governor.cli.initialise import initialise
from governor.clock import SystemClock
from governor.core.ledger.holds import Hold
from governor.core.ledger.records import Claimed, Outcome, Resolved
from governor.errors import ConfigError, DoubtError, LedgerError, LedgerUnreachableError
from governor.journal import Reader
from tests.fakes.serving import config_of, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from governor.cli.member import Member
    from governor.config import Config
    from tests.fakes.redis import RedisServer

DAY_MS: Final = 86_400_000
KEEP: Final = ("[log]", 'keep = "2h"\n[log]')  # two windows: the shortest that is permitted


@dataclass(frozen=True, slots=True)
class Shifted:
    """The kernel's clocks, each ahead by so much; a duration takes as long as ever."""

    wall_by_ms: int = 0
    boot_by_ms: int = 0
    kernel: SystemClock = SystemClock()  # noqa: RUF009  # it has no state but the boot's name

    def wall_ms(self) -> int:
        return self.kernel.wall_ms() + self.wall_by_ms

    def monotonic_ms(self) -> int:
        return self.kernel.monotonic_ms()

    def boot_ms(self) -> int:
        return self.kernel.boot_ms() + self.boot_by_ms

    def boot_id(self) -> str:
        return self.kernel.boot_id()

    def synchronised(self) -> bool:
        return self.kernel.synchronised()

    async def sleep_ms(self, duration_ms: int) -> None:
        await self.kernel.sleep_ms(duration_ms)


def journal(config: Config) -> Reader:
    return Reader(config.ledger.state / "journal.db")


def rows(config: Config) -> list[int]:
    return [number for number, _ in journal(config).records()]


def on_redis(url: str) -> tuple[str, str]:
    return ("[log]", f'redis = "{url}"\n[log]')


async def test_without_init_it_does_not_serve(tmp_path: Path) -> None:
    governor = settings(tmp_path / "governor")

    with pytest.raises(LedgerError, match="governor init"):
        async with serving(config_of(governor)):
            pass


@pytest.mark.parametrize("is_shared", [True, False], ids=["redis", "embedded"])
async def test_a_higher_limit_needs_an_operators_word(
    tmp_path: Path,
    fresh_redis: RedisServer,
    capsys: pytest.CaptureFixture[str],
    is_shared: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """Invariant 10. A file can be edited by mistake; what is enforced is said in the log."""
    home = (on_redis(fresh_redis.url),) if is_shared else ()
    await initialise(config_of(settings(tmp_path / "governor", *home)), None)
    raised = ("posts = 10000", "posts = 20000")
    governor = settings(tmp_path / "governor", *home, raised)
    async with serving(config_of(governor)) as running:
        limit = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    lines = map(json.loads, capsys.readouterr().err.splitlines())
    [line] = [line for line in lines if line["level"] != "info"]
    assert limit == 10_000
    assert (line["level"], line["configured"], line["enforced"]) == ("warning", "20,000", "10,000")


async def test_a_lower_limit_is_in_force_at_once_and_stays(tmp_path: Path) -> None:
    await initialise(config_of(settings(tmp_path / "governor")), None)
    lower = settings(tmp_path / "governor", ("posts = 10000", "posts = 9000"))
    async with serving(config_of(lower)) as running:
        at_once = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]
    back = settings(tmp_path / "governor")
    async with serving(config_of(back)) as running:
        afterwards = running.answers.status()["contracts"][0]["accounts"]["x-demo"]["limit"]

    assert (at_once, afterwards) == (9_000, 9_000)


async def test_a_member_that_the_others_do_not_name_does_not_serve(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    """It is told so by the configuration that all of them share."""
    ledger = f'redis = "{fresh_redis.url}"\nmembers = ["{"a" * 32}"]\n[log]'
    governor = settings(tmp_path / "governor", ("[log]", ledger))
    await initialise(config_of(governor), None)

    with pytest.raises(ConfigError, match=r"ledger\.members does not name this governor"):
        async with serving(config_of(governor)):
            pass


async def test_another_home_is_refused(tmp_path: Path) -> None:
    """The new one would begin with nothing used."""
    await initialise(config_of(settings(tmp_path / "governor")), 250)
    moved = settings(tmp_path / "governor", on_redis("redis://127.0.0.1:1/0"))

    with pytest.raises(DoubtError, match="put the ledger setting back"):
        async with serving(config_of(moved)):
            pass


async def test_a_redis_that_does_not_answer_at_the_start_is_named(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    governor = settings(tmp_path / "governor", on_redis(fresh_redis.url))
    await initialise(config_of(governor), None)
    fresh_redis.kill()

    with pytest.raises(LedgerUnreachableError, match=f"127.0.0.1:{fresh_redis.port}"):
        async with serving(config_of(governor)):
            pass


async def test_after_a_stop_nothing_is_left_to_replay(tmp_path: Path) -> None:
    """The last that the ledger said of its time is journaled, and a checkpoint covers it."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    async with serving(config):
        pass

    covered = journal(config).checkpoint()
    contract = recovery.load(journal(config))[1].contracts["x"]
    assert covered is not None
    assert covered[0] == journal(config).head.id
    assert contract.spread["x-demo"] == contract.totals["x-demo"]


async def test_what_was_charged_last_is_stamped_now(tmp_path: Path) -> None:
    """And not at the next start, from when it would count for a whole window again."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, None)
    async with serving(config) as running:
        await charge(running.member, "x-demo", 17)

    contract = recovery.load(journal(config))[1].contracts["x"]
    assert contract.totals["x-demo"].charged == 17
    assert contract.spread["x-demo"] == contract.totals["x-demo"]


async def test_what_was_charged_last_is_told_to_others(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    config = config_of(settings(tmp_path / "governor", on_redis(fresh_redis.url)))
    await initialise(config, None)
    async with serving(config) as running:
        await charge(running.member, "x-demo", 17)

    with fresh_redis.client() as inside:
        told = inside.hgetall("governor:{x}:account:x-demo")
    assert (told["charged"], told["pending"]) == ("17", "0")


async def charge(member: Member, account: str, posts: int) -> None:
    """Hold, claim and settle, as an exchange does, and return before the ledger can hear of it."""
    amounts = ((account, posts),)
    hold = Hold("hold-1", amounts)
    talk = member.talks["x"]
    await talk.reserve(hold, patience_ms=0)
    await member.journal.append(
        Claimed("x", hold.id, "default", "op", posts, posts, amounts, "", talk.time_ms),
        Resolved("x", hold.id, Outcome.SETTLED, posts, amounts, lingers=False, at_ms=talk.time_ms),
    )
    talk.end(hold, amounts, lingers=False)


async def test_what_is_older_than_keep_leaves_the_journal(tmp_path: Path) -> None:
    """Its charges do not: they are in the checkpoint, and what remains can be verified."""
    config = config_of(settings(tmp_path / "governor", KEEP))
    await initialise(config, 250)
    old = rows(config)
    later = Shifted(wall_by_ms=DAY_MS, boot_by_ms=DAY_MS)
    async with serving(config, later):  # the ledger learns that a day has passed
        assert rows(config)[: len(old)] == old
    async with serving(config, later):
        pass

    assert min(rows(config)) > max(old)
    assert journal(config).verify_chain() == len(rows(config))
    assert recovery.load(journal(config))[1].contracts["x"].totals["x-demo"].charged == 250


async def test_a_clock_set_far_ahead_removes_no_evidence(tmp_path: Path) -> None:
    config = config_of(settings(tmp_path / "governor", KEEP))
    await initialise(config, 250)
    old = rows(config)
    for _ in range(2):
        async with serving(config, Shifted(wall_by_ms=100 * DAY_MS)):
            pass

    assert rows(config)[: len(old)] == old
