"""A torn journal is said where people look, and what it lost is never taken for nothing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from governor.cli import tears
from governor.cli.checks import check_all
from governor.cli.initialise import initialise
from governor.core.ledger.records import Torn
from governor.core.ledger.state import MemberState
from governor.errors import UsageError
from governor.journal import kept
from tests.fakes.serving import config_of, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from governor.cli.checks import Checked
    from governor.config import Config


def drop_a_record(config: Config) -> None:
    """Remove the last but one: from there on the chain is broken."""
    with closing(sqlite3.connect(config.ledger.state / "journal.db")) as connection:
        connection.execute("DELETE FROM record WHERE id = (SELECT max(id) - 1 FROM record)")
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
    drop_a_record(config)
    usages = []
    for _ in range(2):
        async with serving(config) as running:
            account = running.answers.status()["contracts"][0]["accounts"]["x-demo"]
            usages.append(account["charged"] >= account["limit"])

    lines = map(json.loads, capsys.readouterr().err.splitlines())
    [error] = [line for line in lines if line["level"] == "error"]
    assert usages == [True, True]
    assert "was damaged" in error["event"]


async def test_a_check_fails_before_the_start_and_until_the_evidence_is_put_away(
    tmp_path: Path,
) -> None:
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    drop_a_record(config)
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
    drop_a_record(config)
    await initialise(config, None)

    assert "was damaged" in capsys.readouterr().err


async def test_what_only_lost_records_knew_is_not_begun_at_nothing(tmp_path: Path) -> None:
    """Never is a missing ledger "0 used"."""
    config = config_of(settings(tmp_path / "governor"))
    await initialise(config, 250)
    with closing(sqlite3.connect(config.ledger.state / "journal.db")) as connection:
        connection.execute("DELETE FROM record WHERE kind = 'adopted'")
        connection.execute("DELETE FROM checkpoint")
        connection.commit()
    with pytest.raises(UsageError, match="the whole limit if nobody knows"):
        await initialise(config, None)

    assert any("begins with 10,000 posts used" in line for line in await initialise(config, 10_000))


def test_only_a_torn_journal_asks_for_a_word() -> None:
    state = MemberState()
    tears.require_word(state, ["x"], None)
    state.apply(Torn("record 1 is missing.", "torn-1"))
    tears.require_word(state, ["x"], 0)
    tears.require_word(state, [], None)

    with pytest.raises(UsageError, match="contract 'x'"):
        tears.require_word(state, ["x"], None)
