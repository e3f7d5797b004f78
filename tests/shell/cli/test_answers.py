"""What a running Governor says of itself is asked of its parts at that moment."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from governor.cli.answers import account_status, contract_status
from governor.cli.initialise import initialise
from governor.core.ledger.decisions import Snapshot
from governor.core.ledger.messages import DoubtReason, Usage
from governor.core.policy import Contract, Limit
from governor.errors import JournalError
from tests.fakes.serving import config_of, get, serving, settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.redis import RedisServer


SEEN: Final = Snapshot(
    contract="x",
    doubt=None,
    usage={},
    time_ms=1,
    high_ms=2,
    waiting=3,
    holds=4,
    oldest_hold_ms=5,
    stepped=(),
    doubt_ms=6,
    members=("a", "b"),
    awaiting=("b",),
    awaits_word=True,
)


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


async def test_a_journal_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    """As when its disk is full: no claim could become durable, so nothing would be sent."""
    governor = settings(tmp_path / "governor")
    config = config_of(governor)
    await initialise(config, None)
    async with serving(config) as running:
        with closing(sqlite3.connect(config.ledger.state / "journal.db")) as damaging:
            damaging.execute("DROP TABLE checkpoint")
        with pytest.raises(JournalError):
            await running.member.journal.write_checkpoint(1, b"")

        assert await running.answers.ready() == (False, "the journal cannot be written")


async def test_the_mode_that_is_shown_is_the_one_that_binds(tmp_path: Path) -> None:
    """An operator who sees shadow believes that nothing is refused."""
    await initialise(config_of(settings(tmp_path / "governor")), None)
    shadow = settings(tmp_path / "governor", ('catalog = "x"', 'catalog = "x"\nmode = "shadow"'))
    async with serving(config_of(shadow)) as running:
        assert running.answers.status()["contracts"][0]["mode"] == "enforce"
    await initialise(config_of(shadow), None, raises=True)
    async with serving(config_of(shadow)) as running:
        assert running.answers.status()["contracts"][0]["mode"] == "shadow"


def test_an_account_shows_what_is_left_of_it() -> None:
    usage = Usage(charged=300, pending=100, limit=1_000, next_free_ms=7)

    assert account_status(usage, Limit("x-24h", 1_000, 86_400_000)) == {
        "limit": 1_000,
        "unit": "posts",
        "span": "24h",
        "charged": 300,
        "held": 100,
        "usage": 400,
        "headroom": 600,
        "next_free_ms": 7,
    }


@pytest.mark.parametrize(("limit", "headroom"), [(None, None), (300, 0), (400, 0), (401, 1)])
def test_headroom_is_never_negative(limit: int | None, headroom: int | None) -> None:
    """What was received is recorded even over the limit; a share may have none."""
    usage = Usage(charged=300, pending=100, limit=limit, next_free_ms=None)

    assert account_status(usage, None)["headroom"] == headroom


def test_an_account_names_the_unit_and_the_calendar_of_its_limit() -> None:
    """Its share too; an account of which no limit is configured names neither."""
    pacific = "day America/Los_Angeles"
    contract = Contract("y", "y", (Limit("units", 10_000, 90_000_000, "units", pacific),))
    usage = Usage(charged=300, pending=100, limit=1_000, next_free_ms=None)
    seen = replace(SEEN, usage={"units": usage, "units/a": usage, "gone": usage})
    accounts = contract_status(contract, seen)["accounts"]

    assert {name: (each["unit"], each["span"]) for name, each in accounts.items()} == {
        "units": ("units", pacific),
        "units/a": ("units", pacific),
        "gone": (None, None),
    }


@pytest.mark.parametrize("doubt", [None, *DoubtReason])
def test_a_ledger_is_open_or_its_doubt_is_named(doubt: DoubtReason | None) -> None:
    contract = Contract("x", "x", (Limit("x-24h", 1_000, 86_400_000),))
    seen = replace(SEEN, doubt=doubt)

    assert contract_status(contract, seen) == {
        "name": "x",
        "mode": "enforce",
        "ledger": doubt.value if doubt else "open",
        "doubt_ms": 6,
        "awaiting": ["b"],
        "awaits_word": True,
        "members": ["a", "b"],
        "time_ms": 1,
        "waiting": 3,
        "holds": 4,
        "oldest_hold_ms": 5,
        "accounts": {},
    }
