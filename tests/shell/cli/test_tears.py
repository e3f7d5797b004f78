"""A torn journal is said where people look, and what it lost is never taken for nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

import pytest

from governor.cli import tears
from governor.cli.checks import check_all
from governor.cli.initialise import initialise
from governor.core.ledger.messages import Identity
from governor.core.ledger.records import Torn
from governor.core.ledger.state import ContractState, MemberState
from governor.errors import UsageError
from governor.journal import kept
from tests.fakes.serving import config_of, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from governor.cli.checks import Checked
    from governor.config import Config
    from tests.fakes.redis import RedisServer


LAST_BUT_ONE: Final = "id = (SELECT max(id) - 1 FROM record)"


def drop(config: Config, which: str = LAST_BUT_ONE) -> None:
    """Remove records: from there on the chain is broken."""
    with closing(sqlite3.connect(config.ledger.state / "journal.db")) as connection:
        connection.execute(f"DELETE FROM record WHERE {which}")  # noqa: S608  # our own words
        connection.execute("DELETE FROM checkpoint")  # else a start would not look there
        connection.commit()


async def judged(config: Config) -> Checked:
    return next(found for found in await check_all(config) if found.part == "journal")


async def test_governor_serves_on_with_every_limit_charged_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it says so, once, as an error."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop(config)
    usages = []
    for _ in range(2):
        async with serving(config) as running:
            account = running.answers.status()["contracts"][0]["accounts"]["x-demo"]
            usages.append(account["charged"] >= account["limit"])

    lines = map(json.loads, capsys.readouterr().err.splitlines())
    [error] = [line for line in lines if line["level"] == "error"]
    assert usages == [True, True]
    assert error["event"] == "the journal was damaged"
    assert "Record " in error["found"]
    assert error["kept"] == str(config.ledger.state / kept(config.ledger.state)[0])


async def test_a_shared_ledger_takes_a_torn_journal_back(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    """Although it had been told more than the journal still knows; not a post is free."""
    redis = ("[log]", f'redis = "{fresh_redis.url}"\n[log]')
    config = config_of(settings(tmp_path / "governor", redis))
    await initialise(config, 250)
    async with serving(config):
        pass
    drop(config, "kind = 'used'")
    async with serving(config) as running:
        contract = running.answers.status()["contracts"][0]
        account = contract["accounts"]["x-demo"]
        doubt = running.member.talks["x"].doubt

    assert doubt is None
    assert account["charged"] == account["limit"]


async def test_a_check_fails_before_the_start_and_until_the_evidence_is_put_away(
    tmp_path: Path,
) -> None:
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop(config)
    before = await judged(config)
    async with serving(config):
        pass
    after = await judged(config)
    [name] = kept(config.ledger.state)
    (config.ledger.state / name).rename(tmp_path / "evidence")
    at_last = await judged(config)

    assert (before.sound, after.sound, at_last.sound) == (False, False, True)
    assert "put them back before Governor starts" in before.said
    assert f"kept in {config.ledger.state / name}" in after.said


async def test_init_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop(config)
    await initialise(config, None)

    assert "was damaged" in capsys.readouterr().err


async def test_what_only_lost_records_knew_is_not_begun_at_nothing(tmp_path: Path) -> None:
    """Never is a missing ledger "0 used"."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop(config, "kind = 'adopted'")
    with pytest.raises(UsageError, match="the whole limit if nobody knows"):
        await initialise(config, None)

    assert any("begins with 10,000 posts used" in line for line in await initialise(config, 10_000))


async def test_a_raise_that_was_lost_frees_nothing(
    tmp_path: Path, fresh_redis: RedisServer
) -> None:
    """What was collected under it is charged as the limit before, so that binds for a window."""
    redis = ("[log]", f'redis = "{fresh_redis.url}"\n[log]')
    config = config_of(settings(tmp_path / "governor", redis))
    await initialise(config, None)
    higher = config_of(settings(tmp_path / "governor", redis, ("10000", "30000")))
    await initialise(higher, None, raises=True)
    drop(higher, "id >= (SELECT id FROM record WHERE kind = 'vouched')")
    async with serving(higher) as running:
        account = running.answers.status()["contracts"][0]["accounts"]["x-demo"]

    assert (account["charged"], account["limit"]) == (10_000, 10_000)


@pytest.mark.parametrize("told", [False, True])
async def test_nothing_is_raised_while_a_tear_counts(
    tmp_path: Path,
    told: bool,  # noqa: FBT001  # a parameter
) -> None:
    """The lost records may have held that very word."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop(config)
    if told:
        async with serving(config):
            pass
    higher = config_of(settings(tmp_path / "governor", ("10000", "30000")))
    with pytest.raises(UsageError, match="may have held a raise already"):
        await initialise(higher, None, raises=True)

    await initialise(higher, None)
    await initialise(config, None, raises=True)


def test_rules_become_laxer_again_when_a_tear_has_aged() -> None:
    known = ContractState("embedded", Identity(1, "r", ""), {}, 0, 0, 0, None, tear_frees_ms=5)
    tears.require_aged("x", known, 5)

    with pytest.raises(UsageError, match="contract 'x'"):
        tears.require_aged("x", known, 4)


def test_only_a_torn_journal_asks_for_a_word() -> None:
    state = MemberState()
    tears.require_word(state, ["x"], None)
    state.apply(Torn("record 1 is missing.", "torn-1"))
    tears.require_word(state, ["x"], 0)
    tears.require_word(state, [], None)

    with pytest.raises(UsageError, match="contract 'x'"):
        tears.require_word(state, ["x"], None)
